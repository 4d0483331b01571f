#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

const char* const locate_sheet =
    "Office,Type,Parent,Subnet,Preferred\r\n"
    "HQ,Default,,10.0.0.0/24,\r\n"
    "B,Default,HQ,10.1.0.0/24,10.1.0.9\r\n"
    "B Wi-Fi,Wi-Fi,B,10.1.128.0/24,\r\n"
    "C,Default,HQ,10.2.0.0/24,\r\n"
    "Remote,VPN,HQ,10.200.0.0/24,\r\n";

/// Activated, with that topology and one content.
struct ready_world : server_world {
    ready_world() {
        (void)administer<topology_import_reply>(topology_import_request{locate_sheet, false});
        (void)administer<activate_reply>(activate_request{"K", 100});
        (void)administer<publish_reply>(publish_request{{content("a")}});
    }
    locate_reply locate(test_client& from) { return asked<locate_reply>(from, locate_request{content("a").key()}); }
    void hold(test_client& from, holding_state state = holding_state::complete) {
        (void)asked<holdings_reply>(from, holdings_report{{{content("a").key(), state, false}}, false});
    }
};

device_profile with_free(std::uint64_t gibibytes) {
    device_profile out;
    out.free_storage_bytes = gibibytes << 30;
    return out;
}

std::vector<client_id> ids(const std::vector<ranked_peer>& roster) {
    std::vector<client_id> out;
    for (const auto& one : roster) out.push_back(one.peer.id);
    return out;
}

}  // namespace

TEST_CASE("locate gives the own office first and the central one last", "[REQ-SRC-1][REQ-OFF-2]") {
    ready_world world;
    auto& central = world.join("10.0.0.5", 1);
    auto& branch = world.join("10.1.0.5", 2);
    auto& wireless = world.join("10.1.128.5", 3);
    auto& other = world.join("10.2.0.5", 4);
    world.hold(central);
    world.hold(other);
    world.hold(wireless);

    const auto from_wireless = world.locate(wireless);
    REQUIRE(from_wireless.path.size() == 3);
    CHECK(from_wireless.path[0].office == "B Wi-Fi");
    CHECK(from_wireless.path[1].office == "B");
    CHECK(from_wireless.path[2].office == "HQ");
    CHECK(ids(from_wireless.path[0].roster) == std::vector{wireless.identity.id});
    CHECK(ids(from_wireless.path[1].roster) == std::vector{branch.identity.id});
    CHECK(from_wireless.path[0].holders.empty());  // the asker itself is nobody to fetch from
    REQUIRE(from_wireless.path[2].holders.size() == 1);
    CHECK(from_wireless.path[2].holders[0] == peer_info{central.identity.id, central.identity.key, address("10.0.0.5")});
    CHECK(from_wireless.holders_outside == 1);  // the one in C: content never travels sideways
    CHECK_FALSE(from_wireless.server_has_it);

    const auto from_branch = world.locate(branch);
    CHECK(from_branch.path.size() == 2);
    CHECK(from_branch.holders_outside == 2);  // below and beside
    CHECK(world.asked<error_reply>(branch, locate_request{content("a", 9).key()}).code == errc::not_found);
}

TEST_CASE("a VPN office has neither rendezvous point nor holders", "[REQ-OFF-3]") {
    ready_world world;
    auto& one = world.join("10.200.0.5", 1);
    auto& two = world.join("10.200.0.6", 2);
    world.hold(two);
    const auto reply = world.locate(one);
    REQUIRE(reply.path.size() == 2);
    CHECK(reply.path[0].office == "Remote");
    CHECK(reply.path[0].roster.empty());
    CHECK(reply.path[0].holders.empty());
    CHECK(reply.path[0].holders_elsewhere == 1);
    CHECK(reply.path[1].office == "HQ");
}

TEST_CASE("a client in no office is an office of its own below the central one", "[REQ-OFF-1]") {
    ready_world world;
    auto& central = world.join("10.0.0.5", 1);
    auto& alone = world.join("172.16.0.5", 2);
    auto& also_alone = world.join("172.16.0.6", 3);
    world.hold(also_alone);
    const auto reply = world.locate(alone);
    REQUIRE(reply.path.size() == 2);
    CHECK(reply.path[0].office.empty());
    CHECK(ids(reply.path[0].roster) == std::vector{alone.identity.id});
    CHECK(reply.path[0].holders.empty());
    CHECK(ids(reply.path[1].roster) == std::vector{central.identity.id});
    CHECK(reply.holders_outside == 1);
}

TEST_CASE("the ranking of a content is frozen, newcomers come behind", "[REQ-RANK-7][REQ-RANK-1]") {
    ready_world world;
    auto& small = world.join("10.1.0.5", 1, with_free(10));
    auto& large = world.join("10.1.0.6", 2, with_free(100));
    const std::vector before{large.identity.id, small.identity.id};
    CHECK(ids(world.locate(small).path[0].roster) == before);

    // The download eats what made it first.
    (void)world.asked<heartbeat_reply>(large, heartbeat{with_free(1)});
    auto& huge = world.join("10.1.0.7", 3, with_free(1000));
    const auto after = world.locate(small).path[0].roster;
    CHECK(ids(after) == std::vector{large.identity.id, small.identity.id, huge.identity.id});
    CHECK(after[0].profile.free_storage_bytes == std::uint64_t{100} << 30);  // the snapshot

    // Another content is ranked as things are now.
    (void)world.administer<publish_reply>(publish_request{{content("b", 2)}});
    const auto other = world.asked<locate_reply>(small, locate_request{content("b", 2).key()});
    CHECK(ids(other.path[0].roster) == std::vector{huge.identity.id, small.identity.id, large.identity.id});
}

