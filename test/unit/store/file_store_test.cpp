#include "p2pdist/driver/file_store.hpp"

#include <catch2/catch.hpp>

#include "p2pdist/content/tree_file.hpp"
#include "p2pdist/driver/hash_file.hpp"
#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a download by chunks of any size ends whole, serves, exports and outlives a restart", "[REQ-CLI-4][REQ-XFER-4]") {
    const auto size = GENERATE(as<std::size_t>{}, 0, 1, chunk_bytes - 1, chunk_bytes, chunk_bytes + 1, 5 * chunk_bytes + 100);
    const sample content(size);
    const scratch work;
    {
        waiting_store store(work / "store");
        CHECK(store.open(content).whole == (size == 0));
        for (auto chunk = content.geometry().chunk_count(); chunk-- > 0;) {
            CHECK(store.expect<store_written>(content.write(chunk)).chunk == chunk);
            CHECK(serves(store, content, chunk));
        }
        CHECK(to_bytes(store.expect<store_tree>(store_read_tree{content.key()}).tree_file.view) == encode_tree_file(content.tree));
    }
    waiting_store store(work / "store");
    CHECK(store.open(content).whole);
    store.expect<store_content>(store_export{content.key(), (work / "out").string()});
    CHECK(read_file(work / "out") == content.data);
    CHECK(store.expect<store_checked>(store_verify{content.key()}).chunks_checked == content.geometry().chunk_count());
}

TEST_CASE("a chunk or proof that does not fit is refused and changes nothing", "[REQ-XFER-4][REQ-SEC-3]") {
    const sample content(2 * chunk_bytes), other(2 * chunk_bytes, 2);
    const scratch work;
    waiting_store store(work / "store");
    CHECK(store.failure(content.write(0)) == errc::not_found);
    store.open(content);
    auto write = content.write(0);
    write.data = shared(other.chunk(0));
    CHECK(store.failure(write) == errc::integrity_failed);
    write = content.write(0);
    write.proof = shared(raw_proof(other.tree, 0));
    CHECK(store.failure(write) == errc::integrity_failed);
    write.proof = {};
    CHECK(store.failure(write) == errc::integrity_failed);
    CHECK(store.failure(store_write_chunk{content.key(), 2, {}, {}}) == errc::invalid_argument);
    CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::not_found);
    CHECK(store.failure(store_export{content.key(), (work / "out").string()}) == errc::refused);
    CHECK_FALSE(fs::exists(work / "out"));
}

TEST_CASE("many writes under way share commits and are all answered", "[REQ-CLI-4]") {
    const sample content(60 * chunk_bytes);
    const scratch work;
    std::atomic<int> syncs{0};
    file_store_options options{work / "store"};
    options.commit_delay = limits::store_commit_delay_max;
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (step.what == store_io::sync) ++syncs;
        return std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    syncs = 0;
    std::vector<store_request_id> ids;
    for (chunk_index chunk = 0; chunk < 60; ++chunk) ids.push_back(store.begin(content.write(chunk)));
    for (const auto id : ids) CHECK(store.wait(id).ok());
    CHECK(store.open(content).whole);
    CHECK(syncs <= 3 * 30);  // three files a commit: content, tree, journal
}

