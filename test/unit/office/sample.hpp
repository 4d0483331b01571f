#pragma once
// Topologies for the tests of the office room.

#include <catch2/catch.hpp>
#include <ostream>
#include <string>

#include "p2pdist/base/random.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/office/topology.hpp"

namespace p2pdist {

inline std::ostream& operator<<(std::ostream& out, const refusal& value) { return out << value.to_string(); }
inline std::ostream& operator<<(std::ostream& out, office_index index) { return out << "office #" << index.value; }
inline std::ostream& operator<<(std::ostream& out, const ip_address& address) { return out << address.to_string(); }

namespace test {

inline ip_address ip(std::string_view text) { return ip_address::parse(text).value(); }
inline subnet net(std::string_view text) { return subnet::parse(text).value(); }
inline address_range range(std::string_view first, std::string_view last) { return {ip(first), ip(last)}; }

/// The topology, or a failed test that shows why there is none.
inline topology valid(const checked_topology& checked) {
    for (const auto& each : checked.refusals()) UNSCOPED_INFO(each.to_string());
    REQUIRE(checked.has_value());
    return *checked;
}

inline const std::string header = "Office,Type,Parent,Subnet,Range start,Range end,Preferred,Description\n";

/// The example of the specification.
inline const std::string sample_csv = header +
                                      "Central,Default,,10.0.0.0/16,,,10.0.0.5,\"head office, the server is here\"\n"
                                      "Boston,Default,Central,10.1.0.0/24,,,,\n"
                                      "Boston,,,,10.1.1.10,10.1.1.200,,\n"
                                      "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/20,,,,\n"
                                      "Remote,VPN,Central,10.200.0.0/16,,,,\n";

inline topology sample() { return valid(parse_spreadsheet(sample_csv)); }

inline office_index at(const topology& offices, std::string_view name) {
    const auto found = offices.find(name);
    REQUIRE(found);
    return *found;
}

inline std::string name_at(const topology& offices, std::string_view address) {
    const auto found = offices.office_of(ip(address));
    return found ? offices[*found].name : "";
}

/// A valid topology of `count` offices: nested and separate subnets and ranges of both families, names that need care in CSV.
topology random_topology(random_source& random, std::uint32_t count);

}  // namespace test
}  // namespace p2pdist
