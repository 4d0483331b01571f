#pragma once
// Small files that nobody else may read: keys and credentials, mode 0600, replaced whole or not at all.

#include <filesystem>
#include <optional>
#include <string>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

[[nodiscard]] result<void> write_secret_file(const std::filesystem::path& file, byte_span content);
/// errc::not_found where there is none.
[[nodiscard]] result<bytes> read_secret_file(const std::filesystem::path& file);
/// Puts zeros where a secret was.
void wipe(mutable_byte_span secret) noexcept;
void wipe(std::string& secret) noexcept;
/// Makes the directory, mode 0700, with its parents.
[[nodiscard]] result<void> make_private_directory(const std::filesystem::path& directory);

}  // namespace p2pdist
