#include "local/peer_credentials.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace p2pdist {

bool peer_is_own_user(int socket) noexcept {
#ifdef SO_PEERCRED
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == ::geteuid() || peer.uid == 0;
#else
    uid_t user = 0;
    gid_t group = 0;
    return ::getpeereid(socket, &user, &group) == 0 && (user == ::geteuid() || user == 0);
#endif
}

unsigned restrict_new_files() noexcept { return ::umask(0177); }
void restore_new_files(unsigned before) noexcept { ::umask(static_cast<mode_t>(before)); }

}  // namespace p2pdist