TEST_CASE("bytes appended without a tree are shared only after the whole fits, and resume", "[REQ-XFER-4][REQ-SRC-3][REQ-CLI-4]") {
    const auto kind = GENERATE(hash_kind::sha256, hash_kind::sha256_tree);
    const sample content(3 * chunk_bytes + 100, 1, kind);
    const scratch work;
    const auto part = [&](std::size_t offset, std::size_t count) {
        return shared(to_bytes(byte_span(content.data).subspan(offset, count)));
    };
    {
        waiting_store store(work / "store");
        store.open(content);
        CHECK(store.failure(store_append{content.key(), 7, part(7, 1)}) == errc::invalid_argument);
        CHECK(store.expect<store_appended>(store_append{content.key(), 0, part(0, 500'000)}).appended_bytes == 500'000);
        CHECK(store.failure(store_finish{content.key()}) == errc::invalid_argument);
        CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::not_found);
    }
    waiting_store store(work / "store");
    const auto opened = store.open(content);
    REQUIRE(opened.appended_bytes == 500'000);
    CHECK(opened.verified.empty());
    const auto first = store.begin(store_append{content.key(), 500'000, part(500'000, 100'000)});
    const auto second = store.begin(store_append{content.key(), 600'000, part(600'000, content.data.size() - 600'000)});
    CHECK(store.wait(first).ok());
    CHECK(store.wait(second).ok());
    const auto finished = store.expect<store_opened>(store_finish{content.key()});
    CHECK(finished.whole);
    CHECK(finished.tree_root == content.tree.root());
    for (chunk_index chunk = 0; chunk < 4; ++chunk) CHECK(serves(store, content, chunk));
}

TEST_CASE("bytes are appended where chunks were verified meanwhile", "[REQ-XFER-4][REQ-SRC-3]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    for (const chunk_index chunk : {0, 1, 2}) store.expect<store_written>(content.write(chunk));
    const auto rest = [&](std::uint64_t from) { return shared(to_bytes(byte_span(content.data).subspan(from))); };
    CHECK(store.failure(store_append{content.key(), 3 * chunk_bytes + 1, rest(3 * chunk_bytes + 1)}) == errc::invalid_argument);
    store.expect<store_appended>(store_append{content.key(), chunk_bytes + 7, rest(chunk_bytes + 7)});
    CHECK(store.failure(store_append{content.key(), chunk_bytes, rest(chunk_bytes)}) == errc::invalid_argument);
    CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
}

TEST_CASE("a whole that does not fit is dropped", "[REQ-XFER-4]") {
    const auto kind = GENERATE(hash_kind::sha256, hash_kind::sha256_tree);
    const sample content(2 * chunk_bytes, 1, kind);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    auto wrong = content.data;
    wrong[chunk_bytes + 9] ^= 1;
    store.expect<store_appended>(store_append{content.key(), 0, shared(wrong)});
    CHECK(store.failure(store_finish{content.key()}) == errc::integrity_failed);
    CHECK(store.open(content).appended_bytes == 0);
    store.expect<store_appended>(store_append{content.key(), 0, shared(content.data)});
    CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
}

TEST_CASE("appending never overwrites a verified chunk", "[REQ-XFER-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    const auto write = store.begin(content.write(1));
    // Under way at once: the chunk is protected from its staging on.
    const auto append = store.begin(store_append{content.key(), 0, shared(bytes(2 * chunk_bytes, 0xee))});
    CHECK(store.wait(write).ok());
    CHECK(store.wait(append).ok());
    CHECK(serves(store, content, 1));
    store.expect<store_appended>(store_append{content.key(), 2 * chunk_bytes, shared(content.chunk(2))});
    CHECK(store.failure(store_finish{content.key()}) == errc::integrity_failed);
    CHECK(serves(store, content, 1));
}

TEST_CASE("a tree file proves what was appended and makes proofs needless", "[REQ-SRC-3]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_appended>(store_append{content.key(), 0, shared(to_bytes(byte_span(content.data).first(chunk_bytes + 10)))});
    auto file = encode_tree_file(content.tree);
    file.back() ^= 1;
    CHECK(store.failure(store_install_tree{content.key(), shared(file)}) == errc::integrity_failed);
    file.back() ^= 1;
    CHECK(store.expect<store_opened>(store_install_tree{content.key(), shared(file)}).verified.ranges() == std::vector{chunk_range{0, 1}});
    store.expect<store_written>(store_write_chunk{content.key(), 2, {}, shared(content.chunk(2))});
    CHECK(serves(store, content, 0));
    CHECK(serves(store, content, 2));
}

TEST_CASE("an imported file is whole, a hole stays a hole", "[REQ-CLI-6]") {
    const scratch work;
    const auto kind = GENERATE(hash_kind::sha256, hash_kind::sha256_tree);
    sample content(6 * chunk_bytes + 5, 1, kind);
    waiting_store store(work / "store");
    write_file(work / "package", content.data);
    CHECK(store.failure(store_import{content.info.id, sample(5).info.hash, (work / "package").string()}) == errc::integrity_failed);
    CHECK(store.failure(store_import{content.info.id, std::nullopt, (work / "nowhere").string()}) == errc::not_found);
    const auto imported = store.expect<store_content>(store_import{content.info.id, content.info.hash, (work / "package").string()}).content;
    CHECK(imported == content.info);
    for (chunk_index chunk = 0; chunk < 7; ++chunk) CHECK(serves(store, content, chunk));
    CHECK(hash_file(crypto(), work / "package").value().root() == content.tree.root());
}

TEST_CASE("an attached file is served from where it lies, and hashed again when it changed", "[REQ-SRV-5]") {
    const sample content(2 * chunk_bytes + 5);
    const scratch work;
    write_file(work / "package", content.data);
    {
        waiting_store store(work / "store");
        store.expect<store_content>(store_attach{content.info, (work / "package").string()});
        CHECK(serves(store, content, 2));
        CHECK_FALSE(fs::exists(only_content(work / "store") / "content"));
        CHECK(store.expect<store_statistics>(store_measure{}).used_bytes == 0);
    }
    waiting_store store(work / "store");
    CHECK(serves(store, content, 1));
    auto changed = content.data;
    changed[0] ^= 1;
    write_file(work / "package", changed);
    fs::last_write_time(work / "package", fs::last_write_time(work / "package") + std::chrono::seconds(5));
    CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::integrity_failed);
    CHECK(store.failure(store_attach{content.info, (work / "package").string()}) == errc::integrity_failed);
    write_file(work / "package", content.data);
    store.expect<store_content>(store_attach{content.info, (work / "package").string()});
    CHECK(serves(store, content, 0));
}

TEST_CASE("the output file replaces what stood there only when whole and verified", "[REQ-CLI-6][REQ-XFER-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    waiting_store store(work / "store");
    write_file(work / "out", as_bytes("old"));
    write_file(work / "package", content.data);
    store.expect<store_content>(store_import{content.info.id, std::nullopt, (work / "package").string()});
    {
        std::fstream disk(only_content(work / "store") / "content", std::ios::in | std::ios::out | std::ios::binary);
        disk.seekp(2 * chunk_bytes + 1);
        disk.put(static_cast<char>(content.data[2 * chunk_bytes + 1] ^ 1));
    }
    CHECK(store.failure(store_export{content.key(), (work / "out").string()}) == errc::integrity_failed);
    CHECK(read_file(work / "out") == to_bytes(as_bytes("old")));
    CHECK(std::distance(fs::directory_iterator(work / ""), {}) == 3);
    store.open(content);
    store.expect<store_written>(content.write(2));
    store.expect<store_content>(store_export{content.key(), (work / "out").string()});
    CHECK(read_file(work / "out") == content.data);
}

TEST_CASE("the output file may have as long a name as any, where there is such a directory", "[REQ-CLI-6]") {
    const sample content(700);
    const scratch work;
    waiting_store store(work / "store");
    complete(store, content);
    for (const std::size_t length : {241u, 242u, 255u}) {
        const std::string name(length, 'n');
        store.expect<store_content>(store_export{content.key(), (work / name).string()});
        CHECK(read_file(work / name) == content.data);
    }
    // That a content is not here is another failure.
    CHECK(store.failure(store_export{content.key(), (work / "missing" / "out").string()}) == errc::io_failed);
    CHECK(store.failure(store_export{sample(800).key(), (work / "out").string()}) == errc::not_found);
}

TEST_CASE("a store is open once, and says cancelled after it was stopped", "[REQ-CLI-3]") {
    const scratch work;
    waiting_store store(work / "store");
    const auto second = file_store::open(waiting_store::quick(work / "store"), crypto(), [](store_completion) {});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::refused);
    store.store().stop();
    CHECK(store.failure(store_list{}) == errc::cancelled);
}

TEST_CASE("a content that is removed while a long request begins with it stays removed", "[REQ-CLI-3]") {
    const sample content(chunk_bytes + 5);
    const scratch work;
    std::atomic<bool> held{false}, waiting{false};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (held && step.what == store_io::open && step.path.filename() == "content") {
            waiting = true;
            waiting.notify_all();
            held.wait(true);
        }
        return std::nullopt;
    };
    waiting_store store(options);
    store.open(content);
    for (chunk_index chunk = 0; chunk < 2; ++chunk) store.expect<store_written>(content.write(chunk));
    store.expect<store_done>(store_close{content.key()});
    const auto directory = only_content(work / "store");
    held = true;
    const auto request = GENERATE(true, false) ? store.begin(store_verify{content.key()}) : store.begin(store_read_tree{content.key()});
    waiting.wait(false);
    store.expect<store_done>(store_remove{content.key()});
    held = false;
    held.notify_all();
    const auto done = store.wait(request);
    REQUIRE_FALSE(done.ok());
    CHECK(done.failure->code == errc::not_found);
    CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("a share that is away costs no hashing when it is there again", "[REQ-SRV-5]") {
    const sample content(2 * chunk_bytes + 5);
    const scratch work;
    fs::create_directories(work / "share");
    write_file(work / "share/package", content.data);
    const store_attach attach{content.info, (work / "share/package").string()};
    std::atomic<std::uint64_t> read{0};
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (step.what == store_io::read && step.path.filename() == "package") read += step.bytes;
        return std::nullopt;
    };
    {
        waiting_store store(options);
        store.expect<store_content>(attach);
        CHECK(read >= content.data.size());
    }
    const auto directory = only_content(work / "store");
    fs::rename(work / "share", work / "away");
    if (GENERATE(true, false)) fs::create_directories(work / "share");   // where it will be mounted
    {
        waiting_store store(options);
        CHECK(store.expect<store_listing>(store_list{}).entries.empty());
        REQUIRE(fs::exists(directory / "tree"));
        CHECK(store.failure(attach) == errc::not_found);
        REQUIRE(fs::exists(directory / "tree"));
        read = 0;
        SECTION("while the store is open") {
            fs::remove_all(work / "share");
            fs::rename(work / "away", work / "share");
            store.expect<store_content>(attach);
            CHECK(read == 0);
            CHECK(serves(store, content, 1));
        }
        SECTION("and the package lies elsewhere") {
            store.expect<store_content>(store_attach{content.info, (work / "away/package").string()});
            CHECK(serves(store, content, 1));
        }
        SECTION("and the content comes another way") {
            store.open(content);
            for (chunk_index chunk = 0; chunk < 3; ++chunk) store.expect<store_written>(content.write(chunk));
            CHECK(serves(store, content, 1));
        }
    }
}

TEST_CASE("a share that is away at one start is not hashed again at the next", "[REQ-SRV-5]") {
    const sample content(700);
    const scratch work;
    fs::create_directories(work / "share");
    write_file(work / "share/package", content.data);
    {
        waiting_store store(work / "store");
        store.expect<store_content>(store_attach{content.info, (work / "share/package").string()});
    }
    fs::rename(work / "share", work / "away");
    {
        waiting_store store(work / "store");
        CHECK(store.expect<store_listing>(store_list{}).entries.empty());
    }
    fs::rename(work / "away", work / "share");
    waiting_store store(work / "store");
    CHECK(serves(store, content, 0));
}

TEST_CASE("what was hashed of a file that is gone goes with it", "[REQ-SRV-5]") {
    const sample content(700);
    const scratch work;
    write_file(work / "package", content.data);
    {
        waiting_store store(work / "store");
        store.expect<store_content>(store_attach{content.info, (work / "package").string()});
    }
    const auto directory = only_content(work / "store");
    fs::remove(work / "package");
    waiting_store store(work / "store");
    CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("attaching a content of which the store has a part reads the file and fills it", "[REQ-SRV-5]") {
    const sample content(2 * chunk_bytes + 5);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_written>(content.write(1));
    if (GENERATE(true, false)) store.expect<store_done>(store_close{content.key()});
    auto wrong = content.data;
    wrong[0] ^= 1;
    write_file(work / "package", wrong);
    CHECK(store.failure(store_attach{content.info, (work / "package").string()}) == errc::integrity_failed);
    CHECK(serves(store, content, 1));
    write_file(work / "package", content.data);
    store.expect<store_content>(store_attach{content.info, (work / "package").string()});
    const auto entry = store.expect<store_listing>(store_list{}).entries.at(0);
    CHECK(entry.whole);
    CHECK_FALSE(entry.attached);
    for (chunk_index chunk = 0; chunk < 3; ++chunk) CHECK(serves(store, content, chunk));
}
