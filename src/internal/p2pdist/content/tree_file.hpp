#pragma once
// The hash-tree file that may lie beside a package on a CDN or file store (SRC-3): the leaf hashes, untrusted until they lead to
// the root. docs/content-format.md has it byte by byte.

#include <cstdint>
#include <string_view>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/hash_tree.hpp"

namespace p2pdist {

/// The tree of "setup.msi" is "setup.msi.tree".
inline constexpr std::string_view tree_file_suffix = ".tree";

/// The exact size of the tree file of a content: 16 bytes and 32 a chunk. A reader asks for no more than this.
[[nodiscard]] P2PDIST_INTERNAL std::uint64_t tree_file_bytes(std::uint64_t content_size_bytes) noexcept;

[[nodiscard]] P2PDIST_INTERNAL bytes encode_tree_file(const hash_tree& tree);

/// The tree where the file is one for `size_bytes` and leads to `root`; else errc::malformed or errc::integrity_failed.
/// Hostile bytes are safe; memory is bounded by the expected size.
[[nodiscard]] P2PDIST_INTERNAL result<hash_tree> parse_tree_file(const crypto_suite& crypto, std::uint64_t size_bytes, const digest& root, byte_span file);

}  // namespace p2pdist
