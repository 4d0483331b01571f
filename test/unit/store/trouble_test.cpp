// Disks that fill, fail, and change underneath: every failure is an answer, nothing unverified is given out, and all goes on afterwards.

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "p2pdist/content/tree_file.hpp"
#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

/// Whatever the store calls verified it can give, and rightly.
void all_right(waiting_store& store, const sample& content, const chunk_set& verified) {
    for (auto chunk = verified.first_present(); chunk; chunk = verified.first_present(*chunk + 1)) {
        INFO("chunk " << *chunk);
        REQUIRE(serves(store, content, *chunk));
    }
}

}  // namespace

TEST_CASE("each step on the disk may fail, once or from then on", "[REQ-CLI-4][REQ-CLI-3]") {
    const auto code = GENERATE(errc::io_failed, errc::no_space);
    const bool for_good = GENERATE(false, true);
    const sample content(chunk_bytes + 300), other(700, 2);
    const scratch work;
    write_file(work / "source", other.data);
    bool reached = true;
    for (int failing = 0; reached; ++failing) {
        INFO("step " << failing << (for_good ? " and all that follow fail" : " fails"));
        fs::remove_all(work / "store");
        fs::create_directories(work / "store");   // it opens; what making it takes is tested by itself
        fs::remove(work / "out");
        std::atomic<int> steps{0};
        std::atomic<bool> mended{false};
        auto options = waiting_store::quick(work / "store");
        options.fault = [&](const store_step&) -> std::optional<errc> {
            const auto step = steps++;
            const bool fails = !mended && (for_good ? step >= failing : step == failing);
            return fails ? std::optional(code) : std::nullopt;
        };
        std::vector<chunk_index> written;
        {
            waiting_store store(options);
            if (store.ask(store_open{content.info, true}).ok()) {
                for (const chunk_index chunk : {1u, 0u}) {
                    if (store.ask(content.write(chunk)).ok()) written.push_back(chunk);
                }
            }
            const bool exported = store.ask(store_export{content.key(), (work / "out").string()}).ok();
            // It may be there though the sync of its directory failed, but never in part.
            if (exported || fs::exists(work / "out")) REQUIRE(read_file(work / "out") == content.data);
            (void)store.ask(store_import{other.info.id, std::nullopt, (work / "source").string()});
            (void)store.ask(store_pin{other.key(), true});
            (void)store.ask(store_remove{other.key()});
            reached = steps > failing;
            mended = true;
            complete(store, content);
        }
        waiting_store store(work / "store");
        const auto opened = store.open(content);
        for (const auto chunk : written) REQUIRE(opened.verified.contains(chunk));
        all_right(store, content, opened.verified);
        complete(store, content);
    }
}

TEST_CASE("a full disk is told with figures, and the download goes on when there is room", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    std::atomic<std::uint64_t> room{10 * chunk_bytes};
    auto options = waiting_store::quick(work / "store");
    options.volume_free_bytes = [&] { return room.load(); };
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        return step.what == store_io::write && step.bytes > room ? std::optional(errc::no_space) : std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    store.expect<store_written>(content.write(0));
    room = 1000;   // another program took it
    const auto full = store.ask(content.write(1));
    REQUIRE_FALSE(full.ok());
    CHECK(full.failure->code == errc::no_space);
    CHECK_THAT(full.failure->message, Contains("disk full: " + content.info.id.text() + " needs " + std::to_string(2 * chunk_bytes) + " bytes") &&
                                          Contains("has 1000 free"));
    const sample other(2 * chunk_bytes, 2);
    const auto refused = store.ask(store_open{other.info, true});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.failure->message, Contains("disk full") && Contains("needs " + std::to_string(2 * chunk_bytes)) && Contains("1000"));
    store.expect<store_done>(store_close{content.key()});
    room = 10 * chunk_bytes;
    CHECK(store.open(content).verified.ranges() == std::vector{chunk_range{0, 1}});
    store.expect<store_written>(content.write(1));
    store.expect<store_written>(content.write(2));
    CHECK(store.open(content).whole);
}

