#pragma once
// Reads a file once, from start to end, and hashes it both ways.

#include <functional>
#include <optional>

#include "file.hpp"
#include "p2pdist/content/hash_tree.hpp"

namespace p2pdist::detail {

struct source_hashes {
    hash_tree tree;
    std::optional<digest> sha256;  ///< where asked for

    [[nodiscard]] const digest& of(hash_kind kind) const { return kind == hash_kind::sha256 ? sha256.value() : tree.root(); }
};

/// `stopped` is asked before each chunk; true ends with errc::cancelled.
[[nodiscard]] result<source_hashes> hash_source(const crypto_suite& crypto, const file& in, std::uint64_t size_bytes, bool with_sha256,
                                                const std::function<bool()>& stopped);

}  // namespace p2pdist::detail
