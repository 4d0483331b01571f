#include "posix/port_holder.hpp"

#ifdef __linux__
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace p2pdist::net {
namespace {

namespace fs = std::filesystem;

/// The inode of a socket that is bound to the port, from the kernel's table of UDP sockets.
std::string socket_inode(std::uint16_t port, const char* table) {
    std::ifstream lines(table);
    std::string line;
    std::getline(lines, line);  // the head line
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string slot, local, rest, inode;
        fields >> slot >> local;
        for (int skip = 0; skip < 7; ++skip) fields >> rest;
        fields >> inode;
        const auto colon = local.rfind(':');
        if (colon != std::string::npos && std::stoul(local.substr(colon + 1), nullptr, 16) == port) return inode;
    }
    return {};
}

}  // namespace

std::string describe_port_holder(const endpoint& local) {
    const auto inode = socket_inode(local.port, local.address.is_v4() ? "/proc/net/udp" : "/proc/net/udp6");
    if (inode.empty()) return {};
    const auto wanted = "socket:[" + inode + "]";
    std::error_code failure;
    for (fs::directory_iterator process("/proc", failure), end; !failure && process != end; process.increment(failure)) {
        const auto pid = process->path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code hidden;  // other users' processes cannot be read
        for (fs::directory_iterator fd(process->path() / "fd", hidden), last; !hidden && fd != last; fd.increment(hidden)) {
            std::error_code gone;
            if (fs::read_symlink(fd->path(), gone) != wanted) continue;
            std::ifstream name_file(process->path() / "comm");
            std::string name;
            std::getline(name_file, name);
            return " (by " + name + ", process " + pid + ")";
        }
    }
    return {};
}

}  // namespace p2pdist::net
#else
namespace p2pdist::net {
std::string describe_port_holder(const endpoint&) { return {}; }
}  // namespace p2pdist::net
#endif