TEST_CASE("a limit of the store is told apart from a full disk", "[REQ-CLI-3]") {
    const scratch work;
    auto options = waiting_store::quick(work / "store");
    options.limit_bytes = 5000;
    waiting_store store(options);
    const sample content(6000);
    const auto refused = store.ask(store_open{content.info, true});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.failure->code == errc::no_space);
    CHECK_THAT(refused.failure->message, Contains("needs 6000 bytes") && Contains("may still take 5000") && Contains("raise the store's limit"));
}

TEST_CASE("after a sync that failed everything is written again, whatever the system believes", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    std::atomic<bool> failing{false};
    std::atomic<int> node_writes{0};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        const bool tree = step.path.filename() == "tree";
        if (tree && step.what == store_io::write) ++node_writes;
        return failing && tree && step.what == store_io::sync ? std::optional(errc::io_failed) : std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    failing = true;
    CHECK(store.failure(content.write(0)) == errc::io_failed);
    CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::not_found);
    failing = false;
    node_writes = 0;
    store.expect<store_written>(content.write(0));
    CHECK(node_writes == 3);   // the leaf and two siblings, though the file reads as if they were there
}

TEST_CASE("after a tree file or an import whose sync failed, the nodes of a chunk are written again", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    write_file(work / "package", content.data);
    std::atomic<bool> failing{false};
    std::atomic<int> node_writes{0};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        const bool tree = step.path.filename() == "tree";
        if (tree && step.what == store_io::write) ++node_writes;
        return failing && tree && step.what == store_io::sync ? std::optional(errc::io_failed) : std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    failing = true;
    SECTION("a tree file") { CHECK(store.failure(store_install_tree{content.key(), shared(encode_tree_file(content.tree))}) == errc::io_failed); }
    SECTION("an import") {
        CHECK(store.failure(store_import{content.info.id, std::nullopt, (work / "package").string()}) == errc::io_failed);
    }
    failing = false;
    node_writes = 0;
    store.expect<store_written>(content.write(0));
    CHECK(node_writes == 3);
}

TEST_CASE("a failed sync of one thread of the store is a failure for the chunks that another has written before", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    std::atomic<bool> held{false}, waiting{false}, failing{false};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        // The chunk's bytes are written, its nodes are about to be.
        if (held && step.what == store_io::write && step.path.filename() == "tree" && step.bytes == digest_bytes) {
            waiting = true;
            waiting.notify_all();
            held.wait(true);
        }
        const bool fails = step.what == store_io::sync && step.path.filename() == "content" && failing.exchange(false);
        return fails ? std::optional(errc::io_failed) : std::nullopt;   // told once, as systems do
    };
    waiting_store store(options);
    store.open(content);
    store.expect<store_appended>(store_append{content.key(), 0, shared(content.chunk(0))});
    held = true;
    const auto write = store.begin(content.write(2));
    waiting.wait(false);
    failing = true;
    CHECK(store.failure(store_install_tree{content.key(), shared(encode_tree_file(content.tree))}) == errc::io_failed);
    CHECK_FALSE(failing);
    held = false;
    held.notify_all();
    const auto done = store.wait(write);
    REQUIRE_FALSE(done.ok());
    CHECK(done.failure->code == errc::io_failed);
    CHECK(store.failure(store_read_chunk{content.key(), 2}) == errc::not_found);
    store.expect<store_written>(content.write(2));
    CHECK(serves(store, content, 2));
}

