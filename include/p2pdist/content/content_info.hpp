#pragma once
// What the catalogue knows about a content (SRV-1), and the key under which it is held and resumed (CLI-6).

#include <compare>
#include <cstdint>
#include <string>

#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/content_hash.hpp"

namespace p2pdist {

/// Holdings and resume are keyed by id and hash, so that bytes of another hash are never taken for this content's (CLI-6).
struct content_key {
    content_id id;
    content_hash hash;

    /// "ID (sha256-tree:HEX)", for messages and logs.
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const content_key&, const content_key&) = default;
};

/// A content as it is published: id, size and hash, and nothing else.
struct content_info {
    content_id id;
    std::uint64_t size_bytes = 0;  ///< at most limits::content_bytes_max
    content_hash hash;

    [[nodiscard]] content_key key() const { return {id, hash}; }
    friend auto operator<=>(const content_info&, const content_info&) = default;
};

/// errc::invalid_argument where the id is empty or the size exceeds limits::content_bytes_max. For values from outside.
[[nodiscard]] result<void> check(const content_info& content);

/// The id of a content that is published or imported without one: the hash's 64 hexadecimal digits.
[[nodiscard]] content_id default_content_id(const content_hash& hash);

}  // namespace p2pdist
