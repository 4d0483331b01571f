#pragma once
// Hashing a file of this device without a store: `publish` and its --tree-out.

#include <filesystem>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// Reads the file once. Memory: one chunk and 64 bytes for each chunk of the file. errc::not_found, errc::io_failed, errc::invalid_argument
/// (too large). tree.root() is the content's sha256_tree hash, tree.geometry().size_bytes() its size.
[[nodiscard]] P2PDIST_API result<hash_tree> hash_file(const crypto_suite& crypto, const std::filesystem::path& path);

/// Writes the tree file beside others under `path`, whole or not at all.
[[nodiscard]] P2PDIST_API result<void> write_tree_file(const hash_tree& tree, const std::filesystem::path& path);

}  // namespace p2pdist