TEST_CASE("contents that are changed, cut or removed underneath are noticed, dropped, and can be had again", "[REQ-CLI-4][REQ-XFER-4]") {
    const sample content(2 * chunk_bytes + 500);
    const scratch work;
    waiting_store store(work / "store");
    complete(store, content);
    const auto directory = only_content(work / "store");
    const bool in_use = GENERATE(true, false);
    if (!in_use) {
        while (store.ask(store_close{content.key()}).ok()) {}
    }
    SECTION("changed") {
        flip_bit(directory / "content", chunk_bytes + 4, 3);
        CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::integrity_failed);
        CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::not_found);
        CHECK(serves(store, content, 0));
    }
    SECTION("changed, and read for the output file") {
        flip_bit(directory / "content", 7, 0);
        CHECK(store.failure(store_export{content.key(), (work / "out").string()}) == errc::integrity_failed);
        CHECK(fs::is_empty(work / "store") == false);
        CHECK_FALSE(fs::exists(work / "out"));
        CHECK_FALSE(fs::exists(work / ".out.p2pdist-part"));
    }
    SECTION("cut") {
        fs::resize_file(directory / "content", chunk_bytes);
        CHECK(serves(store, content, 0));
        CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::io_failed);
    }
    SECTION("removed") {
        fs::remove(directory / "content");
        if (in_use) CHECK(serves(store, content, 1));   // as long as it is open, it is there
        else CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::not_found);
    }
    SECTION("all removed") {
        fs::remove_all(directory);
        if (in_use) CHECK(serves(store, content, 1));
        else CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::not_found);
    }
    SECTION("the tree removed") {
        fs::remove(directory / "tree");
        if (!in_use) CHECK(store.failure(store_read_chunk{content.key(), 1}) == errc::not_found);
    }
    while (store.ask(store_close{content.key()}).ok()) {}
    complete(store, content);
    store.expect<store_content>(store_export{content.key(), (work / "again").string()});
    CHECK(read_file(work / "again") == content.data);
}

TEST_CASE("what is written to files that were removed is not acknowledged", "[REQ-CLI-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_written>(content.write(0));
    fs::remove_all(only_content(work / "store"));
    const auto lost = store.ask(content.write(1));
    REQUIRE_FALSE(lost.ok());
    CHECK_THAT(lost.failure->message, Contains("removed while it was in use"));
    store.expect<store_done>(store_close{content.key()});
    CHECK(store.open(content).verified.empty());
    complete(store, content);
}

TEST_CASE("any bit of the journal, the tree or the content may turn: no chunk is reported that does not verify", "[REQ-CLI-4][REQ-XFER-4]") {
    const sample content(chunk_bytes + 40);
    const scratch work;
    {
        waiting_store store(work / "store");
        complete(store, content);
    }
    const auto directory = only_content(work / "store");
    for (const auto* name : {"journal", "tree", "content", "info"}) {
        const auto size = fs::file_size(directory / name);
        const auto step = size > 1000 ? size / 97 : 1;   // every byte of the small ones
        for (std::uint64_t at = 0; at < size; at += step) {
            INFO("a bit of byte " << at << " of " << name);
            fs::remove_all(work / "turned");
            fs::copy(work / "store", work / "turned", fs::copy_options::recursive);
            flip_bit(only_content(work / "turned") / name, at, static_cast<unsigned>(at % 8));
            waiting_store store(work / "turned");
            const auto opened = store.open(content);
            // What turned in the journal costs a hash, not a download: the chunks are there.
            if (std::string_view(name) == "journal") REQUIRE(opened.verified.full());
            for (chunk_index chunk = 0; chunk < 2; ++chunk) {
                const auto done = store.ask(store_read_chunk{content.key(), chunk});
                if (done.ok()) REQUIRE(to_bytes(std::get<store_region>(done.value).region.view) == content.region(chunk));
            }
            complete(store, content);
        }
    }
}

TEST_CASE("a content that the disk did not give at start is not overwritten, and is there when it does", "[REQ-CLI-4]") {
    const sample content(2 * chunk_bytes);
    const scratch work;
    {
        waiting_store store(work / "store");
        complete(store, content);
    }
    std::atomic<bool> failing{true};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        return failing && step.path.filename() == "journal" && step.what == store_io::read ? std::optional(errc::io_failed) : std::nullopt;
    };
    waiting_store store(options);
    CHECK(store.expect<store_listing>(store_list{}).entries.empty());
    CHECK(store.failure(store_open{content.info, true}) == errc::io_failed);
    failing = false;
    CHECK(store.open(content).whole);
    all_right(store, content, store.open(content).verified);
}

TEST_CASE("a pipe in the place of a package is refused, and holds up nobody", "[REQ-CLI-4][REQ-CLI-6]") {
    const scratch work;
    REQUIRE(::mkfifo((work / "pipe").c_str(), 0600) == 0);
    waiting_store store(work / "store");
    CHECK(store.failure(store_import{std::nullopt, std::nullopt, (work / "pipe").string()}) == errc::io_failed);
    CHECK(store.failure(store_attach{sample(700).info, (work / "pipe").string()}) == errc::io_failed);
    store.store().stop();
}
