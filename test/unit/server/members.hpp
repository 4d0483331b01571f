#pragma once
// Members that renew, and what the administrator hears of it: for the tests of revocation and of restored databases.

#include <catch2/catch.hpp>

#include "p2pdist/envelope/renewal.hpp"
#include "server_world.hpp"

namespace p2pdist::test {

inline constexpr std::int64_t wall_start = 1'800'000'000;  ///< of the server_world's clock, in seconds

/// What the server grants.
inline result<enrolment_grant> renewed(server_world& world, test_client& who) {
    seeded_entropy random(99);
    const renewal asked(crypto(), random);
    const auto reply = world.asked<renew_reply>(who, renew_request{asked.ephemeral()});
    const auto server = identity_from_secret(crypto(), server_world::default_config().identity);
    return asked.open(who.identity, *who.seal.held(), server.key, world.wall(), reply.sealed);
}

/// Renews its certificate, as a member does in time.
inline void renew(server_world& world, test_client& who) {
    const auto grant = renewed(world, who);
    REQUIRE(grant);
    who.seal.set_credentials(grant->held);
    (void)who.seal.start_anew();
}

/// What `health` says, a line each.
inline std::string findings(server_world& world) {
    std::string out;
    for (const auto& finding : world.administer<health_reply>(health_request{}).findings) out += finding.subject + ": " + finding.text + "\n";
    return out;
}

}  // namespace p2pdist::test
