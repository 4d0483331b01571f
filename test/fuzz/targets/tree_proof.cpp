// Geometry and proofs of the hash tree: only the leaf itself, with its own siblings, leads to the root.

#include "p2pdist/content/hash_tree.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

void check_geometry(std::uint64_t size, chunk_index index) {
    const chunk_geometry shape(size);
    if (shape.chunk_count() == 0) return fuzz::check(shape.object_bytes() == 0, "an empty content has an object");
    index %= shape.chunk_count();
    const auto region = shape.region(index);
    fuzz::check(region.length == shape.proof_bytes(index) + shape.chunk(index).length, "a region is not proof and bytes");
    fuzz::check(region.end() <= shape.object_bytes() && shape.chunk_at_object_offset(region.offset) == index, "a region lies elsewhere");
    fuzz::check(shape.chunk(index).end() <= size && shape.chunk(index).length > 0, "a chunk lies outside the content");
    fuzz::check(shape.path_length(index) <= shape.depth(), "a proof is longer than the tree is high");
    unsigned siblings = 0;
    for_each_sibling(shape, index, [&](unsigned level, std::uint64_t node) {
        ++siblings;
        fuzz::check(shape.node_number(level, node) < shape.node_count(), "a sibling is no node");
    });
    fuzz::check(siblings == shape.path_length(index), "another number of siblings than the proof is long");
}

}  // namespace

P2PDIST_FUZZ_TARGET(tree_proof) {
    static const fuzz::toy_crypto crypto;
    const auto odd_index = input.u32();
    check_geometry(input.u64() % (limits::content_bytes_max + 1), odd_index);

    // A content of up to 40 chunks whose leaves are made up; only the last chunk's size matters.
    const auto chunks = 1 + input.below(40);
    const auto size = (chunks - 1) * chunk_bytes + 1 + input.below(chunk_bytes);
    std::vector<digest> leaves(chunks);
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i] = crypto.sha256({as_bytes(std::to_string(i))});
    const hash_tree tree(crypto, size, leaves);
    tree_builder builder(crypto);
    for (const auto& leaf : leaves) builder.append(leaf);
    fuzz::check(builder.root(size) == tree.root(), "two ways to the root differ");

    const auto index = static_cast<chunk_index>(input.below(chunks));
    bytes proof;
    for (const auto& node : tree.proof(index)) proof.insert(proof.end(), node.begin(), node.end());
    fuzz::check(verify_leaf(crypto, tree.geometry(), tree.root(), index, proof, leaves[index]), "a proof does not prove");

    const auto altered = fuzz::mutated(input, proof);
    const auto claimed = static_cast<chunk_index>(input.below(chunks + 2));
    auto leaf = leaves[index];
    if (input.flag()) leaf[input.below(leaf.size())] ^= static_cast<std::uint8_t>(1 + input.below(255));
    if (verify_leaf(crypto, tree.geometry(), tree.root(), claimed, altered, leaf))
        fuzz::check(claimed == index && altered == proof && leaf == leaves[index], "another leaf or proof leads to the root");
    const auto raw = input.rest();
    fuzz::check(!verify_chunk(crypto, tree.geometry(), tree.root(), claimed, altered, raw), "made-up bytes lead to the root");
}
