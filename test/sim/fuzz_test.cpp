#include <catch2/catch.hpp>

#include <cstdlib>

#include "p2pdist/sim/fuzz.hpp"

using namespace p2pdist;

TEST_CASE("random worlds with faults deliver", "[REQ-RVP-2][REQ-RVP-3][REQ-OFF-2][REQ-SRC-5]") {
    const std::uint64_t seeds = std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 2000 : 50;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const auto outcome = sim::run_random_world(seed);
        INFO("replay: p2pdist-sim fuzz --seed " << seed << " (" << outcome.world << ")");
        CHECK(outcome.failure == "");
    }
}

TEST_CASE("a random world repeats itself") {
    CHECK(sim::run_random_world(3).trace_hash == sim::run_random_world(3).trace_hash);
}
