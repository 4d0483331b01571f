// The fuzzer's own test: each deliberate bug of base/canary.hpp must be found. Only in a build with -DP2PDIST_CANARY=ON.
#include "p2pdist/base/canary.hpp"

#ifdef P2PDIST_CANARY
#include <catch2/catch.hpp>

#include <cstdio>

#include "p2pdist/sim/fuzz.hpp"

using namespace p2pdist;

TEST_CASE("every canary is found within 200 seeds", "[canary]") {
    constexpr std::uint64_t seeds_max = 200;
    for (const auto which : all_canaries) {
        chosen_canary() = which;
        std::uint64_t seed = 1;
        while (seed <= seeds_max && sim::run_random_world(seed).ok()) ++seed;
        INFO(to_string(which));
        CHECK(seed <= seeds_max);
        std::printf("canary %s: seed %llu, %s\n", std::string(to_string(which)).c_str(), static_cast<unsigned long long>(seed),
                    sim::run_random_world(seed).failure.c_str());
        std::fflush(stdout);
    }
    chosen_canary() = canary::none;
}
#endif
