// Files that a bad disk altered: what they cost is fetched again from wherever it is given, with no proofs too.

#include <catch2/catch.hpp>

#include "p2pdist/content/tree_file.hpp"
#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

void zero(const fs::path& path) { write_file(path, bytes(fs::file_size(path))); }

/// As a source gives it that has no proofs.
store_write_chunk bare(const sample& content, chunk_index chunk) { return {content.key(), chunk, {}, shared(content.chunk(chunk))}; }

/// Appends from there on to the end.
void append_rest(waiting_store& store, const sample& content, std::uint64_t at) {
    while (at < content.info.size_bytes) {
        const auto chunk = static_cast<chunk_index>(at / chunk_bytes);
        at = store.expect<store_appended>(store_append{content.key(), at, shared(content.chunk(chunk))}).appended_bytes;
    }
}

}  // namespace

TEST_CASE("a content whose tree was altered on disk can be completed from a source without proofs", "[REQ-CLI-4][REQ-SRC-3]") {
    const sample content(3 * chunk_bytes + 10);
    const scratch work;
    {
        waiting_store store(work / "store");
        complete(store, content);
    }
    if (GENERATE(true, false)) zero(only_content(work / "store") / "tree");
    else flip_bit(only_content(work / "store") / "tree", 37, 1);
    const chunk_index lost = GENERATE(1, 4);   // chunks that somebody wanted before
    {
        waiting_store store(work / "store");
        CHECK(store.open(content).tree_known);
        for (chunk_index chunk = 0; chunk < lost; ++chunk) (void)store.ask(store_read_chunk{content.key(), chunk});
        REQUIRE_FALSE(store.open(content).verified.full());
    }
    waiting_store store(work / "store");
    const auto opened = store.open(content);
    REQUIRE_FALSE(opened.tree_known);
    SECTION("a source without a tree file") {
        append_rest(store, content, opened.appended_bytes);
        CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
    }
    SECTION("a source with a tree file") {
        CHECK(store.expect<store_opened>(store_install_tree{content.key(), shared(encode_tree_file(content.tree))}).tree_known);
        for (chunk_index chunk = 0; chunk < 4; ++chunk) store.expect<store_written>(bare(content, chunk));
        CHECK(store.open(content).whole);
    }
    for (chunk_index chunk = 0; chunk < 4; ++chunk) CHECK(serves(store, content, chunk));
    CHECK(to_bytes(store.expect<store_tree>(store_read_tree{content.key()}).tree_file.view) == encode_tree_file(content.tree));
}

TEST_CASE("a tree that was altered on disk is not held against whoever gives right bytes", "[REQ-CLI-4][REQ-SRC-3]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    const auto tree_file = shared(encode_tree_file(content.tree));
    {
        waiting_store store(work / "store");
        store.open(content);
        CHECK(store.expect<store_opened>(store_install_tree{content.key(), tree_file}).tree_known);
    }
    const auto tree = only_content(work / "store") / "tree";
    const bool restarted = GENERATE(true, false);
    SECTION("a node of it") { flip_bit(tree, 32 + 3, 0); }
    SECTION("all of it") { zero(tree); }
    SECTION("cut") { fs::resize_file(tree, 40); }
    {
        waiting_store store(work / "store");
        REQUIRE(store.open(content).tree_known);
        auto wrong = bare(content, 0);
        wrong.data = shared(content.chunk(1));
        for (int twice = 0; twice < 2; ++twice) CHECK(store.failure(bare(content, 0)) == errc::io_failed);
        if (!restarted) {
            CHECK_FALSE(store.open(content).tree_known);
            CHECK(store.expect<store_opened>(store_install_tree{content.key(), tree_file}).tree_known);
            CHECK(store.failure(wrong) == errc::integrity_failed);
            store.expect<store_written>(bare(content, 0));
            CHECK(serves(store, content, 0));
        }
    }
    if (!restarted) return;
    waiting_store store(work / "store");
    REQUIRE_FALSE(store.open(content).tree_known);
    store.expect<store_opened>(store_install_tree{content.key(), tree_file});
    for (chunk_index chunk = 0; chunk < 4; ++chunk) store.expect<store_written>(bare(content, chunk));
    CHECK(store.open(content).whole);
}

TEST_CASE("a tree that is cut while it is in use is written again", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_opened>(store_install_tree{content.key(), shared(encode_tree_file(content.tree))});
    fs::resize_file(only_content(work / "store") / "tree", 10);
    CHECK(store.failure(bare(content, 0)) == errc::io_failed);
    CHECK_FALSE(store.open(content).tree_known);
    for (chunk_index chunk = 0; chunk < 4; ++chunk) {
        store.expect<store_written>(content.write(chunk));
        CHECK(serves(store, content, chunk));
    }
}

