// What lies in the store's directory, and the way there: what the store did not make is left alone, and what is odd is an answer.

#include <catch2/catch.hpp>

#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a store in a directory that is somebody's deletes nothing of his", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    const std::string hexadecimal(40, 'a');
    for (const std::string name : {"mine", "removed-mine", "removed-", "removed-1x", "lost+found", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD"}) {
        fs::create_directories(work / ("store/" + name));
        write_file(work / ("store/" + name + "/file"), as_bytes("kept"));
    }
    fs::create_directories(work / "store/removed-12");
    fs::create_directories(work / ("store/" + hexadecimal));
    {
        waiting_store store(work / "store");
        store.open(content);
        store.expect<store_written>(content.write(0));
    }
    waiting_store store(work / "store");
    CHECK(store.open(content).whole);
    CHECK(store.expect<store_listing>(store_list{}).entries.size() == 1);
    for (const std::string name : {"mine", "removed-mine", "removed-", "removed-1x", "lost+found", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD"}) {
        INFO(name);
        CHECK(fs::exists(work / ("store/" + name + "/file")));
    }
    // Its own that came to nothing do go.
    CHECK_FALSE(fs::exists(work / "store/removed-12"));
    CHECK_FALSE(fs::exists(work / ("store/" + hexadecimal)));
}

TEST_CASE("a link that leads nowhere in the store's directory is no reason not to start", "[REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    fs::create_directories(work / "store");
    const auto loop = work / ("store/" + std::string(40, 'b'));
    fs::create_symlink(loop, loop);
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_written>(content.write(0));
    CHECK(fs::is_symlink(loop));
}

TEST_CASE("an exception in a thread of the store is an answer", "[REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    std::atomic<bool> throwing{false};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (throwing && (step.what == store_io::read || step.what == store_io::sync)) throw std::runtime_error("odd");
        return std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    throwing = true;
    const auto written = store.ask(content.write(0));
    throwing = false;
    CHECK_FALSE(written.ok());
    store.expect<store_written>(content.write(0));
    throwing = true;
    const store_export to_file{content.key(), (work / "out").string()};
    for (const auto request : {store.begin(store_read_chunk{content.key(), 0}), store.begin(store_verify{content.key()}), store.begin(to_file)}) {
        const auto done = store.wait(request);
        REQUIRE_FALSE(done.ok());
        CHECK(done.failure->code == errc::io_failed);
        CHECK(done.failure->message.find("odd") != std::string::npos);
    }
    throwing = false;
    CHECK(serves(store, content, 0));
    store.expect<store_done>(store_close{content.key()});
    store.expect<store_done>(store_remove{content.key()});   // nobody uses it any more
}

TEST_CASE("an output file beside a working directory that is gone is an answer", "[REQ-CLI-6]") {
    const sample content(700);
    const scratch work;
    waiting_store store(work / "store");
    complete(store, content);
    const auto before = fs::current_path();
    fs::create_directories(work / "gone");
    fs::current_path(work / "gone");
    fs::remove(work / "gone");
    const auto done = store.ask(store_export{content.key(), "out"});
    fs::current_path(before);
    REQUIRE_FALSE(done.ok());
    CHECK(done.failure->code == errc::io_failed);
    CHECK(serves(store, content, 0));
}

TEST_CASE("a link that leads nowhere in the place of a content's file is an answer", "[REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    waiting_store store(work / "store");
    complete(store, content);
    store.expect<store_done>(store_close{content.key()});
    const auto directory = only_content(work / "store");
    fs::remove(directory / "content");
    fs::remove(directory / "journal");
    fs::create_symlink(directory / "journal", directory / "journal");
    CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::io_failed);
    fs::remove(directory / "journal");
    complete(store, content);
}

TEST_CASE("the store's directory is on the disk before anything in it is acknowledged", "[REQ-CLI-4]") {
    const scratch work;
    std::mutex mutex;
    std::vector<fs::path> synced;
    auto options = waiting_store::quick(work / "a/b/store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        const std::lock_guard lock(mutex);
        if (step.what == store_io::sync_directory) synced.push_back(step.path);
        return std::nullopt;
    };
    { const waiting_store store(options); }
    CHECK(synced == std::vector{(work / "a").parent_path(), work / "a", work / "a/b"});
    synced.clear();
    { const waiting_store store(options); }
    CHECK(synced.empty());
    options.directory = work / "other";
    options.fault = [](const store_step& step) -> std::optional<errc> {
        return step.what == store_io::sync_directory ? std::optional(errc::io_failed) : std::nullopt;
    };
    const auto failed = file_store::open(options, crypto(), [](store_completion) {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == errc::io_failed);
}
