#include "node/interfaces.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "windows/system.hpp"

#include <iphlpapi.h>

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

SOCKADDR_INET to_system(const ip_address& address) {
    SOCKADDR_INET out{};
    if (address.is_v4()) {
        out.Ipv4.sin_family = AF_INET;
        out.Ipv4.sin_addr.s_addr = htonl(address.v4_value());
    } else {
        out.Ipv6.sin6_family = AF_INET6;
        std::memcpy(&out.Ipv6.sin6_addr, address.network_bytes().data(), address.network_bytes().size());
    }
    return out;
}

}  // namespace

std::optional<ip_address> source_toward(const ip_address& toward) {
    const auto there = to_system(toward);
    SOCKADDR_INET source{};
    MIB_IPFORWARD_ROW2 route{};
    if (::GetBestRoute2(nullptr, 0, nullptr, &there, 0, &route, &source) != NO_ERROR) return std::nullopt;
    return address_of(reinterpret_cast<const sockaddr*>(&source));
}

result<std::optional<own_address>> interface_with(const ip_address& address) {
    constexpr ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER | GAA_FLAG_SKIP_FRIENDLY_NAME;
    std::vector<std::byte> memory(16 * 1024);
    ULONG status = ERROR_BUFFER_OVERFLOW;
    for (int attempt = 0; attempt < 4 && status == ERROR_BUFFER_OVERFLOW; ++attempt) {
        auto size = static_cast<ULONG>(memory.size());
        status = ::GetAdaptersAddresses(AF_UNSPEC, flags, nullptr, reinterpret_cast<IP_ADAPTER_ADDRESSES*>(memory.data()), &size);
        if (status == ERROR_BUFFER_OVERFLOW) memory.resize(size);
    }
    if (status == ERROR_NO_DATA) return std::optional<own_address>();
    if (status != NO_ERROR) return {errc::io_failed, "cannot list the network interfaces: " + windows::text_of(status)};
    for (const auto* adapter = reinterpret_cast<const IP_ADAPTER_ADDRESSES*>(memory.data()); adapter != nullptr; adapter = adapter->Next) {
        for (const auto* item = adapter->FirstUnicastAddress; item != nullptr; item = item->Next) {
            if (address_of(item->Address.lpSockaddr) != address) continue;
            own_address found{address, static_cast<std::uint8_t>(std::min<int>(item->OnLinkPrefixLength, address.bits())), std::nullopt};
            constexpr int shared_bits = 30;  // longer prefixes have no broadcast address
            if (address.is_v4() && adapter->IfType != IF_TYPE_PPP && found.prefix_bits <= shared_bits) found.broadcast = subnet::of(address, found.prefix_bits).broadcast();
            return std::optional(found);
        }
    }
    return std::optional<own_address>();
}

}  // namespace p2pdist
