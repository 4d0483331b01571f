#include <catch2/catch.hpp>

#include <map>

#include "p2pdist/transfer/serving_line.hpp"
#include "world.hpp"

using namespace p2pdist;
using p2pdist::test::peer;

namespace {

/// Lower ids come first.
bool by_id(const client_id& left, const client_id& right) { return left < right; }

struct asking_line {
    explicit asking_line(std::size_t most) : line(most) {}
    serving_line::verdict ask(std::uint8_t who) {
        serve_request request;
        request.flow = flow_handle{++last};
        request.peer = peer(who);
        const auto out = line.judge(request, by_id);
        if (out.displaced) {
            --flows[owner.at(*out.displaced)];
            owner.erase(*out.displaced);
        }
        if (out.admitted) {
            ++flows[who];
            owner[request.flow] = who;
        }
        return out;
    }
    serving_line line;
    std::map<flow_handle, std::uint8_t> owner;
    std::map<std::uint8_t, int> flows;
    std::uint64_t last = 0;
};

}  // namespace

TEST_CASE("eight members that open all the flows they may leave room for a ninth", "[transfer][hostile][REQ-SRV-5][REQ-SEC-3]") {
    asking_line world(limits::server_uploads_max);
    for (std::size_t flow = 0; flow < limits::flows_of_peer_max; ++flow) {
        for (std::uint8_t liar = 1; liar <= 8; ++liar) (void)world.ask(liar);
    }
    CHECK(world.line.size() == limits::server_uploads_max);
    // Last in rank, and again and again: each of the many gives one up.
    for (int flow = 0; flow < 40; ++flow) {
        const auto verdict = world.ask(200);
        REQUIRE(verdict.admitted);
        REQUIRE(verdict.displaced);
    }
    CHECK(world.flows[200] == 40);
    CHECK(world.line.size() == limits::server_uploads_max);
}

TEST_CASE("where nobody has more than another, rank decides who waits", "[transfer][REQ-RANK-2]") {
    asking_line world(3);
    for (const int who : {1, 3, 5}) CHECK(world.ask(static_cast<std::uint8_t>(who)).admitted);
    CHECK_FALSE(world.ask(9).admitted);
    const auto second = world.ask(2);
    CHECK(second.admitted);
    CHECK(second.displaced == flow_handle{3});   // of the fifth
    CHECK(world.flows[5] == 0);
    CHECK_FALSE(world.ask(2).admitted);   // it has one
}

TEST_CASE("an upload that ends makes room, and one that was displaced makes it once", "[transfer]") {
    asking_line world(2);
    for (const int who : {1, 1}) CHECK(world.ask(static_cast<std::uint8_t>(who)).admitted);
    const auto other = world.ask(2);
    REQUIRE(other.displaced);
    upload_ended ended;
    ended.peer = peer(1);
    ended.flow = *other.displaced;   // the engine says so of it, too
    world.line.on_ended(ended);
    CHECK(world.line.size() == 2);
    ended.flow = flow_handle{1};
    world.line.on_ended(ended);
    CHECK(world.line.size() == 1);
}
