#include "p2pdist/base/address.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <unordered_set>
#include <vector>

#include "p2pdist/base/random.hpp"

using namespace p2pdist;

namespace {

std::string canonical(std::string_view text) {
    const auto parsed = ip_address::parse(text);
    return parsed ? parsed->to_string() : "refused";
}

ip_address ip(std::string_view text) { return ip_address::parse(text).value(); }

std::string subnet_text(std::string_view text) {
    const auto parsed = subnet::parse(text);
    return parsed ? parsed->to_string() : "refused";
}

/// Many zero groups, so that "::" falls everywhere.
ip_address random_address(random_source& random) {
    if (random.below(3) == 0) return ip_address::v4(static_cast<std::uint32_t>(random()));
    std::array<std::uint8_t, 16> value{};
    for (auto& byte : value) byte = random.below(3) == 0 ? static_cast<std::uint8_t>(random()) : 0;
    return ip_address::v6(value);
}

}  // namespace

TEST_CASE("IPv4 text", "[REQ-OFF-1]") {
    for (const auto text : {"0.0.0.0", "10.0.0.5", "255.255.255.255", "192.168.100.20"}) CHECK(canonical(text) == text);
    for (const auto text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1..2.3", ".1.2.3", "1.2.3.", " 1.2.3.4",
                            "1.2.3.4 ", "1.2.3.+4", "1.2.3.-4", "0x1.2.3.4", "1,2,3,4", "1.2.3.4/8", "1.2.3.1000"}) {
        CAPTURE(text);
        CHECK(canonical(text) == "refused");
    }
    CHECK(ip("10.1.2.3").v4_value() == 0x0a010203);
    CHECK(ip_address::v4(0x0a010203) == ip("10.1.2.3"));
    CHECK(ip_address() == ip("0.0.0.0"));
    CHECK(std::ranges::equal(ip("10.1.2.3").network_bytes(), std::vector<std::uint8_t>{10, 1, 2, 3}));
}

