#pragma once
// Small files that nobody else may read: keys and credentials, mode 0600, replaced whole or not at all.

#include <filesystem>
#include <optional>
#include <string>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// The longest that is read: a client's credentials carry the organisation's topology.
inline constexpr std::size_t secret_file_bytes_max = limits::spreadsheet_bytes_max + (1u << 20);

/// Where it fails the file may be the new one all the same, whose name is perhaps not on the disk.
[[nodiscard]] result<void> write_secret_file(const std::filesystem::path& file, byte_span content);
/// errc::not_found where there is none; refused where everybody may write to it; limit_reached where it is longer than secret_file_bytes_max.
[[nodiscard]] result<bytes> read_secret_file(const std::filesystem::path& file);
/// What read_secret_file says of a file that is too long.
[[nodiscard]] error secret_file_too_long(const std::filesystem::path& file);
/// Puts zeros where a secret was.
void wipe(mutable_byte_span secret) noexcept;
void wipe(std::string& secret) noexcept;
/// The directory absolute and written in one way: "a", "a/" and "./a" are the same.
[[nodiscard]] std::filesystem::path plain_directory(const std::filesystem::path& directory);
/// Makes the directory, mode 0700, with its parents; all of it is on the disk when this returns. One that is there stays as it is;
/// errc::refused where everybody may write to it.
[[nodiscard]] result<void> make_private_directory(const std::filesystem::path& directory);

}  // namespace p2pdist
