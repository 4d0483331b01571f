#pragma once
// What is legal in a topology, and still hardly meant.

#include <string>
#include <vector>

#include "p2pdist/office/topology.hpp"

namespace p2pdist {

/// A remark on an office; `office` is its name.
struct topology_remark {
    std::string office;
    std::string remark;
    friend bool operator==(const topology_remark&, const topology_remark&) = default;
};

/// In the order of the offices: names that differ in case only; a central office that is VPN (it cannot feed others) or Wi-Fi; subnets so
/// large that they can hardly be one LAN (more than 65,536 IPv4 addresses, or a prefix of less than 48 bits in IPv6); a Wi-Fi office with
/// children; hierarchies deeper than five levels (each relays to the next).
[[nodiscard]] std::vector<topology_remark> lint(const topology& offices);

}  // namespace p2pdist
