#include "p2pdist/content/memory_store.hpp"

#include <catch2/catch.hpp>

#include "content_test_support.hpp"
#include "p2pdist/content/tree_file.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

template <class Operation>
store_completion ask(memory_store& store, Operation operation) {
    return store.execute({42, std::move(operation)});
}

template <class Value, class Operation>
Value expect(memory_store& store, Operation operation) {
    auto done = ask(store, std::move(operation));
    INFO((done.failure ? done.failure->message : ""));
    REQUIRE(done.ok());
    CHECK(done.id == 42);
    return std::get<Value>(done.value);
}

}  // namespace

TEST_CASE("a download by chunks ends whole and serves what it took", "[REQ-XFER-4][REQ-RVP-4]") {
    const auto size = GENERATE(as<std::size_t>{}, 0, 1, chunk_bytes - 1, chunk_bytes, chunk_bytes + 1, 3 * chunk_bytes + 100);
    const sample content(size);
    memory_store store(crypto());
    const auto opened = expect<store_opened>(store, store_open{content.info, true});
    CHECK(opened.whole == (size == 0));
    for (auto chunk = content.geometry().chunk_count(); chunk-- > 0;) {
        CHECK(expect<store_written>(store, content.write(chunk)).chunk == chunk);
        CHECK(to_bytes(expect<store_region>(store, store_read_chunk{content.key(), chunk}).region.view) == content.region(chunk));
    }
    CHECK(expect<store_opened>(store, store_open{content.info, false}).whole);
    expect<store_content>(store, store_export{content.key(), "out"});
    CHECK(store.files()["out"] == content.data);
    CHECK(to_bytes(expect<store_tree>(store, store_read_tree{content.key()}).tree_file.view) == encode_tree_file(content.tree));
}

TEST_CASE("a chunk that does not fit is refused and changes nothing", "[REQ-XFER-4][REQ-SEC-3]") {
    const sample content(2 * chunk_bytes), other(2 * chunk_bytes, 2);
    memory_store store(crypto());
    expect<store_opened>(store, store_open{content.info, true});
    auto write = content.write(0);
    write.data = shared(other.chunk(0));
    CHECK(ask(store, write).failure->code == errc::integrity_failed);
    write = content.write(0);
    write.proof = {};
    CHECK(ask(store, write).failure->code == errc::integrity_failed);
    CHECK(ask(store, store_read_chunk{content.key(), 0}).failure->code == errc::not_found);
    CHECK(ask(store, store_write_chunk{content.key(), 2, {}, {}}).failure->code == errc::invalid_argument);
    CHECK(ask(store, store_export{content.key(), "out"}).failure->code == errc::refused);
}