TEST_CASE("IPv6 text as RFC 5952 writes it", "[REQ-OFF-1]") {
    CHECK(canonical("::") == "::");
    CHECK(canonical("::1") == "::1");
    CHECK(canonical("1::") == "1::");
    CHECK(canonical("2001:0db8::0001") == "2001:db8::1");
    CHECK(canonical("2001:DB8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");     // the first of equal runs
    CHECK(canonical("2001:db8:0:0:1:0:0:0") == "2001:db8:0:0:1::");      // the longer run
    CHECK(canonical("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // one group is not shortened
    CHECK(canonical("2001:db8::1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
    CHECK(canonical("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
    CHECK(canonical("::2:3:4:5:6:7:8") == "0:2:3:4:5:6:7:8");
    CHECK(canonical("64:ff9b::192.0.2.33") == "64:ff9b::c000:221");
    CHECK(canonical("1:2:3:4:5:6:1.2.3.4") == "1:2:3:4:5:6:102:304");
    for (const auto text : {":",
                            ":::",
                            "1:",
                            ":1",
                            "1:2:3:4:5:6:7",
                            "1:2:3:4:5:6:7:8:9",
                            "1::2::3",
                            "::1:2:3:4:5:6:7:8",
                            "1:2:3:4::5:6:7:8",
                            "12345::",
                            "g::",
                            "::1%eth0",
                            "[::1]",
                            "::/0",
                            "::1.2.3",
                            "1.2.3.4::",
                            "1:2:3:4:5:6:7:1.2.3.4",
                            "::1.2.3.4:1",
                            "1.2.3.4::5.6.7.8",
                            ":: "}) {
        CAPTURE(text);
        CHECK(canonical(text) == "refused");
    }
}

TEST_CASE("IPv4-mapped addresses are IPv4 addresses", "[REQ-OFF-1]") {
    CHECK(ip("::ffff:10.1.2.3") == ip("10.1.2.3"));
    CHECK(ip("::FFFF:0a01:0203") == ip("10.1.2.3"));
    CHECK(ip("::10.1.2.3").to_string() == "::a01:203");
    CHECK(ip_address::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}).is_v4());
    CHECK(subnet_text("::ffff:10.0.0.0/104") == "10.0.0.0/8");
    CHECK(subnet_text("::ffff:10.0.0.0/8") == "refused");
}

TEST_CASE("An error quotes what it refuses, without control characters", "[base]") {
    CHECK(ip_address::parse("bad\x1b[31m").error().message == "'bad?[31m' is not an IPv4 or IPv6 address");
    CHECK(ip_address::parse(std::string(100'000, 'x')).error().message.size() < 200);
    CHECK(ip_address::parse("x").error().code == errc::malformed);
}

TEST_CASE("Addresses survive printing and parsing, in order", "[property]") {
    random_source random(5);
    for (int i = 0; i < 5000; ++i) {
        const auto a = random_address(random);
        const auto b = random_address(random);
        REQUIRE(ip(a.to_string()) == a);
        REQUIRE(a.to_string().find(":::") == std::string::npos);
        REQUIRE((a < b) == (b > a));
        REQUIRE(((a == b) == (a.to_string() == b.to_string())));
        if (a.is_v4() && !b.is_v4()) REQUIRE(a < b);
        if (a.next() != a) REQUIRE(a < a.next());
        REQUIRE(std::hash<ip_address>{}(a) == std::hash<ip_address>{}(ip(a.to_string())));
    }
}

TEST_CASE("The next address", "[base]") {
    CHECK(ip("10.0.0.255").next() == ip("10.0.1.0"));
    CHECK(ip("255.255.255.255").next() == ip("255.255.255.255"));
    CHECK(ip("2001:db8::ffff:ffff").next() == ip("2001:db8::1:0:0"));
    CHECK(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").next() == ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    CHECK(ip("0.0.0.0").is_unspecified());
    CHECK(ip("::").is_unspecified());
    CHECK_FALSE(ip("::1").is_unspecified());
}

TEST_CASE("Subnets", "[REQ-OFF-1]") {
    for (const auto text : {"10.1.0.0/24", "0.0.0.0/0", "10.0.0.1/32", "2001:db8::/32", "::/0", "::1/128"})
        CHECK(subnet_text(text) == text);
    for (const auto text : {"10.1.0.0", "10.1.0.0/", "/24", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/ 24", "10.1.0.0/024", "10.1.0.0/24/24",
                            "2001:db8::/129", "10.1.0.0/255.255.255.0"}) {
        CAPTURE(text);
        CHECK(subnet_text(text) == "refused");
    }
    CHECK(subnet::parse("10.1.0.77/24").error().message.find("the subnet is 10.1.0.0/24") != std::string::npos);
    const auto block = subnet::parse("10.1.4.0/22").value();
    CHECK(block.range() == address_range{ip("10.1.4.0"), ip("10.1.7.255")});
    CHECK(block.broadcast() == ip("10.1.7.255"));
    CHECK(block.contains(ip("10.1.5.9")));
    CHECK_FALSE(block.contains(ip("10.1.8.0")));
    CHECK_FALSE(block.contains(ip("2001:db8::1")));
    CHECK(subnet::of(ip("10.1.5.9"), 22) == block);
    CHECK(subnet::of(ip("2001:db8:ffff::1"), 33).to_string() == "2001:db8:8000::/33");
    CHECK(subnet::of(ip("255.255.255.255"), 0).to_string() == "0.0.0.0/0");
}

TEST_CASE("A subnet has exactly the addresses that share its prefix", "[property]") {
    random_source random(6);
    for (int i = 0; i < 3000; ++i) {
        const auto a = random_address(random);
        const auto b = random_address(random);
        const auto bits = static_cast<int>(random.below(static_cast<std::uint64_t>(a.bits()) + 1));
        const auto block = subnet::of(a, bits);
        REQUIRE(block.contains(a));
        REQUIRE(subnet::parse(block.to_string()).value() == block);
        if (a.address_family() == b.address_family()) REQUIRE(block.contains(b) == (subnet::of(b, bits) == block));
        REQUIRE(block.range().first == block.network());
        REQUIRE_FALSE(block.range().last < block.range().first);
        const auto after = block.range().last.next();
        if (after != block.range().last) REQUIRE_FALSE(block.contains(after));
    }
}

TEST_CASE("Ranges contain and overlap", "[REQ-OFF-1]") {
    const address_range outer{ip("10.0.0.10"), ip("10.0.0.20")};
    const address_range inner{ip("10.0.0.12"), ip("10.0.0.20")};
    const address_range crossing{ip("10.0.0.20"), ip("10.0.0.30")};
    const address_range apart{ip("10.0.0.21"), ip("10.0.0.30")};
    CHECK((outer.contains(inner) && !inner.contains(outer) && outer.contains(outer)));
    CHECK((outer.overlaps(crossing) && crossing.overlaps(outer) && outer.overlaps(inner) && inner.overlaps(outer)));
    CHECK_FALSE((outer.overlaps(apart) || apart.overlaps(outer)));
    CHECK_FALSE(outer.contains(ip("::")));
    CHECK(outer.to_string() == "10.0.0.10-10.0.0.20");
}

TEST_CASE("Endpoints", "[base]") {
    CHECK(endpoint{ip("10.0.0.5"), 34323}.to_string() == "10.0.0.5:34323");
    CHECK(endpoint{ip("2001:db8::1"), 34323}.to_string() == "[2001:db8::1]:34323");
    CHECK(endpoint{ip("10.0.0.5"), 2} < endpoint{ip("10.0.0.6"), 1});
    const std::unordered_set<endpoint> set{{ip("10.0.0.5"), 1}, {ip("10.0.0.5"), 2}, {ip("10.0.0.5"), 1}};
    CHECK(set.size() == 2);
}
