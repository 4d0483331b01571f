#pragma once
// Who is at the other end of a local socket, and that its file is nobody else's.

namespace p2pdist {

/// Whether the process at the other end runs as this user, or as the system's administrator.
[[nodiscard]] bool peer_is_own_user(int socket) noexcept;
/// Files made from now on are for their owner only; gives what restore_new_files() takes back.
[[nodiscard]] unsigned restrict_new_files() noexcept;
void restore_new_files(unsigned before) noexcept;

}  // namespace p2pdist
