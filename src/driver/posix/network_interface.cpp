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

#include "p2pdist/driver/device.hpp"

namespace p2pdist {
namespace {

constexpr std::uint8_t loopback_office_bits = 16;

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

bool is_loopback(const ip_address& address) { return address.is_v4() && address.network_bytes()[0] == 127; }

/// The own address that the system would send from; nothing is sent.
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

}  // namespace

result<own_address> find_own_address(const std::optional<ip_address>& bind, const std::optional<ip_address>& toward) {
    auto wanted = bind;
    if (!wanted && toward) wanted = source_toward(*toward);
    if (!wanted) return {errc::not_found, "no interface reaches the server: check the network, or name the own address with --bind"};
    if (is_loopback(*wanted)) return own_address{*wanted, loopback_office_bits, std::nullopt};
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {errc::io_failed, std::string("cannot list the network interfaces: ") + std::strerror(errno)};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
    for (const auto* item = all; item != nullptr; item = item->ifa_next) {
        if (address_of(item->ifa_addr) != wanted) continue;
        own_address found{*wanted, static_cast<std::uint8_t>(wanted->bits()), std::nullopt};
        if (const auto mask = address_of(item->ifa_netmask)) found.prefix_bits = static_cast<std::uint8_t>(prefix_of(*mask));
        if ((item->ifa_flags & IFF_BROADCAST) != 0) found.broadcast = address_of(item->ifa_broadaddr);
        return found;
    }
    return {errc::not_found, "no interface of this device has the address " + wanted->to_string() + ": check --bind"};
}

}  // namespace p2pdist
