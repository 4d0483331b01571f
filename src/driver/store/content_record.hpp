#pragma once
// The `info` file of a stored content: what it is. Written whole and synced; a damaged one is no content.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail {

struct content_record {
    content_info content;
    bool pinned = false;
    std::filesystem::path source;    ///< of an attached content; else empty
    std::int64_t source_changed = 0;  ///< its time of last change when it was hashed
};

[[nodiscard]] bytes encode_record(const crypto_suite& crypto, const content_record& record);
[[nodiscard]] result<content_record> decode_record(const crypto_suite& crypto, byte_span data);

/// The time of last change of a file, in ticks of its file system's clock. errc::not_found where it is surely gone: others lie in its
/// directory. errc::io_failed where that cannot be told: a share that is not reached, or not mounted, of which there is an empty directory.
[[nodiscard]] result<std::int64_t> changed_at(const std::filesystem::path& path);

/// The bytes of which a content's directory is the lower-case hexadecimal text.
inline constexpr std::size_t directory_name_bytes = 20;
/// The name of a content's directory: a hash, since an id can hold what a file's name cannot.
[[nodiscard]] std::string directory_name(const crypto_suite& crypto, const content_key& key);

}  // namespace p2pdist::detail
