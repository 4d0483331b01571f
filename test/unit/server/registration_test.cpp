#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

register_request about(const test_client& one, std::uint8_t prefix = 24) { return {{}, one.where, prefix, "host", "1.0"}; }

}  // namespace

TEST_CASE("a device with the enrolment key becomes a client", "[REQ-SEC-1][REQ-SRV-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    REQUIRE(world.durable.clients.size() == 1);
    const auto& record = world.durable.clients[0];
    CHECK(record.id == client.identity.id);
    CHECK(record.key == client.identity.key);
    CHECK(record.address == address("10.0.0.5"));
    CHECK(record.host_name == "host1");
    CHECK(record.registered == world.wall());
    CHECK(world.server().statistics().clients_active == 1);

    const auto reply = world.asked<register_reply>(client, about(client));
    CHECK(reply.office == "10.0.0.0/24");  // detected
    CHECK(reply.heartbeat_interval_ms == 60'000);
    CHECK(reply.server_time_s == world.wall().seconds);
    CHECK(reply.versions.key_epoch == 1);
}

TEST_CASE("a device that has just enrolled is no stranger in a flood of them from its own network", "[flood][REQ-SEC-1]") {
    server_world world;
    auto& client = *world.enrol("10.0.0.5", 1).value();
    const auto plan = server_world::default_config().ports;
    const path way{plan[port_use::client_small_out], {server_world::default_config().address, plan[port_use::server_small_in]}};
    const auto said = [&](envelope& by) {
        while (auto out = by.poll()) {
            if (auto* datagram = std::get_if<send_datagram>(&*out)) return datagram->header;
        }
        return bytes{};
    };
    const auto answer_to = [&](const bytes& hello, const ip_address& from) -> std::optional<frame_type> {
        world.server().on_datagram(world.now(), {way.remote, {from, way.local_port}, world.now(), 0, hello});
        std::optional<frame_type> out;
        while (auto next = world.server().poll(world.now())) {
            if (auto* datagram = std::get_if<send_datagram>(&*next)) out = frame_type_of(datagram->header);
        }
        return out;
    };
    const auto server_key = identity_from_secret(crypto(), server_world::default_config().identity);
    for (std::uint32_t i = 0; i < 600; ++i) {
        seeded_entropy random(1000 + i);
        const auto self = make_identity(crypto(), random);
        auto papers = *client.seal.held();
        papers.own = sign_certificate(crypto(), key_of_byte(0x12), role::client, self.key, papers.key_epoch, papers.own.not_after);
        envelope stranger(crypto(), random, self, papers);
        REQUIRE(stranger.add_peer(server_key.id, server_key.key));
        (void)stranger.ensure_session(world.now(), server_key.id, way);
        const auto answer = answer_to(said(stranger), ip_address::v4(0x0a000064u + i % 100));
        if (i == 599) CHECK(answer == frame_type::session_cookie);
    }
    (void)client.seal.ensure_session(world.now(), server_key.id, way);
    CHECK(answer_to(said(client.seal), client.where) == frame_type::session_welcome);
}

TEST_CASE("a device without the enrolment key, or with an old one, learns nothing", "[REQ-SEC-1]") {
    server_world world;
    CHECK_FALSE(world.enrol("10.0.0.5", 1, key_of_byte(0x99)));
    REQUIRE(world.enrol("10.0.0.5", 1));
    world.server().set_enrolment_key(world.now(), key_of_byte(0x77));
    CHECK_FALSE(world.enrol("10.0.0.6", 2));
    CHECK(world.enrol("10.0.0.6", 2, key_of_byte(0x77)));
    CHECK(world.durable.clients.empty());  // enrolled is not registered
}

TEST_CASE("nobody is answered before the catalogue is there", "[REQ-SRV-6]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    // A server that was given nothing yet.
    seeded_entropy random(1);
    server_core idle(crypto(), random, server_world::default_config(), world.now(), world.wall());
    (void)world.send(client, heartbeat{});
    bytes frame(60, 0);
    for (const auto type : {frame_type::enrol_hello, frame_type::session_hello, frame_type::message}) {
        frame[0] = static_cast<std::uint8_t>(type);
        idle.on_datagram(world.now(), {{address("10.0.0.1"), 34323}, {client.where, 34324}, world.now(), 0, frame});
    }
    CHECK_FALSE(idle.poll(world.now()));
    CHECK(idle.statistics().datagrams_dropped == 3);
}

TEST_CASE("a new catalogue answers after its first commit only", "[REQ-SRV-6]") {
    seeded_entropy random(1);
    server_core fresh(crypto(), random, server_world::default_config(), time_point(1s), {1'800'000'000});
    fresh.load(time_point(1s), {});
    const auto out = fresh.poll(time_point(1s));
    REQUIRE(out);
    const auto* request = std::get_if<catalogue_request>(&*out);
    REQUIRE(request != nullptr);
    bytes hello(200, 0);
    hello[0] = static_cast<std::uint8_t>(frame_type::enrol_hello);
    fresh.on_datagram(time_point(1s), {{address("10.0.0.1"), 34323}, {address("10.0.0.5"), 34324}, time_point(1s), 0, hello});
    CHECK(fresh.statistics().datagrams_dropped == 1);

    SECTION("and tries again when it fails") {
        fresh.on_catalogue_done(time_point(1s), {request->id, {errc::database_failed, "disk on fire"}});
        const auto event = fresh.poll(time_point(1s));
        REQUIRE(event);
        CHECK_THAT(std::get<server_event>(*event).text, Contains("disk on fire"));
        CHECK(fresh.deadline() <= time_point(10s));
        fresh.on_timer(fresh.deadline());
        const auto again = fresh.poll(time_point(10s));
        REQUIRE(again);
        CHECK(std::holds_alternative<catalogue_request>(*again));
    }
}

TEST_CASE("active is who was heard within three heartbeats", "[REQ-SRV-2]") {
    server_world world;
    auto& quiet = world.join("10.0.0.5", 1);
    auto& loud = world.join("10.0.0.6", 2);
    for (int minute = 0; minute < 4; ++minute) {
        const auto reply = world.asked<heartbeat_reply>(loud, heartbeat{});
        CHECK(reply.known);
        world.run_for(60s);
    }
    CHECK(world.server().statistics().clients_registered == 2);
    CHECK(world.server().statistics().clients_active == 1);
    CHECK(world.asked<heartbeat_reply>(quiet, heartbeat{}).known);
    CHECK(world.server().statistics().clients_active == 2);
}

TEST_CASE("heartbeats change memory, last seen is written in batches", "[REQ-SRV-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    world.run_for(120s);
    const auto before = world.commits;
    for (int beat = 0; beat < 20; ++beat) {
        world.set_wall(1'800'001'000 + beat);
        (void)world.asked<heartbeat_reply>(client, heartbeat{});
    }
    CHECK(world.commits == before);
    world.run_for(61s);
    CHECK(world.commits == before + 1);
    CHECK(world.durable.clients[0].last_seen.seconds == 1'800'001'019);
}

TEST_CASE("a client that the server does not know, or that moved, is told to register", "[REQ-OFF-1]") {
    server_world world;
    auto& enrolled = *world.enrol("10.0.0.5", 1).value();
    CHECK_FALSE(world.asked<heartbeat_reply>(enrolled, heartbeat{}).known);
    CHECK(world.asked<error_reply>(enrolled, topology_request{}).code == errc::not_authorised);

    (void)world.join("10.0.0.6", 2);
    auto& moved = *world.enrol("10.0.7.6", 2).value();  // the same device in another office
    CHECK_FALSE(world.asked<heartbeat_reply>(moved, heartbeat{}).known);
    CHECK(world.asked<register_reply>(moved, about(moved)).office.empty());  // its subnet becomes an office a moment later
    world.run_for(5s);
    CHECK(world.asked<register_reply>(moved, about(moved)).office == "10.0.7.0/24");
    CHECK(world.durable.clients.size() == 1);
}

TEST_CASE("the address that counts is the one it answers at", "[REQ-NET-1][REQ-OFF-1]") {
    server_world world;
    auto& client = *world.enrol("10.0.9.5", 1).value();
    auto claim = about(client);
    claim.address = address("10.0.0.77");  // would put it into the central office
    CHECK(world.asked<register_reply>(client, claim).office.empty());
    CHECK(world.durable.clients[0].address == address("10.0.9.5"));
    claim.address = address("2001:db8::5");
    claim.prefix_bits = 64;
    CHECK(world.asked<error_reply>(client, claim).code == errc::invalid_argument);
}

TEST_CASE("unregistering frees the licence and forgets what was held", "[REQ-INS-3][REQ-CLI-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<activate_reply>(activate_request{"KEY-1", 5});
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    (void)world.asked<holdings_reply>(client, holdings_report{{{content("a").key(), holding_state::complete, false}}, true});
    CHECK(world.administer<licences_reply>(licences_request{}).used == 1);
    (void)world.asked<accepted>(client, unregister{});
    CHECK(world.administer<licences_reply>(licences_request{}).used == 0);
    CHECK(world.durable.clients.empty());
    CHECK(world.durable.holdings.empty());
    CHECK(world.administer<holders_reply>(holders_request{content("a").id}).rows.empty());
}

TEST_CASE("a restarted server knows its clients, and they stay active", "[REQ-SRV-6][REQ-SRV-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    const auto versions = world.asked<heartbeat_reply>(client, heartbeat{}).versions;
    world.restart_server();
    CHECK(world.server().statistics().clients_active == 1);
    const auto asked_at = world.now();
    const auto reply = world.asked<heartbeat_reply>(client, heartbeat{});
    CHECK(world.now() - asked_at < 1s);  // it says at once that the session is gone
    CHECK(reply.known);
    CHECK(reply.versions == versions);
}

TEST_CASE("a revoked client is refused", "[REQ-SEC-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    world.durable.clients[0].revoked = revocation_record{world.wall(), 1, "stolen"};
    world.restart_server();
    CHECK(world.asked<error_reply>(client, heartbeat{}).code == errc::revoked);
    CHECK(world.asked<error_reply>(client, about(client)).code == errc::revoked);
    CHECK(world.asked<error_reply>(client, unregister{}).code == errc::revoked);
    const auto again = world.enrol("10.0.0.6", 1);
    REQUIRE_FALSE(again);
    CHECK_THAT(again.error().message, Contains("revoked"));
    CHECK(world.server().statistics().clients_active == 0);
}

TEST_CASE("certificates are renewed before they expire and sessions go on", "[REQ-SEC-1]") {
    auto config = server_world::default_config();
    config.certificate_lifetime = std::chrono::hours(2);
    server_world world(config);
    auto& client = world.join("10.0.0.5", 1);
    world.set_wall(1'800'000'000 + 3'700);
    world.run_for(1s);
    CHECK(world.asked<heartbeat_reply>(client, heartbeat{}).known);
    world.set_wall(1'800'000'000 + 7'100);
    auto& late = world.join("10.0.0.6", 2);  // is shown a certificate of the server that is still good
    CHECK(world.asked<heartbeat_reply>(late, heartbeat{}).known);
}

TEST_CASE("the server answers on the ports of its plan", "[REQ-MSG-4]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<activate_reply>(activate_request{"KEY-1", 5});
    world.run_for(10s);
    CHECK(client.pushed.size() == 1);
    CHECK(world.server_ports_used == std::set<std::uint16_t>{34322, 34323});
}
