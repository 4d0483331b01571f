// Who may have a session: certificates, epochs, versions.

#include "envelope_world.hpp"

using namespace test_envelope;

TEST_CASE("who is not certified by the own server is refused", "[envelope][REQ-SEC-1]") {
    node b(2);
    const auto greet = [&](const credentials& held) {
        seeded_entropy random(5);
        const auto identity = identity_from_secret(crypto(), key_of_byte(3));
        envelope stranger(crypto(), random, identity, held);
        REQUIRE(stranger.add_peer(b.identity.id, b.identity.key));
        REQUIRE(stranger.ensure_session(start, b.identity.id, node::way_to(b)) == send_status::kept);
        const auto out = stranger.poll();
        REQUIRE(out);
        (void)b.take(start, std::get<send_datagram>(*out).header, at(3));
        b.drain();
        CHECK(b.sent.empty());
        CHECK(b.env.peer_count() == 0);
    };
    const auto key = identity_from_secret(crypto(), key_of_byte(3)).key;
    SECTION("another organisation's signature") {
        greet(credentials_for(key, role::client, 7, good_until, 0x11));
        CHECK(b.env.counters().bad_certificate == 1);
    }
    SECTION("past its date") {
        greet(credentials_for(key, role::client, 7, wall_time{wall.seconds - 1}));
        CHECK(b.env.counters().expired == 1);
    }
    SECTION("an epoch before the last") {
        greet(credentials_for(key, role::client, 5));
        CHECK(b.env.counters().other_epoch == 1);
        CHECK(b.events.empty());
    }
    SECTION("another's certificate without the other's secret") {
        node a(1);
        greet(credentials_for(a.identity.key));
        CHECK(b.env.counters().bad_tag == 1);
    }
}

TEST_CASE("a certificate that runs out ends the session", "[envelope][REQ-SEC-1]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(a.say(start, b, "last") == send_status::sealed);
    CHECK_FALSE(b.take(start, next(a), at(1), wall_time{good_until.seconds + 1}));
    CHECK(b.env.counters().expired == 1);
    CHECK_FALSE(b.env.has_session(a.identity.id));
}

TEST_CASE("a newer epoch is taken for good, and as a sign to renew", "[envelope][REQ-SEC-2]") {
    node renewed(1, role::client, 8), late(2);
    befriend(renewed, late);
    renewed.know(late);
    node third(3, role::client, 8);
    third.know(late);
    REQUIRE(third.say(start, late, "hi") == send_status::kept);
    settle(start, third, late);
    CHECK(late.heard == texts{"hi"});
    CHECK(late.count<newer_epoch_seen>() == 0);  // it was told once, when the first of them greeted
}

TEST_CASE("another organisation's credentials end all sessions, a renewed certificate none", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    a.env.set_credentials(credentials_for(a.identity.key, role::client, 7, wall_time{good_until.seconds + 5}));
    CHECK(a.env.has_session(b.identity.id));
    a.env.set_credentials(credentials_for(a.identity.key, role::client, 9));  // two epochs on: the other's is refused now
    CHECK_FALSE(a.env.has_session(b.identity.id));
    b.env.set_credentials(credentials_for(b.identity.key, role::client, 9));
    REQUIRE(b.say(start, a, "new epoch") == send_status::kept);
    settle(start, a, b);
    CHECK(a.heard == texts{"new epoch"});
    a.env.set_credentials(credentials_for(a.identity.key, role::client, 9, good_until, 0x11));
    CHECK_FALSE(a.env.has_session(b.identity.id));
}

TEST_CASE("the server moves to a new epoch and still hears those who have not", "[envelope][REQ-SEC-2]") {
    envelope_config config;
    config.admit_lapsed = true;
    node server(1, role::server, 8, config);
    node client(2);
    server.know(client);
    client.know(server);
    SECTION("the client begins") { REQUIRE(client.say(start, server, "renew me") == send_status::kept); }
    SECTION("the server begins") { REQUIRE(server.say(start, client, "renew") == send_status::kept); }
    settle(start, server, client);
    REQUIRE(client.say(start, server, "hello") == send_status::sealed);
    const auto heard = server.take(start, next(client), at(2));
    REQUIRE(heard);
    CHECK(client.count<newer_epoch_seen>() == 1);
    CHECK(server.say(start, client, "credentials") == send_status::sealed);
    settle(start, server, client);
    CHECK(client.heard.back() == "credentials");
}

TEST_CASE("versions that don't meet are refused with the side to update", "[envelope][REQ-MSG-6]") {
    envelope_config old_config, new_config;
    old_config.versions = {1, 2};
    new_config.versions = {3, 4};
    node older(1, role::client, 7, old_config), newer(2, role::client, 7, new_config);
    older.know(newer);
    newer.know(older);
    const auto refusal = [](node& from, node& to) {
        REQUIRE(from.say(start, to, "hi") == send_status::kept);
        const auto hello = next(from);
        (void)to.take(start, hello, at(from.host));
        const auto refused = next(to);
        CHECK(refused.size() == 20);
        CHECK(to.env.counters().version == 1);
        auto forged = refused;
        forged[10] = static_cast<std::uint8_t>(forged[10] ^ 1);
        (void)from.take(start, forged, at(to.host));
        from.drain();
        CHECK(from.events.empty());
        (void)from.take(start, refused, at(to.host));
        (void)from.take(start, refused, at(to.host));
        from.drain();
        REQUIRE(from.events.size() == 1);
        return std::get<version_mismatch>(from.events[0]);
    };
    CHECK(refusal(older, newer) == version_mismatch{newer.identity.id, {3, 4}, update_side::this_side});
    CHECK(refusal(newer, older) == version_mismatch{older.identity.id, {1, 2}, update_side::other_side});
    CHECK(version_error("this client", {1, 2}, "the server", {3, 4}).message ==
          "this client speaks protocol versions 1 to 2, the server speaks versions 3 to 4: update this client (in a roll-out the server "
          "comes first)");
    CHECK(version_error("this server", {3, 3}, "the client", {1, 2}).code == errc::version_unsupported);
}

TEST_CASE("ranges that meet use the highest common version", "[envelope][REQ-MSG-6]") {
    envelope_config wide;
    wide.versions = {1, 3};
    node a(1, role::client, 7, wide), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    settle(start, a, b);
    CHECK(b.heard == texts{"hi"});
}
