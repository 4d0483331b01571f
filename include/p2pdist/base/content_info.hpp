#pragma once
// What the catalogue knows of a content, and nothing else (SRV-1): its id, its size and its typed hash.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"

namespace p2pdist {

/// A 32-byte hash value, SHA-256 throughout.
using digest = std::array<std::uint8_t, 32>;

/// How a content is verified (XFER-4).
enum class hash_kind : std::uint8_t {
    sha256_tree = 1,  ///< root of the chunk tree: every chunk is verified when it arrives
    sha256 = 2,       ///< of the whole: shared only after all of it is there and fits
};

/// "sha256-tree" or "sha256".
[[nodiscard]] P2PDIST_API std::string_view to_string(hash_kind kind) noexcept;

/// How a content is verified, and the value that it has to have.
struct P2PDIST_API content_hash {
    hash_kind kind = hash_kind::sha256_tree;
    digest value{};

    /// "sha256-tree:HEX" or "sha256:HEX" with 64 lower-case digits.
    [[nodiscard]] std::string to_string() const;
    /// Reads what to_string() writes, with digits of either case; errc::malformed says what was expected.
    [[nodiscard]] static result<content_hash> parse(std::string_view text);
    friend auto operator<=>(const content_hash&, const content_hash&) = default;
};

/// Holdings and resume are keyed by id and hash, so that bytes of another hash are never taken for this content's (CLI-6).
struct P2PDIST_API content_key {
    content_id id;
    content_hash hash;

    /// "ID (sha256-tree:HEX)", for messages and logs.
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const content_key&, const content_key&) = default;
};

/// A content as it is published: id, size and hash, and nothing else.
struct content_info {
    content_id id;
    std::uint64_t size_bytes = 0;
    content_hash hash;

    /// Id and hash.
    [[nodiscard]] content_key key() const { return {id, hash}; }
    friend auto operator<=>(const content_info&, const content_info&) = default;
};

}  // namespace p2pdist
