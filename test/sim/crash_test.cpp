#include <cstdlib>

#include <catch2/catch.hpp>

#include "p2pdist/sim/fuzz.hpp"

using namespace p2pdist;

TEST_CASE("whatever was acknowledged is there after any crash, and nothing unverified", "[REQ-SRV-6][REQ-CLI-4][REQ-CLI-6][REQ-XFER-4]") {
    const std::uint64_t seeds = std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 1000 : 40;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const auto outcome = sim::run_crash_world(seed);
        INFO("replay: p2pdist-sim fuzz --crashes --seed " << seed << " (" << outcome.world << ")");
        CHECK(outcome.failure == "");
    }
}

TEST_CASE("a world of crashes repeats itself") {
    CHECK(sim::run_crash_world(7).trace_hash == sim::run_crash_world(7).trace_hash);
}
