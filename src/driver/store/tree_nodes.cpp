#include "tree_nodes.hpp"

#include <algorithm>

namespace p2pdist::detail {

namespace {

std::uint64_t place_of(const chunk_geometry& geometry, unsigned level, std::uint64_t node) {
    return geometry.node_number(level, node) * digest_bytes;
}

constexpr std::size_t nodes_per_step = 8192;

byte_span raw(std::span<const digest> nodes) { return {nodes.data()->data(), nodes.size_bytes()}; }
mutable_byte_span raw(std::span<digest> nodes) { return {nodes.data()->data(), nodes.size_bytes()}; }

result<void> write_node(const file& nodes, std::uint64_t place, byte_span node, bool even_if_equal) {
    if (even_if_equal) return nodes.write_at(place, node);
    digest present{};
    if (nodes.read_at(place, present) && std::ranges::equal(present, node)) return {};
    return nodes.write_at(place, node);
}

}  // namespace

result<bool> read_proof(const file& nodes, const chunk_geometry& geometry, chunk_index chunk, mutable_byte_span out) {
    result<void> done;
    bool known = true;
    for_each_sibling(geometry, chunk, [&](unsigned level, std::uint64_t node) {
        if (!done || !known) return;
        const auto place = out.first(digest_bytes);
        out = out.subspan(digest_bytes);
        done = nodes.read_at(place_of(geometry, level, node), place);
        known = std::ranges::any_of(place, [](std::uint8_t byte) { return byte != 0; });
    });
    if (!done) return done.error();
    return known;
}

result<void> write_proof(const file& nodes, const chunk_geometry& geometry, chunk_index chunk, const digest& leaf, byte_span proof,
                         bool even_if_equal) {
    auto done = write_node(nodes, place_of(geometry, 0, chunk), leaf, even_if_equal);
    for_each_sibling(geometry, chunk, [&](unsigned level, std::uint64_t node) {
        if (!done) return;
        const auto sibling = proof.first(digest_bytes);
        proof = proof.subspan(digest_bytes);
        done = write_node(nodes, place_of(geometry, level, node), sibling, even_if_equal);
    });
    return done;
}

result<void> write_tree(const file& nodes, const hash_tree& tree) {
    const auto all = tree.nodes();
    for (std::size_t first = 0; first < all.size(); first += nodes_per_step) {
        const auto part = all.subspan(first, std::min(nodes_per_step, all.size() - first));
        if (auto done = nodes.write_at(first * digest_bytes, raw(part)); !done) return done;
    }
    return {};
}

result<digest> read_leaf(const file& nodes, const chunk_geometry& geometry, chunk_index chunk) {
    digest leaf{};
    if (auto done = nodes.read_at(place_of(geometry, 0, chunk), leaf); !done) return done.error();
    return leaf;
}

result<std::vector<digest>> read_leaves(const file& nodes, const chunk_geometry& geometry) {
    std::vector<digest> leaves(geometry.chunk_count());
    if (leaves.empty()) return leaves;
    if (auto done = nodes.read_at(0, raw(std::span(leaves))); !done) return done.error();
    return leaves;
}

result<digest> read_top(const file& nodes, const chunk_geometry& geometry) {
    digest top{};
    if (auto done = nodes.read_at(place_of(geometry, geometry.depth(), 0), top); !done) return done.error();
    return top;
}

}  // namespace p2pdist::detail
