#pragma once
// IP addresses, endpoints, subnets and address ranges as value types of both families. No resolver, no sockets.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (RFC 4291) are stored as IPv4, however they come in. Default: 0.0.0.0.
/// Ordered by family (IPv4 first), then numerically. A value: distinct objects may be used from any thread.
class P2PDIST_API ip_address {
public:
    /// IPv4 or IPv6.
    enum class family : std::uint8_t { v4, v6 };

    ip_address() = default;
    /// 10.0.0.1 is 0x0a000001.
    [[nodiscard]] static ip_address v4(std::uint32_t host_order) noexcept;
    /// Sixteen bytes, the most significant first.
    [[nodiscard]] static ip_address v6(const std::array<std::uint8_t, 16>& network_order) noexcept;
    /// Dotted decimal (four numbers, no leading zeros, since some readers take those for octal) or RFC 4291 text, without a zone,
    /// brackets, prefix or spaces; errc::malformed otherwise.
    [[nodiscard]] static result<ip_address> parse(std::string_view text);

    /// IPv4 or IPv6; mapped addresses are IPv4.
    [[nodiscard]] family address_family() const noexcept { return family_; }
    /// Whether it is an IPv4 address, or was a mapped one.
    [[nodiscard]] bool is_v4() const noexcept { return family_ == family::v4; }
    /// Whether it is 0.0.0.0 or ::.
    [[nodiscard]] bool is_unspecified() const noexcept;
    /// Of length bits(): 4 or 16 bytes in network order.
    [[nodiscard]] std::span<const std::uint8_t> network_bytes() const noexcept;
    /// 32 or 128.
    [[nodiscard]] int bits() const noexcept { return is_v4() ? 32 : 128; }
    [[nodiscard]] std::uint32_t v4_value() const noexcept;  ///< host order; only for IPv4
    /// The numerically next address of the family; the last one gives itself.
    [[nodiscard]] ip_address next() const noexcept;

    /// Canonical text (RFC 5952 for IPv6).
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const ip_address&, const ip_address&) = default;

private:
    friend class subnet;  // sets and clears host bits in place

    family family_ = family::v4;
    std::array<std::uint8_t, 16> value_{};  // IPv4 in the first four bytes
};

/// An address and a UDP port.
struct P2PDIST_API endpoint {
    ip_address address;
    std::uint16_t port = 0;

    /// "10.0.0.5:34323" or "[2001:db8::1]:34323".
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

/// An inclusive range of addresses of one family: first <= last.
struct P2PDIST_API address_range {
    ip_address first;
    ip_address last;

    /// Whether the address is one of them.
    [[nodiscard]] bool contains(const ip_address& address) const noexcept {
        return address.address_family() == first.address_family() && first <= address && address <= last;
    }
    /// Whether all of the other are among them.
    [[nodiscard]] bool contains(const address_range& other) const noexcept { return contains(other.first) && contains(other.last); }
    /// Whether some address is in both.
    [[nodiscard]] bool overlaps(const address_range& other) const noexcept {
        return contains(other.first) || other.contains(first);
    }
    [[nodiscard]] std::string to_string() const;  ///< "first-last"
    friend auto operator<=>(const address_range&, const address_range&) = default;
};

/// A CIDR block. Its host bits are zero. A value: distinct objects may be used from any thread.
class P2PDIST_API subnet {
public:
    subnet() = default;
    /// "10.1.0.0/24" or "2001:db8::/32"; errc::malformed otherwise. Host bits that are set are refused with the corrected form in the
    /// sentence, since nobody can tell a mistyped address from a mistyped length.
    [[nodiscard]] static result<subnet> parse(std::string_view text);
    /// The block of `prefix_bits` (0 to address.bits()) that contains `address`.
    [[nodiscard]] static subnet of(const ip_address& address, int prefix_bits) noexcept;

    /// The lowest address.
    [[nodiscard]] const ip_address& network() const noexcept { return network_; }
    /// 0 to network().bits().
    [[nodiscard]] int prefix_bits() const noexcept { return prefix_bits_; }
    /// From the lowest address to the highest.
    [[nodiscard]] address_range range() const noexcept;
    /// The all-ones host address (IPv4 directed broadcast).
    [[nodiscard]] ip_address broadcast() const noexcept { return range().last; }
    /// Whether the address is in it.
    [[nodiscard]] bool contains(const ip_address& address) const noexcept { return range().contains(address); }
    /// "10.1.0.0/24".
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const subnet&, const subnet&) = default;

private:
    ip_address network_;
    int prefix_bits_ = 32;
};

}  // namespace p2pdist

template <>
struct P2PDIST_API std::hash<p2pdist::ip_address> {
    std::size_t operator()(const p2pdist::ip_address& address) const noexcept;
};

template <>
struct std::hash<p2pdist::endpoint> {
    std::size_t operator()(const p2pdist::endpoint& value) const noexcept {
        return std::hash<p2pdist::ip_address>{}(value.address) * 31 + value.port;
    }
};
