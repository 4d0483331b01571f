#include "p2pdist/envelope/source_limit.hpp"

#include "envelope_world.hpp"

using namespace test_envelope;

namespace {

source_limit make(source_limit_config config = {5, 20, 50, 64}) { return {crypto(), short_key{1, 2, 3}, config}; }

ip_address v4(std::uint32_t value) { return ip_address::v4(value); }
ip_address v6(std::uint16_t net, std::uint16_t link, std::uint64_t host) {
    std::array<std::uint8_t, 16> out{0x20, 0x01, 0x0d, 0xb8};
    out[4] = static_cast<std::uint8_t>(net >> 8);
    out[5] = static_cast<std::uint8_t>(net);
    out[6] = static_cast<std::uint8_t>(link >> 8);
    out[7] = static_cast<std::uint8_t>(link);
    for (std::size_t i = 0; i < 8; ++i) out[15 - i] = static_cast<std::uint8_t>(host >> 8 * i);
    return ip_address::v6(out);
}

/// How many of `tries` pass, of the addresses that `who` gives.
template <class Who>
int passing(source_limit& limit, time_point now, int tries, Who who) {
    int out = 0;
    for (int i = 0; i < tries; ++i) out += limit.allow(now, who(i)) ? 1 : 0;
    return out;
}

}  // namespace

TEST_CASE("an address, a network and all have a second's worth each", "[source_limit][REQ-SEC-1]") {
    auto limit = make();
    CHECK(passing(limit, start, 100, [](int) { return v4(0x0a000001); }) == 5);
    CHECK(passing(limit, start, 100, [](int i) { return v4(0x0a000002u + static_cast<std::uint32_t>(i)); }) == 15);  // the network's 20
    CHECK(passing(limit, start, 100, [](int i) { return v4(0x0b000000u + 256 * static_cast<std::uint32_t>(i)); }) == 30);  // all 50
    CHECK_FALSE(limit.allow(start, v4(0x0c000001)));
    // What was refused took nothing: a second later everything is there again.
    CHECK(passing(limit, start + 1s, 100, [](int) { return v4(0x0a000001); }) == 5);
    CHECK(passing(limit, start + 1s + 200ms, 100, [](int) { return v4(0x0a000001); }) == 1);
    CHECK_FALSE(limit.allow(start, v4(0x0a000001)));  // a clock that steps back gives nothing
}

TEST_CASE("an IPv6 link counts as one address, a site as one network", "[source_limit][REQ-SEC-1]") {
    auto limit = make();
    CHECK(passing(limit, start, 100, [](int i) { return v6(1, 1, static_cast<std::uint64_t>(i) << 32 | 7); }) == 5);
    CHECK(passing(limit, start, 100, [](int i) { return v6(1, static_cast<std::uint16_t>(2 + i), 7); }) == 15);
    CHECK(passing(limit, start, 100, [](int i) { return v6(static_cast<std::uint16_t>(2 + i), 1, 7); }) == 30);
}

TEST_CASE("a host has its share of what its address has", "[source_limit][REQ-SEC-1]") {
    auto limit = make({20, 50, 200, 64, 5});
    CHECK(passing(limit, start, 100, [](int) { return v6(1, 1, 7); }) == 5);
    CHECK(passing(limit, start, 100, [](int) { return v6(1, 1, 8); }) == 5);
    CHECK(passing(limit, start, 100, [](int i) { return v6(1, 1, static_cast<std::uint64_t>(100 + i)); }) == 10);  // the link's 20
    CHECK(passing(limit, start, 100, [](int) { return v4(0x0a000001); }) == 5);
    CHECK(passing(limit, start, 100, [](int) { return v4(0x0a000002); }) == 5);
}

TEST_CASE("a flood from one network leaves the buckets of others alone", "[source_limit][REQ-SEC-1]") {
    source_limit limit(crypto(), short_key{9}, {200, 500, 2000, limits::rate_sources});
    int flooded = 0, honest = 0, tried = 0;
    for (int ms = 0; ms < 2000; ++ms) {
        const auto now = start + ms * 1ms;
        flooded += passing(limit, now, 100, [&](int i) { return v4(0xc6336400u + static_cast<std::uint32_t>((ms * 100 + i) % 256)); });
        if (ms % 4 != 0) continue;
        ++tried;
        honest += limit.allow(now, v4(0x0a000001u + 256 * static_cast<std::uint32_t>(ms))) ? 1 : 0;
    }
    CHECK(flooded <= 1500);
    CHECK(honest == tried);
}
