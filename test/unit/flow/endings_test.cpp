// Ended flows are remembered for a moment: a peer that goes on is told again, now and then, and there are only so many.

#include <catch2/catch.hpp>

#include "../../../src/flow/endings.hpp"
#include "p2pdist/base/limits.hpp"

using namespace p2pdist;
using namespace p2pdist::detail::flow;
using namespace std::chrono_literals;

namespace {

constexpr time_point ended_at{1000s};

flow_ending ending_of(std::uint32_t token, bool to_sender) {
    flow_ending out;
    out.peer.value[0] = 7;
    out.token = token;
    out.to_sender = to_sender;
    out.why = {errc::not_found, "gone", 0};
    return out;
}

}  // namespace

TEST_CASE("the end of a flow is repeated to its own peer, at most every tenth of a second, for a while", "[flow][REQ-SEC-3]") {
    endings list;
    const auto one = ending_of(5, true);
    list.add(ended_at, one);
    CHECK(list.find(ended_at, one.peer, 5, true).ending != nullptr);
    CHECK_FALSE(list.find(ended_at, one.peer, 5, true).answer);   // it was said just now
    CHECK(list.find(ended_at + 100ms, one.peer, 5, true).answer);
    CHECK_FALSE(list.find(ended_at + 199ms, one.peer, 5, true).answer);
    CHECK(list.find_received(ended_at + 200ms, 5).answer);
    CHECK(list.find(ended_at + 1s, client_id{}, 5, true).ending == nullptr);
    CHECK(list.find(ended_at + 1s, one.peer, 6, true).ending == nullptr);
    CHECK(list.find(ended_at + 1s, one.peer, 5, false).ending == nullptr);
    CHECK(list.find(ended_at + 14s, one.peer, 5, true).answer);
    CHECK(list.find(ended_at + 15s, one.peer, 5, true).ending == nullptr);
    CHECK(list.size() == 0);
}

TEST_CASE("of more ended flows than are remembered the oldest is forgotten", "[flow][REQ-SEC-3]") {
    endings list;
    const auto peer = ending_of(0, true).peer;
    for (std::uint32_t token = 0; token <= limits::flow_endings_max; ++token) list.add(ended_at, ending_of(token, true));
    CHECK(list.size() == limits::flow_endings_max);
    CHECK(list.find(ended_at, peer, 0, true).ending == nullptr);
    CHECK(list.find(ended_at, peer, 1, true).ending != nullptr);
    CHECK(list.find(ended_at, peer, limits::flow_endings_max, true).ending != nullptr);
}
