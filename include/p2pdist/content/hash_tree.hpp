#pragma once
// The SHA-256 tree of a content: hashing, proofs and their check (XFER-4). Functions are pure; the crypto_suite is handed in.
//
//   leaf(chunk)        = SHA-256(0x00 || bytes of the chunk)
//   node(left, right)  = SHA-256(0x01 || left || right)      a last node without a sibling moves up unchanged (RFC 6962)
//   root               = SHA-256(0x02 || size as 64-bit big-endian || top)      top of an empty content: SHA-256 of nothing

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// Of a chunk's bytes, as above.
[[nodiscard]] P2PDIST_API digest leaf_hash(const crypto_suite& crypto, byte_span chunk);
/// Of two nodes, as above.
[[nodiscard]] P2PDIST_API digest node_hash(const crypto_suite& crypto, const digest& left, const digest& right);
/// Of the topmost node and the content's size, as above.
[[nodiscard]] P2PDIST_API digest root_hash(const crypto_suite& crypto, std::uint64_t size_bytes, const digest& top);
/// The root of a content of 0 bytes.
[[nodiscard]] P2PDIST_API digest empty_root(const crypto_suite& crypto);

/// Whether the leaf at `index`, with its siblings from the leaves up, leads to `root`. `proof` is the raw bytes of
/// geometry.path_length(index) digests; another length, or an index behind the last chunk, is false. Safe for hostile input.
[[nodiscard]] P2PDIST_API bool verify_leaf(const crypto_suite& crypto, const chunk_geometry& geometry, const digest& root, chunk_index index,
                               byte_span proof, const digest& leaf);

/// verify_leaf for the bytes themselves; false too where their length is not that of the chunk. Hashes up to 256 KiB: off the
/// network thread.
[[nodiscard]] P2PDIST_API bool verify_chunk(const crypto_suite& crypto, const chunk_geometry& geometry, const digest& root, chunk_index index,
                                byte_span proof, byte_span data);

/// The two parts of a region of the proven object, sharing its memory.
struct region_parts {
    shared_bytes proof;
    shared_bytes data;
};
/// Cuts a whole region; nothing in both parts where its length is not geometry.region(index).length.
[[nodiscard]] P2PDIST_API region_parts split_region(const chunk_geometry& geometry, chunk_index index, const shared_bytes& region);

/// Computes the root from leaf hashes that come in order, keeping one digest a level. Distinct objects: safe. Shared: unsafe.
class P2PDIST_API tree_builder {
public:
    /// `crypto` outlives the builder.
    explicit tree_builder(const crypto_suite& crypto) noexcept : crypto_(&crypto) {}

    /// The next leaf in order.
    void append(const digest& leaf);
    /// How many leaves were appended.
    [[nodiscard]] std::uint64_t leaves() const noexcept { return leaves_; }
    /// The root of a content of `size_bytes`, whose leaves have all been appended (asserted).
    [[nodiscard]] digest root(std::uint64_t size_bytes) const;

private:
    const crypto_suite* crypto_;
    std::vector<digest> pending_;  // full subtrees from the largest (leftmost) to the smallest
    std::uint64_t leaves_ = 0;
};

/// All nodes of a tree: 64 bytes a chunk (25 MB for 100 GB), so hold it for active contents only. Immutable: any thread.
class P2PDIST_API hash_tree {
public:
    /// `leaves` has one digest for each chunk of a content of `size_bytes` (asserted).
    hash_tree(const crypto_suite& crypto, std::uint64_t size_bytes, std::vector<digest> leaves);

    /// The content's shape.
    [[nodiscard]] const chunk_geometry& geometry() const noexcept { return geometry_; }
    /// The content's hash.
    [[nodiscard]] const digest& root() const noexcept { return root_; }
    /// The leaf hashes, in order.
    [[nodiscard]] std::span<const digest> leaves() const noexcept { return std::span(nodes_).first(geometry_.chunk_count()); }
    /// All levels, leaves first, in the order of chunk_geometry::node_number.
    [[nodiscard]] std::span<const digest> nodes() const noexcept { return nodes_; }
    /// The siblings of a chunk from the leaves up: geometry().path_length(index) digests.
    [[nodiscard]] std::vector<digest> proof(chunk_index index) const;

private:
    chunk_geometry geometry_;
    std::vector<digest> nodes_;
    digest root_{};
};

/// The tree of bytes in memory: tests, small contents.
[[nodiscard]] P2PDIST_API hash_tree make_tree(const crypto_suite& crypto, byte_span content);

/// Calls visit(level, node index) for each sibling in the proof of a chunk, from the leaves up.
template <class Visit>
void for_each_sibling(const chunk_geometry& geometry, chunk_index index, Visit visit) {
    std::uint64_t node = index;
    for (unsigned level = 0; level < geometry.depth(); ++level, node >>= 1) {
        if ((node ^ 1) < geometry.level_nodes(level)) visit(level, node ^ 1);
    }
}

}  // namespace p2pdist
