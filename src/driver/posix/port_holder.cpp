#include "net/port_holder.hpp"

#ifdef __linux__
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace p2pdist::net {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t perhaps_bytes_max = 200;

/// An address as the kernel's tables write it: words of 32 bits in the machine's own byte order.
std::string table_text(const ip_address& address) {
    std::array<std::uint8_t, 16> octets{};
    const auto given = address.network_bytes();
    std::ranges::copy(given, octets.begin());
    std::string out;
    for (std::size_t i = 0; i < given.size(); i += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, octets.data() + i, 4);
        std::array<char, 9> digits{};
        std::snprintf(digits.data(), digits.size(), "%08X", word);
        out += digits.data();
    }
    return out;
}

/// The inode of a socket that keeps the port from us, from the kernel's table of UDP sockets.
std::string socket_inode(const endpoint& local, const char* table) {
    const auto wanted = table_text(local.address);
    const bool wanted_any = wanted.find_first_not_of('0') == std::string::npos;
    std::ifstream lines(table);
    std::string line;
    std::getline(lines, line);  // the head line
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string slot, bound, rest, inode;
        fields >> slot >> bound;
        for (int skip = 0; skip < 7; ++skip) fields >> rest;
        fields >> inode;
        const auto colon = bound.rfind(':');
        if (colon == std::string::npos || std::stoul(bound.substr(colon + 1), nullptr, 16) != local.port) continue;
        const auto address = bound.substr(0, colon);
        if (wanted_any || address == wanted || address.find_first_not_of('0') == std::string::npos) return inode;
    }
    return {};
}

std::string name_of_process(const fs::path& process) {
    std::ifstream file(process / "comm");
    std::string name;
    std::getline(file, name);
    return name;
}

}  // namespace

std::string describe_port_holder(const endpoint& local) {
    const auto inode = socket_inode(local, local.address.is_v4() ? "/proc/net/udp" : "/proc/net/udp6");
    if (inode.empty()) return {};
    const auto wanted = "socket:[" + inode + "]";
    std::string perhaps;  // our own programs show their open files to the administrator alone
    std::error_code failure;
    for (fs::directory_iterator process("/proc", failure), end; !failure && process != end; process.increment(failure)) {
        const auto pid = process->path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code hidden;  // other users' processes cannot be read
        for (fs::directory_iterator fd(process->path() / "fd", hidden), last; !hidden && fd != last; fd.increment(hidden)) {
            std::error_code gone;
            if (fs::read_symlink(fd->path(), gone) != wanted) continue;
            return " (by " + name_of_process(process->path()) + ", process " + pid + ")";
        }
        if (!hidden || perhaps.size() > perhaps_bytes_max) continue;
        const auto name = name_of_process(process->path());
        if (name.starts_with("p2pdist")) perhaps += (perhaps.empty() ? "" : " or ") + name + ", process " + pid;
    }
    return perhaps.empty() ? perhaps : " (perhaps by " + perhaps + ")";
}

}  // namespace p2pdist::net
#else
namespace p2pdist::net {
std::string describe_port_holder(const endpoint&) { return {}; }
}  // namespace p2pdist::net
#endif
