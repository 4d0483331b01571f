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
    CHECK(detected.add(ip("10.0.0.9"), 24));
    CHECK(detected.current().size() == 1);
    CHECK(detected.add(ip("10.1.0.9"), 24));
    CHECK(detected.add(ip("10.1.0.10"), 24));
    CHECK_FALSE(detected.add(ip("10.1.0.10"), 24));
    CHECK(detected.add(ip("2001:db8:0:5::9"), 64));
    const auto& offices = detected.current();
    REQUIRE(offices.size() == 3);
    CHECK(name_at(offices, "10.1.0.77") == "10.1.0.0/24");
    CHECK(name_at(offices, "10.0.0.77") == "10.0.0.0/24");
    CHECK(offices.parent(at(offices, "2001:db8:0:5::/64")) == offices.central());
    CHECK(valid(parse_spreadsheet(to_spreadsheet(offices), ip("10.0.0.5"))) == offices);
}

TEST_CASE("An office of a detected topology goes with the last client that names it", "[REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    detected.add(ip("10.1.0.9"), 24);
    detected.add(ip("10.1.0.9"), 24);   // another one at this address
    detected.add(ip("10.1.0.10"), 24);
    CHECK_FALSE(detected.remove(ip("10.1.0.9"), 24));
    CHECK(detected.remove(ip("10.1.0.10"), 24));
    CHECK(detected.current().size() == 2);
    CHECK_FALSE(detected.remove(ip("10.1.0.8"), 24));
    CHECK_FALSE(detected.remove(ip("10.2.0.9"), 24));
    CHECK(detected.remove(ip("10.1.0.9"), 24));
    CHECK(detected.current().size() == 1);
}

TEST_CASE("One client cannot cut an office into pieces, nor join offices to one", "[hostile][REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    for (const char* honest : {"10.1.0.9", "10.1.0.10", "10.1.1.9", "10.1.1.10"}) detected.add(ip(honest), 24);
    const auto before = detected.current();
    for (int bits = 8; bits <= 30; ++bits) {
        CAPTURE(bits);
        detected.add(ip("10.1.0.77"), bits);
        CHECK(detected.current() == before);
        detected.remove(ip("10.1.0.77"), bits);
    }
    for (int bits = 8; bits <= 23; ++bits) detected.add(ip("10.1.0.77"), bits);   // of as many clients at one address
    CHECK(detected.current() == before);
    for (std::uint32_t i = 0; i < 100; ++i) detected.add(ip("10.1.0.77"), 25);
    CHECK(detected.current() == before);
}

TEST_CASE("Nothing inside the server's subnet is an office beside the central one", "[hostile][REQ-OFF-6][REQ-SRV-4]") {
    detected_topology detected({net("10.0.0.0/22")});   // the server's mask differs from that of the DHCP range
    for (std::uint32_t i = 10; i < 60; ++i) detected.add(ip_address::v4((10u << 24) + i), i % 2 == 0 ? 24 : 25);
    REQUIRE(detected.current().size() == 1);
    CHECK(name_at(detected.current(), "10.0.0.10") == "10.0.0.0/22");
    CHECK_FALSE(check_server(detected.current(), ip("10.0.0.2")));
}

TEST_CASE("A subnet around the server's is an office where most there name it", "[REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});   // the server's own mask is too long
    detected.add(ip("10.0.2.9"), 22);
    CHECK(detected.current().size() == 1);   // the server says otherwise
    detected.add(ip("10.0.0.9"), 22);
    REQUIRE(detected.current().size() == 2);
    CHECK(name_at(detected.current(), "10.0.2.9") == "10.0.0.0/22");
    CHECK(name_at(detected.current(), "10.0.0.9") == "10.0.0.0/24");
    detected.add(ip("10.0.0.10"), 24);
    detected.add(ip("10.0.0.11"), 24);
    CHECK(detected.current().size() == 1);
}

TEST_CASE("Where masks contradict each other most decide, and the narrower where it is a draw", "[REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    detected.add(ip("10.1.0.9"), 25);
    detected.add(ip("10.1.0.200"), 24);
    CHECK(name_at(detected.current(), "10.1.0.9") == "10.1.0.0/25");
    CHECK_FALSE(detected.current().office_of(ip("10.1.0.200")));
    detected.add(ip("10.1.0.201"), 24);
    CHECK(name_at(detected.current(), "10.1.0.9") == "10.1.0.0/24");
    CHECK(detected.current().size() == 2);
    detected.add(ip("10.1.5.9"), 16);
    CHECK(detected.current().size() == 2);
    for (const char* wide : {"10.1.6.9", "10.1.7.9", "10.1.0.10"}) detected.add(ip(wide), 16);
    REQUIRE(detected.current().size() == 2);
    CHECK(name_at(detected.current(), "10.1.0.9") == "10.1.0.0/16");
}

TEST_CASE("One client does not make neighbours of laptops in a VPN", "[hostile][REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    for (const char* laptop : {"10.8.0.5", "10.8.0.6", "10.8.3.7"}) detected.add(ip(laptop), 32);
    CHECK(detected.current().size() == 1);
    for (const int bits : {8, 16, 22}) detected.add(ip("10.8.0.9"), bits);
    CHECK(detected.current().size() == 1);
    // DHCPv6 gives one address to devices in LANs, too.
    for (const char* desktop : {"2001:db8::5", "2001:db8::6"}) CHECK_FALSE(detected.add(ip(desktop), 128));
    detected.add(ip("2001:db8::7"), 64);
    CHECK(detected.current().size() == 2);
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
        detected.add(ip(address), bits);
        CHECK(detected.current().size() == 1);
        detected.remove(ip(address), bits);
    }
    CHECK(detected.add(ip("10.8.0.1"), 30));
    CHECK(detected.add(ip("11.8.0.1"), 8));
    CHECK(detected.current().size() == 3);
}

TEST_CASE("The same clients give the same topology in any order, whoever left before", "[REQ-OFF-6][property]") {
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
            const auto gone = ip_address::v4((10u << 24) + static_cast<std::uint32_t>(random.below(1 << 18)));
            const auto gone_bits = 8 + static_cast<int>(random.below(25));
            second.add(gone, gone_bits);
            second.add(address, bits);
            if (random.below(4) == 0) REQUIRE(second.current().size() >= 1);
            second.remove(gone, gone_bits);
        }
        REQUIRE(first.current() == second.current());
    }
}

TEST_CASE("A detected topology has a limit, and those who are fewest make room", "[limits][REQ-OFF-6]") {
    detected_topology detected({net("10.0.0.0/24")});
    for (std::uint32_t i = 1; i <= limits::detected_offices_max; ++i)
        REQUIRE(detected.add(ip_address::v4((10u << 24) + (i << 8) + 9), 24));
    CHECK(detected.current().size() == limits::detected_offices_max);
    detected.add(ip("192.168.0.9"), 24);
    CHECK_FALSE(detected.current().office_of(ip("192.168.0.9")));
    detected.add(ip("192.168.0.10"), 24);
    CHECK(detected.current().office_of(ip("192.168.0.9")));
    CHECK(detected.current().size() == limits::detected_offices_max);
}
