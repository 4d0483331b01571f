#include "node/interfaces.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace p2pdist {
namespace {

std::optional<ip_address> address_of(const sockaddr* raw) {
    if (raw == nullptr) return std::nullopt;
    if (raw->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, raw, sizeof in);
        return ip_address::v4(ntohl(in.sin_addr.s_addr));
    }
    if (raw->sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, raw, sizeof in);
        std::array<std::uint8_t, 16> value;
        std::memcpy(value.data(), &in.sin6_addr, value.size());
        return ip_address::v6(value);
    }
    return std::nullopt;
}

int prefix_of(const ip_address& mask) {
    int bits = 0;
    for (const auto byte : mask.network_bytes()) bits += std::popcount(byte);
    return bits;
}

}  // namespace

std::optional<ip_address> source_toward(const ip_address& toward) {
    const auto family = toward.is_v4() ? AF_INET : AF_INET6;
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::nullopt;
    sockaddr_storage raw{};
    socklen_t size = 0;
    constexpr std::uint16_t any_port = 9;   // discard; a UDP connect sends nothing
    if (toward.is_v4()) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(any_port);
        in.sin_addr.s_addr = htonl(toward.v4_value());
        std::memcpy(&raw, &in, size = sizeof in);
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(any_port);
        std::ranges::copy(toward.network_bytes(), reinterpret_cast<std::uint8_t*>(&in.sin6_addr));
        std::memcpy(&raw, &in, size = sizeof in);
    }
    std::optional<ip_address> own;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&raw), size) == 0) {
        size = sizeof raw;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) == 0) own = address_of(reinterpret_cast<const sockaddr*>(&raw));
    }
    ::close(fd);
    return own;
}

result<std::optional<own_address>> interface_with(const ip_address& address) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {errc::io_failed, std::string("cannot list the network interfaces: ") + std::strerror(errno)};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
    for (const auto* item = all; item != nullptr; item = item->ifa_next) {
        if (address_of(item->ifa_addr) != address) continue;
        own_address found{address, static_cast<std::uint8_t>(address.bits()), std::nullopt};
        if (const auto mask = address_of(item->ifa_netmask)) found.prefix_bits = static_cast<std::uint8_t>(prefix_of(*mask));
        if ((item->ifa_flags & IFF_BROADCAST) != 0) found.broadcast = address_of(item->ifa_broadaddr);
        return std::optional(found);
    }
    return std::optional<own_address>();
}

}  // namespace p2pdist