TEST_CASE("a verified chunk that rotted does not make each whole from an honest source fail", "[REQ-CLI-4][REQ-SRC-3][REQ-XFER-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    constexpr std::uint64_t none = UINT64_MAX;
    std::atomic<std::uint64_t> unreadable{none};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        const bool fails = step.what == store_io::read && step.path.filename() == "content" && step.offset == unreadable;
        return fails ? std::optional(errc::io_failed) : std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    const chunk_index rotten = GENERATE(0, 1, 2);
    store.expect<store_written>(content.write(rotten));
    if (GENERATE(true, false)) unreadable = rotten * chunk_bytes;
    else
        flip_bit(only_content(work / "store") / "content", rotten * chunk_bytes + 9, 4);
    append_rest(store, content, store.open(content).appended_bytes);
    // Not the source's fault.
    CHECK(store.failure(store_finish{content.key()}) == errc::io_failed);
    const auto opened = store.open(content);
    CHECK_FALSE(opened.verified.contains(rotten));
    CHECK(opened.appended_bytes == rotten * chunk_bytes);
    unreadable = none;
    append_rest(store, content, opened.appended_bytes);
    CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
}

TEST_CASE("a plain content's chunk that rotted is not held against who gives another one", "[REQ-CLI-4][REQ-SEC-3][REQ-XFER-4]") {
    const sample content(4 * chunk_bytes, 1, hash_kind::sha256);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    append_rest(store, content, 0);
    REQUIRE(store.expect<store_opened>(store_finish{content.key()}).whole);
    for (const std::uint64_t rotten : {0, 1}) flip_bit(only_content(work / "store") / "content", rotten * chunk_bytes + 9, 4);
    CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::integrity_failed);
    CHECK(store.open(content).appended_bytes == 0);
    CHECK(store.expect<store_appended>(store_append{content.key(), 0, shared(content.chunk(0))}).appended_bytes == content.info.size_bytes);
    CHECK(store.failure(store_finish{content.key()}) == errc::io_failed);
    const auto opened = store.open(content);
    CHECK(opened.verified.ranges() == std::vector{chunk_range{2, 2}});
    CHECK(opened.appended_bytes == chunk_bytes);
    append_rest(store, content, opened.appended_bytes);
    CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
}

TEST_CASE("a chunk that is lost while an append waits for its sync costs itself, and no later append", "[REQ-CLI-4][REQ-SRC-3]") {
    const sample content(6 * chunk_bytes);
    const scratch work;
    std::atomic<bool> held{false}, waiting{false}, fails{false};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (!held || step.what != store_io::sync || step.path.filename() != "content") return std::nullopt;
        waiting = true;
        waiting.notify_all();
        held.wait(true);
        return fails.exchange(false) ? std::optional(errc::io_failed) : std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    const chunk_index rotten = GENERATE(0, 2, 5);   // before what is appended, within it, behind it
    store.expect<store_written>(content.write(rotten));
    auto at = store.open(content).appended_bytes;
    at = store.expect<store_appended>(store_append{content.key(), at, shared(content.chunk(static_cast<chunk_index>(at / chunk_bytes)))}).appended_bytes;
    fails = GENERATE(false, true);
    const bool failing = fails;
    held = true;
    bytes both = content.chunk(static_cast<chunk_index>(at / chunk_bytes));
    for (const auto byte : content.chunk(static_cast<chunk_index>(at / chunk_bytes + 1))) both.push_back(byte);
    const auto append = store.begin(store_append{content.key(), at, shared(std::move(both))});
    waiting.wait(false);
    flip_bit(only_content(work / "store") / "content", rotten * chunk_bytes + 9, 4);
    CHECK(store.failure(store_read_chunk{content.key(), rotten}) == errc::integrity_failed);
    held = false;
    held.notify_all();
    const auto done = store.wait(append);
    REQUIRE(done.ok() != failing);
    const auto opened = store.open(content).appended_bytes;
    if (done.ok()) CHECK(std::get<store_appended>(done.value).appended_bytes == opened);
    CHECK(opened <= rotten * chunk_bytes);
    append_rest(store, content, opened);
    CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
}

TEST_CASE("a chunk that was appended and does not read is appended again", "[REQ-CLI-4][REQ-SRC-3]") {
    const sample content(4 * chunk_bytes, 1, GENERATE(hash_kind::sha256, hash_kind::sha256_tree));
    const scratch work;
    std::atomic<int> failures{0};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        const bool fails = step.what == store_io::read && step.path.filename() == "content" && step.offset == 2 * chunk_bytes && failures > 0;
        return fails && failures-- > 0 ? std::optional(errc::io_failed) : std::nullopt;
    };
    const bool restarted = GENERATE(false, true);
    const bool for_good = GENERATE(false, true);
    std::optional<waiting_store> store(std::in_place, options);
    store->open(content);
    append_rest(*store, content, 0);
    failures = for_good ? 1000 : 1;
    CHECK(store->failure(store_finish{content.key()}) == errc::io_failed);
    failures = 0;
    if (restarted) store.emplace(options);
    const auto at = store->open(content).appended_bytes;
    CHECK(at == (for_good ? 2u : 4u) * chunk_bytes);   // a disk that gives it the second time has lost nothing
    append_rest(*store, content, at);
    CHECK(store->expect<store_opened>(store_finish{content.key()}).whole);
}
