#include "p2pdist/content/hash_tree.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "content_test_support.hpp"
#include "p2pdist/content/tree_file.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

std::vector<digest> some_leaves(std::size_t count) {
    std::vector<digest> leaves(count);
    for (std::size_t leaf = 0; leaf < count; ++leaf) {
        bytes number;
        byte_writer(number).u64(leaf);
        leaves[leaf] = crypto().sha256({number});
    }
    return leaves;
}

/// The definition of RFC 6962, section 2.1: split at the largest power of two below the count.
digest by_definition(std::span<const digest> leaves) {
    if (leaves.size() == 1) return leaves[0];
    std::size_t split = 1;
    while (split * 2 < leaves.size()) split *= 2;
    return node_hash(crypto(), by_definition(leaves.first(split)), by_definition(leaves.subspan(split)));
}

std::uint64_t size_of(std::size_t chunks) { return chunks * chunk_bytes - (chunks > 0 ? 7 : 0); }

}  // namespace

TEST_CASE("the hashes are those of the format", "[REQ-XFER-4]") {
    // Computed with Python's hashlib from the definition in docs/content-format.md.
    CHECK(to_hex(empty_root(crypto())) == "f0c1e0b4cd1983b9c92909f8145cc102993e4c797489c0ba98639fd93056b82f");
    CHECK(to_hex(make_tree(crypto(), as_bytes("abc")).root()) == "5c170547d40533fb44a0c4874b2977285d519c9e8129f7733c364d97cf2cabd6");
    CHECK(to_hex(make_tree(crypto(), bytes(3 * chunk_bytes, 0x61)).root()) == "2589f6f6f58447f3ea502fef8b5dfb894c1f1418b0c705647f3a17840349700e");
}

TEST_CASE("every chunk of a tree of any size is proven by its proof, and by no other", "[REQ-XFER-4]") {
    const auto count = GENERATE(as<std::size_t>{}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 1000);
    const auto leaves = some_leaves(count);
    const hash_tree tree(crypto(), size_of(count), leaves);
    const auto& geometry = tree.geometry();
    REQUIRE(geometry.chunk_count() == count);
    CHECK(tree.root() == root_hash(crypto(), size_of(count), by_definition(leaves)));
    for (chunk_index index = 0; index < count; ++index) {
        const auto proof = raw_proof(tree, index);
        REQUIRE(proof.size() == geometry.proof_bytes(index));
        REQUIRE(verify_leaf(crypto(), geometry, tree.root(), index, proof, leaves[index]));
        const auto other = static_cast<chunk_index>((index + 1) % count);
        if (other != index) REQUIRE_FALSE(verify_leaf(crypto(), geometry, tree.root(), index, proof, leaves[other]));
    }
}

TEST_CASE("a proof that is altered, too short or too long proves nothing", "[REQ-XFER-4][REQ-SEC-3]") {
    const auto count = GENERATE(as<std::size_t>{}, 1, 2, 3, 5, 11);
    const auto leaves = some_leaves(count);
    const hash_tree tree(crypto(), size_of(count), leaves);
    for (chunk_index index = 0; index < count; ++index) {
        const auto proof = raw_proof(tree, index);
        for (std::size_t at = 0; at < proof.size(); ++at) {
            auto altered = proof;
            altered[at] ^= 0x10;
            REQUIRE_FALSE(verify_leaf(crypto(), tree.geometry(), tree.root(), index, altered, leaves[index]));
        }
        auto longer = proof;
        longer.resize(proof.size() + 32);
        CHECK_FALSE(verify_leaf(crypto(), tree.geometry(), tree.root(), index, longer, leaves[index]));
        if (!proof.empty())
            CHECK_FALSE(verify_leaf(crypto(), tree.geometry(), tree.root(), index, byte_span(proof).first(proof.size() - 1), leaves[index]));
    }
    CHECK_FALSE(verify_leaf(crypto(), tree.geometry(), tree.root(), static_cast<chunk_index>(count), {}, leaves[0]));
}

TEST_CASE("the root binds the size", "[REQ-XFER-4]") {
    const auto leaves = some_leaves(3);
    const hash_tree tree(crypto(), 3 * chunk_bytes, leaves);
    const chunk_geometry shorter(3 * chunk_bytes - 1);
    CHECK_FALSE(verify_leaf(crypto(), shorter, tree.root(), 1, raw_proof(tree, 1), leaves[1]));
}

TEST_CASE("a chunk of another length is refused before it is hashed", "[REQ-XFER-4]") {
    const sample content(2 * chunk_bytes + 5);
    for (chunk_index index = 0; index < 3; ++index) {
        auto data = content.chunk(index);
        CHECK(verify_chunk(crypto(), content.geometry(), content.tree.root(), index, raw_proof(content.tree, index), data));
        data.push_back(0);
        CHECK_FALSE(verify_chunk(crypto(), content.geometry(), content.tree.root(), index, raw_proof(content.tree, index), data));
        data.resize(data.size() - 2);
        CHECK_FALSE(verify_chunk(crypto(), content.geometry(), content.tree.root(), index, raw_proof(content.tree, index), data));
    }
}

TEST_CASE("the incremental builder finds the tree's root with a digest a level", "[REQ-XFER-4]") {
    tree_builder builder(crypto());
    CHECK(builder.root(0) == empty_root(crypto()));
    const auto leaves = some_leaves(300);
    for (std::size_t count = 1; count <= leaves.size(); ++count) {
        builder.append(leaves[count - 1]);
        const hash_tree tree(crypto(), size_of(count), {leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(count)});
        REQUIRE(builder.root(size_of(count)) == tree.root());
    }
}

TEST_CASE("a region splits into its proof and bytes, sharing memory", "[REQ-XFER-4]") {
    const sample content(chunk_bytes + 1);
    const auto region = shared(content.region(1));
    const auto parts = split_region(content.geometry(), 1, region);
    CHECK(verify_chunk(crypto(), content.geometry(), content.tree.root(), 1, parts.proof.view, parts.data.view));
    CHECK(parts.data.owner == region.owner);
    CHECK(split_region(content.geometry(), 0, region).data.view.empty());
    CHECK(split_region(content.geometry(), 2, region).data.view.empty());
}

TEST_CASE("a tree file gives the tree back, or nothing when anything in it is altered", "[REQ-SRC-3]") {
    const auto size = GENERATE(as<std::size_t>{}, 0, 1, chunk_bytes, 3 * chunk_bytes + 9);
    const sample content(size);
    const auto file = encode_tree_file(content.tree);
    REQUIRE(file.size() == tree_file_bytes(size));
    const auto parsed = parse_tree_file(crypto(), size, content.tree.root(), file);
    REQUIRE(parsed);
    CHECK(std::ranges::equal(parsed->leaves(), content.tree.leaves()));
    for (std::size_t at = 0; at < file.size(); ++at) {
        auto altered = file;
        altered[at] ^= 1;
        REQUIRE_FALSE(parse_tree_file(crypto(), size, content.tree.root(), altered));
        REQUIRE_FALSE(parse_tree_file(crypto(), size, content.tree.root(), byte_span(file).first(at)));
    }
    auto longer = file;
    longer.push_back(0);
    CHECK_FALSE(parse_tree_file(crypto(), size, content.tree.root(), longer));
    CHECK_FALSE(parse_tree_file(crypto(), size + 1, content.tree.root(), file));
}
