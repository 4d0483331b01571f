#pragma once
// The typed hash of a content: what the catalogue stores and what every byte is proven against (XFER-4).

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "p2pdist/base/result.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// sha256_tree: the root of the SHA-256 tree over the chunks (hash_tree.hpp), our default: each chunk is verified by itself.
/// sha256: the SHA-256 of the whole, as other systems give it: nothing is verified before the last byte is there.
enum class hash_kind : std::uint8_t { sha256_tree, sha256 };

/// "sha256-tree" or "sha256".
[[nodiscard]] std::string_view to_string(hash_kind kind) noexcept;

struct content_hash {
    hash_kind kind = hash_kind::sha256_tree;
    digest value{};

    /// "sha256-tree:HEX" or "sha256:HEX" with 64 lower-case digits.
    [[nodiscard]] std::string to_string() const;
    /// Reads what to_string() writes, with digits of either case; errc::malformed says what was expected.
    [[nodiscard]] static result<content_hash> parse(std::string_view text);

    friend auto operator<=>(const content_hash&, const content_hash&) = default;
};

}  // namespace p2pdist
