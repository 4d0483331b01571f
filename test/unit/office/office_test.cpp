#include "p2pdist/office/topology.hpp"

#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("Office types have the names of the spreadsheet", "[REQ-OFF-3][REQ-OFF-5]") {
    CHECK(to_string(office_type::standard) == "Default");
    CHECK(to_string(office_type::vpn) == "VPN");
    CHECK(to_string(office_type::wifi) == "Wi-Fi");
    for (const auto type : {office_type::standard, office_type::vpn, office_type::wifi}) CHECK(parse_office_type(to_string(type)) == type);
    CHECK(parse_office_type("wifi") == office_type::wifi);
    CHECK(parse_office_type("WI-FI") == office_type::wifi);
    CHECK(parse_office_type("vpn") == office_type::vpn);
    CHECK(parse_office_type("DEFAULT") == office_type::standard);
    for (const auto text : {"", "Wi Fi", "wired", "Default ", "VPNs", "wi--fi"}) CHECK_FALSE(parse_office_type(text));
}

TEST_CASE("An area stays the subnet or the range that it was", "[REQ-OFF-1]") {
    const office_area block = net("10.1.0.0/24");
    const office_area same_as_range = range("10.1.0.0", "10.1.0.255");
    CHECK(range_of(block) == range_of(same_as_range));
    CHECK(block != same_as_range);
    CHECK(to_string(block) == "10.1.0.0/24");
    CHECK(to_string(same_as_range) == "10.1.0.0-10.1.0.255");
}
