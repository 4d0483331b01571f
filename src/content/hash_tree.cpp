#include "p2pdist/content/hash_tree.hpp"

#include <algorithm>
#include <bit>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {

namespace {

constexpr std::uint8_t leaf_prefix[] = {0};
constexpr std::uint8_t node_prefix[] = {1};
constexpr std::uint8_t root_prefix[] = {2};

digest read_digest(byte_span data) {
    digest value;
    std::copy_n(data.begin(), value.size(), value.begin());
    return value;
}

}  // namespace

digest leaf_hash(const crypto_suite& crypto, byte_span chunk) { return crypto.sha256({leaf_prefix, chunk}); }

digest node_hash(const crypto_suite& crypto, const digest& left, const digest& right) { return crypto.sha256({node_prefix, left, right}); }

digest root_hash(const crypto_suite& crypto, std::uint64_t size_bytes, const digest& top) {
    std::uint8_t size[8];
    for (unsigned byte = 0; byte < 8; ++byte) size[byte] = static_cast<std::uint8_t>(size_bytes >> (56 - 8 * byte));
    return crypto.sha256({root_prefix, size, top});
}

digest empty_root(const crypto_suite& crypto) { return root_hash(crypto, 0, crypto.sha256({})); }

bool verify_leaf(const crypto_suite& crypto, const chunk_geometry& geometry, const digest& root, chunk_index index, byte_span proof,
                 const digest& leaf) {
    if (index >= geometry.chunk_count() || proof.size() != geometry.proof_bytes(index)) return false;
    digest top = leaf;
    for_each_sibling(geometry, index, [&](unsigned, std::uint64_t sibling_index) {
        const auto sibling = read_digest(proof);
        proof = proof.subspan(sibling.size());
        top = (sibling_index & 1) != 0 ? node_hash(crypto, top, sibling) : node_hash(crypto, sibling, top);
    });
    return root_hash(crypto, geometry.size_bytes(), top) == root;
}

bool verify_chunk(const crypto_suite& crypto, const chunk_geometry& geometry, const digest& root, chunk_index index, byte_span proof,
                  byte_span data) {
    if (index >= geometry.chunk_count() || data.size() != geometry.chunk(index).length) return false;
    return proof.size() == geometry.proof_bytes(index) && verify_leaf(crypto, geometry, root, index, proof, leaf_hash(crypto, data));
}

region_parts split_region(const chunk_geometry& geometry, chunk_index index, const shared_bytes& region) {
    if (index >= geometry.chunk_count() || region.view.size() != geometry.region(index).length) return {};
    const auto proof_size = static_cast<std::size_t>(geometry.proof_bytes(index));
    return {{region.owner, region.view.first(proof_size)}, {region.owner, region.view.subspan(proof_size)}};
}

void tree_builder::append(const digest& leaf) {
    digest node = leaf;
    // As in a binary counter: each trailing one is a full subtree of the size that has just been completed beside it.
    for (auto carry = leaves_; (carry & 1) != 0; carry >>= 1) {
        node = node_hash(*crypto_, pending_.back(), node);
        pending_.pop_back();
    }
    pending_.push_back(node);
    ++leaves_;
}

digest tree_builder::root(std::uint64_t size_bytes) const {
    P2PDIST_ASSERT(leaves_ == chunk_geometry(size_bytes).chunk_count());
    if (pending_.empty()) return empty_root(*crypto_);
    digest top = pending_.back();
    for (auto left = pending_.rbegin() + 1; left != pending_.rend(); ++left) top = node_hash(*crypto_, *left, top);
    return root_hash(*crypto_, size_bytes, top);
}

hash_tree::hash_tree(const crypto_suite& crypto, std::uint64_t size_bytes, std::vector<digest> leaves)
    : geometry_(size_bytes), nodes_(std::move(leaves)) {
    P2PDIST_ASSERT(nodes_.size() == geometry_.chunk_count());
    if (nodes_.empty()) {
        root_ = empty_root(crypto);
        return;
    }
    nodes_.reserve(geometry_.node_count());
    std::size_t level_start = 0;
    for (unsigned level = 0; level < geometry_.depth(); ++level) {
        const auto nodes = geometry_.level_nodes(level);
        for (std::size_t node = 0; node < nodes; node += 2) {
            const auto& left = nodes_[level_start + node];
            nodes_.push_back(node + 1 < nodes ? node_hash(crypto, left, nodes_[level_start + node + 1]) : digest(left));
        }
        level_start += nodes;
    }
    root_ = root_hash(crypto, size_bytes, nodes_.back());
}

std::vector<digest> hash_tree::proof(chunk_index index) const {
    std::vector<digest> siblings;
    siblings.reserve(geometry_.path_length(index));
    for_each_sibling(geometry_, index,
                     [&](unsigned level, std::uint64_t node) { siblings.push_back(nodes_[geometry_.node_number(level, node)]); });
    return siblings;
}

hash_tree make_tree(const crypto_suite& crypto, byte_span content) {
    std::vector<digest> leaves;
    for (std::size_t offset = 0; offset < content.size(); offset += chunk_bytes) {
        leaves.push_back(leaf_hash(crypto, content.subspan(offset, std::min<std::size_t>(chunk_bytes, content.size() - offset))));
    }
    return hash_tree(crypto, content.size(), std::move(leaves));
}

}  // namespace p2pdist
