// Limits, eviction and large contents (CLI-3, CLI-5).

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <thread>

#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("room is made by the least recently used, across a restart, never by what is in use or pinned", "[REQ-CLI-3]") {
    const scratch work;
    const sample a(300, 1), b(300, 2), c(300, 3), d(600, 4), e(601, 5);
    auto options = waiting_store::quick(work / "store");
    options.limit_bytes = 1000;
    {
        waiting_store store(options);
        for (const auto* content : {&a, &b, &c}) {
            write_file(work / "file", content->data);
            store.expect<store_content>(store_import{content->info.id, std::nullopt, (work / "file").string()});
        }
        store.expect<store_done>(store_pin{a.key(), true});
        CHECK(store.expect<store_statistics>(store_measure{}).usable_bytes == 700);
        // b is used again: now c is the oldest.
        store.expect<store_opened>(store_open{b.info, false});
        store.expect<store_done>(store_close{b.key()});
    }
    waiting_store store(options);
    const sample small(200, 6);
    auto done = store.ask(store_open{small.info, true});
    REQUIRE(done.ok());
    CHECK(done.evicted == std::vector{c.key()});
    store.expect<store_done>(store_close{small.key()});
    done = store.ask(store_open{e.info, true});
    CHECK(done.evicted == std::vector{b.key(), small.key()});
    CHECK(store.failure(store_open{d.info, true}) == errc::no_space);
    CHECK(store.expect<store_listing>(store_list{}).entries.size() == 2);
    CHECK(store.failure(store_remove{e.key()}) == errc::refused);
    store.expect<store_done>(store_close{e.key()});
    CHECK(store.failure(store_close{e.key()}) == errc::not_found);
    CHECK(store.ask(store_set_limit{10}).evicted == std::vector{e.key()});
    store.expect<store_done>(store_remove{a.key()});
    CHECK(store.expect<store_listing>(store_list{}).entries.empty());
    std::size_t directories = 0;
    for (const auto& found : fs::directory_iterator(work / "store")) directories += found.is_directory();
    CHECK(directories == 0);
}

TEST_CASE("free space of the volume is checked before a download starts", "[REQ-CLI-3][REQ-CLI-5]") {
    const scratch work;
    auto options = waiting_store::quick(work / "store");
    options.volume_free_bytes = [] { return std::uint64_t{1000}; };
    waiting_store store(options);
    const sample a(600, 1), b(500, 2), c(400, 3);
    CHECK(store.expect<store_statistics>(store_measure{}).volume_free_bytes == 1000);
    store.open(a);
    CHECK(store.failure(store_open{b.info, true}) == errc::no_space);
    store.open(c);
    CHECK(store.expect<store_statistics>(store_measure{}).usable_bytes == 0);
}

TEST_CASE("a store that is asked too much at once says so", "[REQ-CLI-3]") {
    const sample content(chunk_bytes);
    const scratch work;
    std::atomic<bool> blocked{true};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (step.what == store_io::read) blocked.wait(true);
        return std::nullopt;
    };
    blocked = false;
    waiting_store store(options);
    store.open(content);
    store.expect<store_written>(content.write(0));
    blocked = true;
    std::vector<store_request_id> ids;
    for (std::size_t count = 0; count < limits::store_requests_max; ++count) ids.push_back(store.begin(store_read_chunk{content.key(), 0}));
    CHECK(store.failure(store_list{}) == errc::limit_reached);
    ids.push_back(store.begin(store_close{content.key()}));   // else it would be in use for ever
    blocked = false;
    blocked.notify_all();
    for (const auto id : ids) REQUIRE(store.wait(id).ok());
    CHECK(store.expect<store_listing>(store_list{}).entries.front().use_count == 0);

    const sample other(2 * chunk_bytes, 2);
    store.open(other);
    blocked = true;
    ids.clear();
    for (std::size_t count = 0; count < limits::store_write_bytes_max / chunk_bytes; ++count) ids.push_back(store.begin(other.write(0)));
    CHECK(store.failure(other.write(1)) == errc::limit_reached);
    blocked = false;
    blocked.notify_all();
    for (const auto id : ids) REQUIRE(store.wait(id).ok());
}

TEST_CASE("a sparse file of more than 4 GiB is imported, served and exported in little memory", "[.long][REQ-XFER-4]") {
    const scratch work;
    const std::uint64_t size = (std::uint64_t{5} << 30) + 1;
    write_file(work / "large", as_bytes("start"));
    fs::resize_file(work / "large", size);
    {
        std::fstream disk(work / "large", std::ios::in | std::ios::out | std::ios::binary);
        disk.seekp(static_cast<std::streamoff>(size - 1));
        disk.put('e');
    }
    waiting_store store(work / "store");
    const auto imported = store.ask(store_import{std::nullopt, std::nullopt, (work / "large").string()});
    REQUIRE(imported.ok());
    const auto content = std::get<store_content>(imported.value).content;
    CHECK(content.size_bytes == size);
    const auto last = store.expect<store_region>(store_read_chunk{content.key(), chunk_geometry(size).chunk_count() - 1});
    CHECK(last.region.view.back() == 'e');
    store.expect<store_content>(store_export{content.key(), (work / "out").string()});
    CHECK(fs::file_size(work / "out") == size);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    CHECK(usage.ru_maxrss < 64 * 1024);  // KiB
}