TEST_CASE("a frozen ranking thaws when nobody downloads any more", "[REQ-RANK-7]") {
    ready_world world;
    auto& one = world.join("10.1.0.5", 1, with_free(10));
    auto& two = world.join("10.1.0.6", 2, with_free(100));
    const auto keep_alive = [&](int minutes) {
        for (int minute = 0; minute < minutes; ++minute) {
            (void)world.asked<heartbeat_reply>(one, heartbeat{with_free(10)});
            (void)world.asked<heartbeat_reply>(two, heartbeat{with_free(1)});
            world.run_for(60s);
        }
    };
    CHECK(ids(world.locate(one).path[0].roster).front() == two.identity.id);
    world.hold(two, holding_state::partial);
    keep_alive(30);
    CHECK(ids(world.locate(one).path[0].roster).front() == two.identity.id);  // still on its way
    world.hold(two);
    keep_alive(12);
    CHECK(ids(world.locate(one).path[0].roster).front() == one.identity.id);
}

TEST_CASE("who is silent is in no ranking and no holder", "[REQ-RVP-3][REQ-SRV-2]") {
    ready_world world;
    auto& silent = world.join("10.1.0.5", 1, with_free(100));
    auto& alive = world.join("10.1.0.6", 2, with_free(10));
    world.hold(silent);
    CHECK(ids(world.locate(alive).path[0].roster).front() == silent.identity.id);
    for (int minute = 0; minute < 4; ++minute) {
        world.run_for(60s);
        (void)world.asked<heartbeat_reply>(alive, heartbeat{with_free(10)});
    }
    auto reply = world.locate(alive);
    CHECK(ids(reply.path[0].roster) == std::vector{alive.identity.id});
    CHECK(reply.path[0].holders.empty());
    CHECK(reply.path[0].holders_elsewhere == 1);
    (void)world.asked<heartbeat_reply>(silent, heartbeat{with_free(100)});
    reply = world.locate(alive);
    CHECK(ids(reply.path[0].roster).front() == silent.identity.id);  // back in its place
    CHECK(reply.path[0].holders.size() == 1);
}

TEST_CASE("the spreadsheet's preferred devices count like those that prefer themselves", "[REQ-RANK-2]") {
    ready_world world;
    auto& plain = world.join("10.1.0.5", 1);
    auto& preferred = world.join("10.1.0.9", 9);
    const auto roster = world.locate(plain).path[0].roster;
    REQUIRE(ids(roster) == std::vector{preferred.identity.id, plain.identity.id});
    CHECK(roster[0].profile.preferred);
}

TEST_CASE("the ranking's steps are a setting", "[REQ-RANK-7]") {
    ready_world world;
    (void)world.administer<accepted>(settings_set_request{"ranking.free_storage_step", "1 TiB"});
    auto& preferred = world.join("10.1.0.9", 9, with_free(1));
    auto& roomy = world.join("10.1.0.5", 1, with_free(500));
    CHECK(ids(world.locate(roomy).path[0].roster) == std::vector{preferred.identity.id, roomy.identity.id});
    // It holds at once for what is asked for from now on.
    (void)world.administer<publish_reply>(publish_request{{content("b")}});
    (void)world.administer<accepted>(settings_set_request{"ranking.free_storage_step", "1 GiB"});
    const auto next = world.asked<locate_reply>(roomy, locate_request{content("b").key()});
    CHECK(ids(next.path[0].roster) == std::vector{roomy.identity.id, preferred.identity.id});
}

TEST_CASE("lists are short enough for one datagram, and askers are spread over the holders", "[REQ-RVP-4][REQ-MSG-1][limits]") {
    ready_world world;
    std::vector<test_client*> clients;
    for (std::uint8_t number = 1; number <= 40; ++number) {
        clients.push_back(&world.join(("10.1.0." + std::to_string(number + 10)).c_str(), number, with_free(number)));
        world.hold(*clients.back());
    }
    (void)world.join("10.0.0.5", 77);
    std::set<client_id> named;
    for (auto* client : clients) {
        const auto reply = world.locate(*client);
        REQUIRE(reply.path.size() == 2);
        CHECK(encode_body(reply).size() <= envelope::payload_bytes_max);
        const auto& own = reply.path[0];
        CHECK(own.roster.size() >= 3);
        CHECK(own.roster.size() <= limits::locate_roster_max);
        CHECK(own.roster[0].peer.id == clients.back()->identity.id);  // most free storage
        CHECK_FALSE(own.holders.empty());
        CHECK(own.holders.size() + own.holders_elsewhere == 39);
        for (const auto& holder : own.holders) {
            CHECK(holder.id != client->identity.id);
            named.insert(holder.id);
        }
        CHECK(client->large_datagrams == 0);
    }
    CHECK(named.size() >= 20);
}
