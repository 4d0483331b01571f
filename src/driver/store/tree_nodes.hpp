#pragma once
// The nodes of a content's tree on disk: all levels one after another, leaves first, 32 bytes each at a fixed place. Those that
// are not known yet are zero (a hole). What is read is never trusted: it is proven against the root with the chunk.

#include <optional>
#include <vector>

#include "file.hpp"
#include "p2pdist/content/hash_tree.hpp"

namespace p2pdist::detail {

/// The siblings of a chunk as raw bytes, leaves up, into `out` (geometry.proof_bytes(chunk) long). False: some are not known.
[[nodiscard]] result<bool> read_proof(const file& nodes, const chunk_geometry& geometry, chunk_index chunk, mutable_byte_span out);
/// The leaf of a chunk; zero where not known.
[[nodiscard]] result<digest> read_leaf(const file& nodes, const chunk_geometry& geometry, chunk_index chunk);
/// Writes the leaf and its siblings, where they differ from what is there; all of them with `even_if_equal`.
[[nodiscard]] result<void> write_proof(const file& nodes, const chunk_geometry& geometry, chunk_index chunk, const digest& leaf,
                                       byte_span proof, bool even_if_equal);
[[nodiscard]] result<void> write_tree(const file& nodes, const hash_tree& tree);
/// All leaves; zero where not known.
[[nodiscard]] result<std::vector<digest>> read_leaves(const file& nodes, const chunk_geometry& geometry);
/// The top node; zero where not known. The content has a chunk.
[[nodiscard]] result<digest> read_top(const file& nodes, const chunk_geometry& geometry);

}  // namespace p2pdist::detail
