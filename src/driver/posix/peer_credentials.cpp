#include "local/peer_credentials.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace p2pdist {
namespace {

std::optional<uid_t> user_behind(int socket) noexcept {
#ifdef SO_PEERCRED
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return peer.uid;
#else
    uid_t user = 0;
    gid_t group = 0;
    if (::getpeereid(socket, &user, &group) != 0) return std::nullopt;
    return user;
#endif
}

std::optional<uid_t> owner_of(const std::filesystem::path& path) noexcept {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return std::nullopt;
    return about.st_uid;
}

}  // namespace

bool peer_is_own_user(int socket) noexcept {
    const auto user = user_behind(socket);
    return user && (*user == ::geteuid() || *user == 0);
}

bool listener_owns(int socket, const std::filesystem::path& data) noexcept {
    const auto user = user_behind(socket);
    return user && (*user == 0 || user == owner_of(data));
}

bool is_private_directory(const std::filesystem::path& directory, std::uint32_t owner) noexcept {
    struct stat about {};
    constexpr mode_t others = 0077;
    return ::lstat(directory.c_str(), &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == owner && (about.st_mode & others) == 0;
}

std::filesystem::path private_directory_of(std::uint32_t owner, const std::filesystem::path& usual, const std::filesystem::path& runtime) {
    struct stat about {};
    const bool taken = ::lstat(usual.c_str(), &about) == 0 && !is_private_directory(usual, owner);
    return taken && is_private_directory(runtime, owner) ? runtime / "p2pdist" : usual;
}

std::filesystem::path short_socket_directory(const std::filesystem::path& data) {
    // Not the environment's choice: both ends have to come to the same one. Anybody can make the usual one first, and nobody the other, which
    // the system makes for its user; but that one is not there for services, and goes when the user leaves.
    const auto owner = owner_of(data).value_or(::geteuid());
    return private_directory_of(owner, "/tmp/p2pdist-" + std::to_string(owner), "/run/user/" + std::to_string(owner));
}

result<void> make_short_socket_directory(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return {errc::io_failed, "cannot make " + directory.string() + ": " + std::strerror(errno)};
    if (!is_private_directory(directory, ::geteuid()))
        return {errc::refused, directory.string() + " belongs to somebody else or is open to others: remove it, or use a data directory with a shorter path"};
    return {};
}

unsigned restrict_new_files() noexcept { return ::umask(0177); }
void restore_new_files(unsigned before) noexcept { ::umask(static_cast<mode_t>(before)); }

}  // namespace p2pdist
