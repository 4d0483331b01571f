// A disk without room, or that fails while the store starts: what is there stays known, and what is acknowledged afterwards is kept.

#include <catch2/catch.hpp>

#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

constexpr std::uint64_t record_bytes = 24;

/// Whole, with a journal so long that the next start writes it anew.
void leave_long_journal(const fs::path& place, const sample& content) {
    waiting_store store(place);
    store.open(content);
    store.expect<store_written>(content.write(0));
    const auto directory = only_content(place);
    while (fs::file_size(directory / "journal") < 1100 * record_bytes) {
        flip_bit(directory / "content", 7, 3);
        REQUIRE(store.failure(store_read_chunk{content.key(), 0}) == errc::integrity_failed);
        store.expect<store_written>(content.write(0));
    }
}

}  // namespace

TEST_CASE("a full disk hides no content whose journal was to be shortened, and it can make room", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(300), other(200, 2);
    const scratch work;
    leave_long_journal(work / "store", content);
    auto options = waiting_store::quick(work / "store");
    options.volume_free_bytes = [] { return std::uint64_t{100}; };
    options.fault = [](const store_step& step) -> std::optional<errc> {
        return step.path.filename() == "journal.new" ? std::optional(errc::no_space) : std::nullopt;
    };
    waiting_store store(options);
    const auto entries = store.expect<store_listing>(store_list{}).entries;
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].whole);
    CHECK(serves(store, content, 0));
    const auto opened = store.ask(store_open{other.info, true});
    REQUIRE(opened.ok());
    CHECK(opened.evicted == std::vector{content.key()});
}

TEST_CASE("a full disk hides no content of which chunks are written and not journaled", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(2 * chunk_bytes);
    const scratch work;
    {
        waiting_store store(work / "store");
        store.open(content);
        store.expect<store_written>(content.write(0));
        store.expect<store_written>(content.write(1));
    }
    fs::resize_file(only_content(work / "store") / "journal", record_bytes);   // only the first is
    std::atomic<bool> full{true};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        return full && step.path.filename() == "journal" && step.what == store_io::write ? std::optional(errc::no_space) : std::nullopt;
    };
    waiting_store store(options);
    CHECK(store.expect<store_listing>(store_list{}).entries.size() == 1);
    full = false;
    const auto opened = store.open(content);
    CHECK(opened.verified.contains(0));
    store.expect<store_written>(content.write(1));
    CHECK(store.open(content).whole);
}

TEST_CASE("a journal that was put in place and not synced there goes on where it ends", "[REQ-CLI-4]") {
    const sample content(300);
    const scratch work;
    leave_long_journal(work / "store", content);
    const auto directory = only_content(work / "store");
    std::atomic<bool> failing{true};
    std::atomic<int> synced{0};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (step.what != store_io::sync_directory || step.path != directory) return std::nullopt;
        if (failing) return errc::io_failed;
        ++synced;
        return std::nullopt;
    };
    {
        waiting_store store(options);
        CHECK(serves(store, content, 0));
        flip_bit(directory / "content", 7, 3);
        failing = false;
        CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::integrity_failed);
        CHECK(synced == 1);   // before anything relies on the name
    }
    CHECK(fs::file_size(directory / "journal") < 10 * record_bytes);
    waiting_store store(work / "store");
    CHECK(store.open(content).verified.empty());
}

TEST_CASE("a content whose files were removed is there again wholly, or takes nothing", "[REQ-CLI-4]") {
    const sample content(2 * chunk_bytes, 1, hash_kind::sha256);
    const scratch work;
    const bool all_removed = GENERATE(true, false);
    bool reached = true;
    for (int failing = 0; reached; ++failing) {
        INFO("step " << failing << " of those that make it anew fails");
        fs::remove_all(work / "store");
        std::atomic<int> steps{-1};
        auto options = waiting_store::quick(work / "store");
        options.fault = [&](const store_step& step) -> std::optional<errc> {
            if (steps < 0 || step.what == store_io::open) return std::nullopt;
            return steps++ == failing ? std::optional(errc::io_failed) : std::nullopt;
        };
        const auto part = [&](std::size_t offset, std::size_t count) {
            return shared(to_bytes(byte_span(content.data).subspan(offset, count)));
        };
        std::uint64_t acknowledged = 0;
        {
            waiting_store store(options);
            store.open(content);
            store.expect<store_appended>(store_append{content.key(), 0, part(0, 500)});
            store.expect<store_done>(store_close{content.key()});
            const auto directory = only_content(work / "store");
            if (all_removed) fs::remove_all(directory);
            else fs::remove(directory / "content");
            steps = 0;
            (void)store.ask(store_open{content.info, true});   // makes it anew, if all goes well
            reached = steps > failing;
            steps = -1;
            store.open(content);
            for (const std::uint64_t end : {300, 700}) {
                const auto done = store.ask(store_append{content.key(), acknowledged, part(acknowledged, end - acknowledged)});
                if (done.ok()) acknowledged = std::get<store_appended>(done.value).appended_bytes;
            }
            CHECK(acknowledged == 700);
        }
        waiting_store store(work / "store");
        REQUIRE(store.open(content).appended_bytes >= acknowledged);
        const auto rest = static_cast<std::size_t>(content.info.size_bytes - acknowledged);
        store.expect<store_appended>(store_append{content.key(), acknowledged, part(acknowledged, rest)});
        CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
    }
}
