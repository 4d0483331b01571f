#include "p2pdist/office/detected_topology.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("A detected topology starts with the server's subnet", "[REQ-OFF-6]") {
    const detected_topology detected({net("10.0.0.0/24"), net("2001:db8::/64"), net("10.0.0.0/24")});
    REQUIRE(detected.current().size() == 1);
    const auto& central = detected.current()[detected.current().central()];
    CHECK(central.name == "10.0.0.0/24");
    CHECK(central.areas == std::vector<office_area>{net("10.0.0.0/24"), net("2001:db8::/64")});
    CHECK_FALSE(check_server(detected.current(), ip("10.0.0.5")));
}

TEST_CASE("A detected topology grows with the subnets of clients", "[REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    CHECK_FALSE(detected.add(ip("10.0.0.9"), 24));
    CHECK(detected.add(ip("10.1.0.9"), 24));
    CHECK_FALSE(detected.add(ip("10.1.0.10"), 24));
    CHECK(detected.add(ip("2001:db8:0:5::9"), 64));
    CHECK(detected.add(net("10.0.0.0/16")));
    const auto& offices = detected.current();
    REQUIRE(offices.size() == 4);
    CHECK(name_at(offices, "10.1.0.77") == "10.1.0.0/24");
    CHECK(name_at(offices, "10.0.0.77") == "10.0.0.0/24");
    CHECK(name_at(offices, "10.0.9.77") == "10.0.0.0/16");
    CHECK(offices.parent(at(offices, "2001:db8:0:5::/64")) == offices.central());
    CHECK(valid(parse_spreadsheet(to_spreadsheet(offices), ip("10.0.0.5"))) == offices);
}

TEST_CASE("A subnet that tells nothing about neighbours makes no office", "[REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    for (const auto& [address, bits] : {std::pair{"10.8.0.1", 32},
                                        {"10.8.0.1", 31},
                                        {"10.8.0.1", 7},
                                        {"10.8.0.1", 0},
                                        {"10.8.0.1", -1},
                                        {"10.8.0.1", 33},
                                        {"169.254.3.4", 16},
                                        {"127.0.0.1", 8},
                                        {"fe80::1", 64},
                                        {"::1", 128},
                                        {"2001:db8::1", 127},
                                        {"2001:db8::1", 129}}) {
        CAPTURE(address, bits);
        CHECK_FALSE(detected.add(ip(address), bits));
    }
    CHECK(detected.add(ip("10.8.0.1"), 30));
    CHECK(detected.add(ip("11.8.0.1"), 8));
    CHECK(detected.current().size() == 3);
}

TEST_CASE("The same subnets give the same topology in any order", "[REQ-OFF-6][property]") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        random_source random(seed);
        std::vector<std::pair<ip_address, int>> clients;
        for (int i = 0; i < 40; ++i) {
            clients.emplace_back(ip_address::v4((10u << 24) + static_cast<std::uint32_t>(random.below(1 << 18))),
                                 14 + static_cast<int>(random.below(16)));
        }
        detected_topology first({net("10.0.0.0/24")});
        for (const auto& [address, bits] : clients) first.add(address, bits);
        std::shuffle(clients.begin(), clients.end(), random);
        detected_topology second({net("10.0.0.0/24")});
        for (const auto& [address, bits] : clients) {
            second.add(address, bits);
            if (random.below(4) == 0) REQUIRE(second.current().size() >= 1);
        }
        REQUIRE(first.current() == second.current());
    }
}

TEST_CASE("A detected topology has a limit", "[limits][REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    for (std::uint32_t i = 1; i < limits::detected_offices_max; ++i)
        REQUIRE(detected.add(subnet::of(ip_address::v4((10u << 24) + (i << 8)), 24)));
    CHECK_FALSE(detected.add(net("192.168.0.0/24")));
    CHECK(detected.current().size() == limits::detected_offices_max);
}
