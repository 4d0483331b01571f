#pragma once
// The topology of an organisation that gave none (OFF-6): an office for each subnet that the server learns of.

#include <optional>
#include <set>
#include <vector>

#include "p2pdist/office/topology.hpp"

namespace p2pdist {

/// Starts with the server's subnets as the central office and grows with the subnets of the clients that register; each becomes an office
/// of type Default below the central one, named after its subnet ("10.1.0.0/24"). The same subnets give the same topology in whatever
/// order they come. Not thread-safe.
class detected_topology {
public:
    /// `server_subnets`: one or more, of the interfaces that clients reach; duplicates are ignored.
    explicit detected_topology(std::vector<subnet> server_subnets);

    /// The client's subnet, from its address and its interface's prefix length. Whether the topology changed: not where the subnet is
    /// known, says nothing about neighbours (one or two addresses, link-local, loopback, or less than 8 prefix bits), the length is no
    /// length, or limits::detected_offices_max is reached. Such a client is an office of its own, or of the office that encloses it.
    bool add(const ip_address& client, int prefix_bits);
    bool add(const subnet& client_subnet);

    /// Whether limits::detected_offices_max is reached.
    [[nodiscard]] bool full() const noexcept;

    /// The topology of all subnets so far.
    [[nodiscard]] const topology& current() const;

private:
    std::vector<subnet> central_;  // sorted
    std::set<subnet> others_;
    mutable std::optional<topology> current_;  // made when it is asked for: thousands of clients register in a row
};

}  // namespace p2pdist
