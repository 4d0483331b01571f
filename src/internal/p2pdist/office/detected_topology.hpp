#pragma once
// The topology of an organisation that gave none (OFF-6): an office for each subnet that the server learns of.
//
// A client names its subnet itself, by its address and its interface's prefix length, and can be wrong or lie. Each address at which a
// client is has one voice. It counts for the subnet named, and against every wider one around that. The widest subnet that has more
// voices for it than against it is an office, and nothing inside it is another one. So the first client of a branch makes an office, and
// where masks contradict each other most of those concerned decide, whoever came first. The server's own mask needs no voices: nothing
// inside its subnet is an office beside the central one.
//
// An interface with one or two IPv4 addresses (VPN) has no neighbours: that is a voice against every subnet around it. In IPv6 it says
// nothing, because DHCPv6 gives one address to devices in LANs, too.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pdist/office/topology.hpp"

namespace p2pdist {

/// Starts with the server's subnets as the central office and follows the clients that register, move and leave; each subnet that most
/// agree on becomes an office of type Default below the central one, named after it ("10.1.0.0/24"). The same clients give the same
/// topology in whatever order they come, and whoever left before. Above limits::detected_offices_max those with most voices are offices.
/// Not thread-safe.
class detected_topology {
public:
    /// `server_subnets`: one or more, of the interfaces that clients reach; duplicates are ignored.
    explicit detected_topology(std::vector<subnet> server_subnets);

    /// A client registered. Whether the topology may be another now: not where the subnet says nothing about neighbours (link-local,
    /// loopback, less than 8 prefix bits, one or two addresses of IPv6), the length is no length, or the address has said so already.
    bool add(const ip_address& client, int prefix_bits);
    /// A client that was added so has left or moved. Whether the topology may be another now.
    bool remove(const ip_address& client, int prefix_bits);

    /// The topology of all clients so far. Made when it is asked for and another: thousands of clients register in a row.
    [[nodiscard]] const topology& current() const;
    /// How often it was made.
    [[nodiscard]] std::uint64_t builds() const noexcept { return builds_; }

private:
    using voices = std::map<ip_address, std::uint32_t>;  // how many clients are at each address
    [[nodiscard]] std::vector<subnet> agreed_on() const;

    std::vector<subnet> central_;     // sorted
    std::map<subnet, voices> named_;  // an enclosing subnet before those nested in it
    mutable bool stale_ = false;      // named_ has changed since offices_ was made
    mutable std::vector<subnet> offices_;
    mutable std::optional<topology> current_;  // of offices_
    mutable std::uint64_t builds_ = 0;
};

}  // namespace p2pdist
