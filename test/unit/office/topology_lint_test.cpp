#include "p2pdist/office/topology_lint.hpp"

#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

std::vector<std::string> remarked(const std::string& rows) {
    std::vector<std::string> out;
    for (const auto& each : lint(valid(parse_spreadsheet(header + rows)))) {
        CHECK_FALSE(each.remark.empty());
        out.push_back(each.office);
    }
    return out;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("What is hardly meant gets a remark", "[REQ-OFF-5][REQ-OFF-7]") {
    CHECK(lint(sample()).empty());
    const std::string central = "Central,Default,,10.0.0.0/16,,,,\n";
    CHECK(remarked("Central,VPN,,10.0.0.0/16,,,,\n") == names{"Central"});
    CHECK(remarked("Central,WiFi,,10.0.0.0/16,,,,\n") == names{"Central"});
    CHECK(remarked("Central,Default,,10.0.0.0/15,,,,\n") == names{"Central"});
    CHECK(remarked("Central,Default,,2001:db8::/47,,,,\n") == names{"Central"});
    CHECK(remarked("Central,Default,,2001:db8::/48,,,,\n") == names{});
    CHECK(remarked(central + "A,Default,Central,,10.1.0.0,10.3.255.255,,\n") == names{"A"});
    CHECK(remarked(central + "A,Default,Central,,10.1.0.0,10.1.255.255,,\n") == names{});
    CHECK(remarked(central + "CENTRAL,Default,Central,10.1.0.0/16,,,,\n") == names{"CENTRAL"});
    CHECK(remarked(central + "A,Wi-Fi,Central,10.1.0.0/16,,,,\nB,Default,A,10.2.0.0/16,,,,\n") == names{"A"});
    std::string chain = central;
    std::string above = "Central";
    for (const std::string name : {"1", "2", "3", "4", "5", "6"}) {
        chain += name + ",Default," + above + ",10." + name + ".0.0/16,,,,\n";
        above = name;
    }
    CHECK(remarked(chain) == names{"6"});
}