TEST_CASE("bytes appended without a tree are shared only after the whole fits", "[REQ-XFER-4][REQ-SRC-3]") {
    const auto kind = GENERATE(hash_kind::sha256, hash_kind::sha256_tree);
    const sample content(3 * chunk_bytes + 100, 1, kind);
    memory_store store(crypto());
    expect<store_opened>(store, store_open{content.info, true});
    const auto append = [&](std::size_t offset, std::size_t count, std::uint8_t flip = 0) {
        bytes part(content.data.begin() + static_cast<std::ptrdiff_t>(offset), content.data.begin() + static_cast<std::ptrdiff_t>(offset + count));
        part[0] ^= flip;
        return ask(store, store_append{content.key(), offset, shared(part)});
    };
    CHECK(append(1, 1).failure->code == errc::invalid_argument);
    REQUIRE(append(0, 1000, 1).ok());
    CHECK(ask(store, store_finish{content.key()}).failure->code == errc::invalid_argument);
    for (std::size_t at = 1000; at < content.data.size();) {
        const auto count = std::min<std::size_t>(500'000, content.data.size() - at);
        REQUIRE(append(at, count).ok());
        at += count;
    }
    CHECK(ask(store, store_read_chunk{content.key(), 0}).failure->code == errc::not_found);
    CHECK(ask(store, store_finish{content.key()}).failure->code == errc::integrity_failed);
    CHECK(expect<store_opened>(store, store_open{content.info, false}).appended_bytes == 0);
    REQUIRE(append(0, 786'000).ok());
    REQUIRE(append(786'000, content.data.size() - 786'000).ok());
    CHECK(expect<store_opened>(store, store_finish{content.key()}).whole);
    CHECK(to_bytes(expect<store_region>(store, store_read_chunk{content.key(), 2}).region.view) == content.region(2));
}

TEST_CASE("bytes are appended where chunks were verified meanwhile, and again where one was lost", "[REQ-XFER-4][REQ-SRC-3]") {
    const sample content(5 * chunk_bytes);
    bool rotten = false;
    memory_store_options options;
    options.corrupt = [&](const content_key&, chunk_index) { return rotten; };
    memory_store store(crypto(), options);
    const auto append = [&](std::uint64_t from, std::uint64_t to) {
        const auto first = content.data.begin();
        bytes part(first + static_cast<std::ptrdiff_t>(from), first + static_cast<std::ptrdiff_t>(to));
        return ask(store, store_append{content.key(), from, shared(std::move(part))});
    };
    expect<store_opened>(store, store_open{content.info, true});
    for (const chunk_index chunk : {0, 1, 2}) expect<store_written>(store, content.write(chunk));
    REQUIRE(append(chunk_bytes, 2 * chunk_bytes).ok());
    REQUIRE(append(2 * chunk_bytes + 7, 3 * chunk_bytes + 10).ok());
    CHECK(append(3 * chunk_bytes, 3 * chunk_bytes + 10).failure->code == errc::invalid_argument);
    CHECK(append(3 * chunk_bytes + 11, 3 * chunk_bytes + 20).failure->code == errc::invalid_argument);
    rotten = true;
    CHECK_FALSE(ask(store, store_read_chunk{content.key(), 1}).ok());
    CHECK(append(3 * chunk_bytes + 10, content.data.size()).failure->code == errc::invalid_argument);
    const auto from = expect<store_opened>(store, store_open{content.info, true}).appended_bytes;
    CHECK(from == chunk_bytes);
    REQUIRE(append(from, 2 * chunk_bytes).ok());
    REQUIRE(append(3 * chunk_bytes, content.data.size()).ok());
    CHECK(expect<store_opened>(store, store_finish{content.key()}).whole);
}

TEST_CASE("a tree file proves what was appended and makes proofs needless", "[REQ-SRC-3]") {
    const sample content(3 * chunk_bytes);
    memory_store store(crypto());
    expect<store_opened>(store, store_open{content.info, true});
    bytes start(content.data.begin(), content.data.begin() + chunk_bytes + 10);
    expect<store_appended>(store, store_append{content.key(), 0, shared(start)});
    auto file = encode_tree_file(content.tree);
    file.back() ^= 1;
    CHECK(ask(store, store_install_tree{content.key(), shared(file)}).failure->code == errc::integrity_failed);
    file.back() ^= 1;
    const auto opened = expect<store_opened>(store, store_install_tree{content.key(), shared(file)});
    CHECK(opened.verified.ranges() == std::vector{chunk_range{0, 1}});
    CHECK(opened.tree_known);
    expect<store_written>(store, store_write_chunk{content.key(), 2, {}, shared(content.chunk(2))});
    CHECK(ask(store, store_write_chunk{content.key(), 1, {}, shared(content.chunk(2))}).failure->code == errc::integrity_failed);
    CHECK(to_bytes(expect<store_region>(store, store_read_chunk{content.key(), 2}).region.view) == content.region(2));
}

TEST_CASE("room is made by the least recently used, never by what is in use or pinned", "[REQ-CLI-3]") {
    memory_store store(crypto(), {.limit_bytes = 1000});
    const sample a(300, 1), b(300, 2), c(300, 3), d(600, 4), e(601, 5);
    for (const auto* content : {&a, &b, &c}) {
        store.files()["file"] = content->data;
        expect<store_content>(store, store_import{content->info.id, std::nullopt, "file"});
    }
    expect<store_done>(store, store_pin{a.key(), true});
    CHECK(expect<store_statistics>(store, store_measure{}).usable_bytes == 700);
    auto done = ask(store, store_open{e.info, true});
    REQUIRE(done.ok());
    CHECK(done.evicted == std::vector{b.key(), c.key()});
    CHECK(ask(store, store_open{d.info, true}).failure->code == errc::no_space);
    CHECK(ask(store, store_remove{e.key()}).failure->code == errc::refused);
    expect<store_done>(store, store_close{e.key()});
    done = ask(store, store_open{d.info, true});
    CHECK(done.evicted == std::vector{e.key()});
    CHECK(expect<store_listing>(store, store_list{}).entries.size() == 2);
    done = ask(store, store_set_limit{10});
    CHECK(done.evicted.empty());
    expect<store_done>(store, store_pin{a.key(), false});
    CHECK(ask(store, store_set_limit{10}).evicted == std::vector{a.key()});
}

TEST_CASE("free space of the volume is checked before a download, promises to others included", "[REQ-CLI-3]") {
    memory_store store(crypto(), {.volume_free_bytes = 1000});
    const sample a(600, 1), b(500, 2), c(400, 3);
    expect<store_opened>(store, store_open{a.info, true});
    CHECK(ask(store, store_open{b.info, true}).failure->code == errc::no_space);
    expect<store_opened>(store, store_open{c.info, true});
    CHECK(expect<store_statistics>(store, store_measure{}).usable_bytes == 0);
}

TEST_CASE("faults of a disk are answers", "[REQ-CLI-3][REQ-XFER-4]") {
    const sample content(2 * chunk_bytes);
    bool full = false, rotten = false;
    memory_store_options options;
    options.fault = [&](const store_request& request) -> std::optional<error> {
        if (full && std::holds_alternative<store_write_chunk>(request.operation)) return error{errc::no_space, "disk full"};
        return std::nullopt;
    };
    options.corrupt = [&](const content_key&, chunk_index chunk) { return rotten && chunk == 1; };
    memory_store store(crypto(), options);
    expect<store_opened>(store, store_open{content.info, true});
    full = true;
    CHECK(ask(store, content.write(0)).failure->code == errc::no_space);
    full = false;
    expect<store_written>(store, content.write(0));
    expect<store_written>(store, content.write(1));
    rotten = true;
    CHECK(ask(store, store_read_chunk{content.key(), 1}).failure->code == errc::integrity_failed);
    rotten = false;
    CHECK(ask(store, store_read_chunk{content.key(), 1}).failure->code == errc::not_found);
    expect<store_written>(store, content.write(1));
    expect<store_region>(store, store_read_chunk{content.key(), 1});
}

TEST_CASE("stores with one pool keep one copy of a chunk", "[REQ-XFER-4]") {
    const sample content(2 * chunk_bytes);
    const auto pool = std::make_shared<memory_chunk_pool>();
    memory_store first(crypto(), {.pool = pool}), second(crypto(), {.pool = pool});
    expect<store_opened>(first, store_open{content.info, true});
    expect<store_opened>(second, store_open{content.info, true});
    const auto parts = split_region(content.geometry(), 0, shared(content.region(0)));
    expect<store_written>(first, store_write_chunk{content.key(), 0, parts.proof, parts.data});
    expect<store_written>(second, content.write(0));
    const auto here = expect<store_region>(first, store_read_chunk{content.key(), 0}).region;
    CHECK(here.owner == parts.data.owner);
    CHECK(expect<store_region>(second, store_read_chunk{content.key(), 0}).region.owner == here.owner);
    auto bad = content.write(0);
    bad.key = content.key();
    auto altered = content.chunk(0);
    altered[5] ^= 1;
    memory_store third(crypto(), {.pool = pool});
    expect<store_opened>(third, store_open{content.info, true});
    bad.data = shared(altered);
    CHECK(ask(third, bad).failure->code == errc::integrity_failed);
}

TEST_CASE("import and attach check the hash that is expected", "[REQ-CLI-6][REQ-SRV-5]") {
    const sample content(chunk_bytes + 1, 1, hash_kind::sha256), other(5, 2);
    memory_store store(crypto());
    store.files()["package"] = content.data;
    CHECK(ask(store, store_import{std::nullopt, other.info.hash, "package"}).failure->code == errc::integrity_failed);
    CHECK(ask(store, store_import{std::nullopt, std::nullopt, "nowhere"}).failure->code == errc::not_found);
    const auto imported = expect<store_content>(store, store_import{std::nullopt, std::nullopt, "package"}).content;
    CHECK(imported.hash == content_hash{hash_kind::sha256_tree, content.tree.root()});
    CHECK(imported.id == default_content_id(imported.hash));
    expect<store_content>(store, store_attach{content.info, "package"});
    CHECK(expect<store_listing>(store, store_list{}).entries.size() == 2);
    auto wrong = content.info;
    wrong.size_bytes = 5;
    CHECK(ask(store, store_attach{wrong, "package"}).failure->code == errc::integrity_failed);
}
