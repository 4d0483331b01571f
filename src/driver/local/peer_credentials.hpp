#pragma once
// Who is at the other end of a local socket, and that its file is nobody else's.

#include <cstdint>
#include <filesystem>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// Whether the process at the other end runs as this user, or as the system's administrator.
[[nodiscard]] bool peer_is_own_user(int socket) noexcept;
/// Whether the process that listens at the other end runs as the owner of that directory, or as the system's administrator.
[[nodiscard]] bool listener_owns(int socket, const std::filesystem::path& data) noexcept;
/// Whether it is a directory, no link, of that user (his number), and closed to all others.
[[nodiscard]] bool is_private_directory(const std::filesystem::path& directory, std::uint32_t owner) noexcept;
/// `usual`, or a directory in `runtime` where somebody else has made `usual` and `runtime` is the owner's.
[[nodiscard]] std::filesystem::path private_directory_of(std::uint32_t owner, const std::filesystem::path& usual, const std::filesystem::path& runtime);
/// A short directory for the sockets of data directories whose own paths are too long, one for each of their owners: in /tmp, or, where
/// somebody else has taken that name, in /run/user.
[[nodiscard]] std::filesystem::path short_socket_directory(const std::filesystem::path& data);
/// Makes that directory, mode 0700. errc::refused where it is there and is not ours, or others may write to it.
[[nodiscard]] result<void> make_short_socket_directory(const std::filesystem::path& directory);
/// Files made from now on are for their owner only; gives what restore_new_files() takes back.
[[nodiscard]] unsigned restrict_new_files() noexcept;
void restore_new_files(unsigned before) noexcept;

}  // namespace p2pdist
