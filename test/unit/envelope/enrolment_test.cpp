#include "p2pdist/envelope/enrolment.hpp"
#include "envelope_world.hpp"

using namespace test_envelope;

namespace {

const endpoint server_at = at(200, 34323);
const endpoint client_at = at(1, 34324);

struct enrolment_world {
    explicit enrolment_world(std::uint8_t client_key = 0x42, enrolment_server_config config = {key_of_byte(0x42), {}, 4},
                             version_range versions = {})
        : identity(identity_from_secret(crypto(), key_of_byte(1))),
          client(crypto(), client_random, identity,
                 {key_of_byte(client_key), {34324, server_at}, to_bytes(as_bytes("a laptop")), versions}),
          server(crypto(), server_random, config) {
        client.start(start);
    }

    static enrolment_grant grant_for(const public_key& key) {
        const auto server_key = identity_from_secret(crypto(), key_of_byte(200)).key;
        return {credentials_for(key), credentials_for(server_key, role::server).own, to_bytes(as_bytes("ports and licence"))};
    }

    bytes from_client() {
        auto out = client.poll();
        REQUIRE(out);
        CHECK(out->to == server_at);
        return std::move(out->header);
    }
    void to_server(byte_span data, const endpoint& from = client_at, time_point now = start) {
        server.on_datagram(now, {server_at, from, now, 0, data});
    }
    void to_client(byte_span data, wall_time wall_now = wall) {
        client.on_datagram(start, wall_now, {client_at, server_at, start, 0, data});
    }
    std::optional<bytes> from_server() {
        while (auto out = server.poll()) {
            if (auto* datagram = std::get_if<send_datagram>(&*out)) return std::move(datagram->header);
            requests.push_back(std::get<enrolment_request>(std::move(*out)));
        }
        return std::nullopt;
    }
    bytes reply() {
        auto data = from_server();
        REQUIRE(data);
        return std::move(*data);
    }
    /// Hello, answer, request.
    bytes ask() {
        to_server(from_client());
        to_client(reply());
        auto request = from_client();
        to_server(request);
        CHECK_FALSE(from_server());
        REQUIRE(requests.size() == 1);
        return request;
    }

    seeded_entropy client_random{31}, server_random{32};
    node_identity identity;
    enrolment_client client;
    enrolment_server server;
    std::vector<enrolment_request> requests;
};

}  // namespace

TEST_CASE("a device with the enrolment key becomes a member", "[enrolment][REQ-SEC-1]") {
    enrolment_world world;
    world.ask();
    const auto& request = world.requests[0];
    CHECK(request.key == world.identity.key);
    CHECK(request.id == world.identity.id);
    CHECK(request.way == path{34323, client_at});
    CHECK(request.client_info == to_bytes(as_bytes("a laptop")));
    const auto what = enrolment_world::grant_for(request.key);
    REQUIRE(world.server.grant(start, request.handle, what));
    CHECK_FALSE(world.server.grant(start, request.handle, what));
    CHECK_FALSE(world.server.refuse(start, request.handle, "too late"));
    world.to_client(world.reply());
    REQUIRE(world.client.outcome());
    REQUIRE(world.client.outcome()->has_value());
    CHECK(**world.client.outcome() == what);
    CHECK(world.client.deadline() == never);
    CHECK(world.server.counters().granted == 1);
}

TEST_CASE("nothing secret is readable on the wire of an enrolment", "[enrolment][REQ-SEC-1][REQ-CON-3]") {
    enrolment_world world;
    const auto request = world.ask();
    const auto what = enrolment_world::grant_for(world.requests[0].key);
    REQUIRE(world.server.grant(start, world.requests[0].handle, what));
    const auto grant = world.reply();
    const auto contains = [](const bytes& where, byte_span part) {
        return std::search(where.begin(), where.end(), part.begin(), part.end()) != where.end();
    };
    CHECK_FALSE(contains(grant, what.held.group_key));
    CHECK_FALSE(contains(grant, what.opaque));
    CHECK_FALSE(contains(request, as_bytes("laptop")));
}

TEST_CASE("lost and repeated datagrams of an enrolment are made good", "[enrolment][REQ-MSG-1]") {
    enrolment_world world;
    const auto hello = world.from_client();
    world.to_server(hello);
    const auto answer = world.reply();
    world.client.on_timer(world.client.deadline());
    CHECK(world.from_client() == hello);
    world.to_server(hello);
    CHECK(world.reply() == answer);
    world.to_client(answer);
    const auto request = world.from_client();
    world.to_client(answer);
    CHECK_FALSE(world.client.poll());
    world.to_server(request);
    world.to_server(request);
    CHECK_FALSE(world.from_server());
    REQUIRE(world.requests.size() == 1);
    REQUIRE(world.server.grant(start, world.requests[0].handle, enrolment_world::grant_for(world.identity.key)));
    const auto grant = world.reply();
    world.to_server(request);
    CHECK(world.reply() == grant);
    world.to_server(request, at(66));  // a recording, sent in another's name
    CHECK_FALSE(world.from_server());
    CHECK(world.server.counters().duplicates == 3);
    world.to_client(grant);
    CHECK(world.client.outcome());
    world.server.on_timer(world.server.deadline());
    CHECK(world.server.pending() == 0);
    world.to_server(request);
    CHECK_FALSE(world.from_server());
}

TEST_CASE("every truncation and every flipped bit of an enrolment changes nothing", "[enrolment][REQ-SEC-1]") {
    enrolment_world world;
    const auto hints_at_most = [](enrolment_world& where, const bytes& altered) {
        where.to_server(altered);
        while (auto data = where.from_server()) {
            const bool hint = type_of(*data) == frame_type::version_refused || data->size() == 20;
            REQUIRE(hint);
            REQUIRE(data->size() <= altered.size());
        }
    };
    const auto quiet_server = [&](const bytes& altered) { hints_at_most(world, altered); };
    const auto quiet_client = [&](const bytes& altered) {
        world.to_client(altered);
        REQUIRE_FALSE(world.client.poll());
        REQUIRE_FALSE(world.client.outcome());
    };
    const auto hello = world.from_client();
    each_mutation(hello, quiet_server);
    CHECK(world.server.pending() == 0);
    world.to_server(hello);
    const auto answer = world.reply();
    each_mutation(answer, quiet_client);
    world.to_client(answer);
    const auto request = world.from_client();
    each_mutation(request, [&](const bytes& altered) {
        enrolment_world fresh;  // the same seeds, thus the same exchange: one takes few wrong requests
        fresh.to_server(fresh.from_client());
        (void)fresh.reply();
        hints_at_most(fresh, altered);
        REQUIRE(fresh.requests.empty());
    });
    world.to_server(request);
    CHECK_FALSE(world.from_server());
    REQUIRE(world.requests.size() == 1);
    REQUIRE(world.server.grant(start, world.requests[0].handle, enrolment_world::grant_for(world.identity.key)));
    const auto grant = world.reply();
    each_mutation(request, quiet_server);
    each_mutation(grant, quiet_client);
    world.to_client(grant);
    CHECK(world.client.outcome());
}

TEST_CASE("a device with another key is told so and gets nothing", "[enrolment][REQ-SEC-1]") {
    enrolment_world world(0x43);
    auto now = start;
    while (!world.client.outcome()) {
        const auto hello = world.from_client();
        world.to_server(hello);
        const auto hint = world.reply();
        CHECK(hint.size() < hello.size());
        world.to_client(hint);
        now = world.client.deadline();
        world.client.on_timer(now);
    }
    CHECK(world.client.outcome()->error().code == errc::not_authorised);
    CHECK(world.server.counters().wrong_key == static_cast<std::uint64_t>(limits::enrolment_attempts_max));
    CHECK(world.server.pending() == 0);
}

TEST_CASE("a forged hint about the key or the version does not stop an enrolment", "[enrolment][REQ-SEC-2]") {
    enrolment_world world;
    const auto hello = world.from_client();
    bytes hint{0x49, 1, 0, 0};
    hint.insert(hint.end(), hello.begin() + 32, hello.begin() + 48);
    world.to_client(hint);
    bytes refused{0x45, 1, 9, 9};
    refused.insert(refused.end(), hello.begin() + 32, hello.begin() + 48);
    world.to_client(refused);
    CHECK_FALSE(world.client.outcome());
    world.to_server(hello);
    world.to_client(world.reply());
    CHECK(type_of(world.from_client()) == frame_type::enrol_request);
}

TEST_CASE("no server: timed out; an old server: which side to update", "[enrolment][REQ-MSG-6]") {
    enrolment_server_config config{key_of_byte(0x42), {2, 3}, 4};
    enrolment_world world(0x42, config);
    bool answered = false;
    SECTION("nobody answers") {}
    SECTION("another version") { answered = true; }
    while (!world.client.outcome()) {
        if (const auto out = world.client.poll(); out && answered) {
            world.to_server(out->header);
            world.to_client(world.reply());
        }
        world.client.on_timer(world.client.deadline());
    }
    const auto failure = world.client.outcome()->error();
    CHECK(failure.code == (answered ? errc::version_unsupported : errc::timed_out));
    if (answered) CHECK(failure.message.find("update this client") != std::string::npos);
    world.client.start(start);  // anew
    CHECK_FALSE(world.client.outcome());
    CHECK(world.client.poll());
}

TEST_CASE("a refusal carries the server's text", "[enrolment][REQ-SEC-2]") {
    enrolment_world world;
    world.ask();
    std::string reason(limits::enrolment_reason_bytes_max - 1, 'x');
    reason += "\xc3\xa9 and more";  // the limit falls inside a character
    REQUIRE(world.server.refuse(start, world.requests[0].handle, reason));
    world.to_client(world.reply());
    REQUIRE(world.client.outcome());
    CHECK(world.client.outcome()->error() == error{errc::refused, reason.substr(0, limits::enrolment_reason_bytes_max - 1)});
}

TEST_CASE("a grant that contradicts itself is not taken", "[enrolment][REQ-SEC-1]") {
    enrolment_world world;
    world.ask();
    auto what = enrolment_world::grant_for(world.identity.key);
    auto now = wall;
    SECTION("another's certificate") { what.held.own = credentials_for(key_of_byte(9)).own; }
    SECTION("a server that is a client") { what.server = credentials_for(what.server.key).own; }
    SECTION("another signer") { what.server = credentials_for(what.server.key, role::server, 7, good_until, 0x12).own; }
    SECTION("another epoch") { what.held.key_epoch = 9; }
    SECTION("a clock far ahead") { now.seconds = good_until.seconds + 1; }
    REQUIRE(world.server.grant(start, world.requests[0].handle, what));
    world.to_client(world.reply(), now);
    REQUIRE(world.client.outcome());
    CHECK(world.client.outcome()->error().code == errc::malformed);
}

TEST_CASE("a full table gives up exchanges that only said hello", "[enrolment][REQ-SEC-1]") {
    enrolment_world world;
    const auto request = world.ask();
    for (std::uint64_t i = 0; i < 6; ++i) {
        seeded_entropy random(100 + i);
        enrolment_client other(crypto(), random, world.identity, {key_of_byte(0x42), {34324, server_at}, {}, {}});
        other.start(start);
        world.to_server(other.poll()->header, at(static_cast<std::uint8_t>(10 + i)));
        CHECK(type_of(world.reply()) == frame_type::enrol_answer);
    }
    CHECK(world.server.pending() == 4);
    CHECK(world.server.counters().displaced == 3);
    CHECK(world.server.grant(start, world.requests[0].handle, enrolment_world::grant_for(world.identity.key)));
    CHECK_FALSE(world.server.grant(start, 999, enrolment_world::grant_for(world.identity.key)));
}

TEST_CASE("a grant that comes too late, is too large, or after a new key is not sent", "[enrolment][REQ-SEC-1]") {
    enrolment_world world;
    world.ask();
    auto what = enrolment_world::grant_for(world.identity.key);
    const auto handle = world.requests[0].handle;
    SECTION("late") { CHECK_FALSE(world.server.grant(start + limits::enrolment_time, handle, what)); }
    SECTION("large") {
        what.opaque.resize(limits::enrolment_opaque_bytes_max + 1);
        CHECK_FALSE(world.server.grant(start, handle, what));
        what.opaque.pop_back();
        CHECK(world.server.grant(start, handle, what));
        CHECK(world.reply().size() <= limits::datagram_bytes_max);
    }
    SECTION("new key") {
        world.server.set_enrolment_key(key_of_byte(0x50));
        CHECK_FALSE(world.server.grant(start, handle, what));
    }
}

namespace {

/// A request that fits an open exchange to look at, of somebody who does not have the enrolment key.
bytes request_without_key(byte_span hello, std::uint32_t number) {
    bytes out{0x4a, 1, 1, 0};
    out.insert(out.end(), hello.begin() + 32, hello.begin() + 48);
    const auto key = identity_from_secret(crypto(), key_of_byte(9)).key;
    out.insert(out.end(), key.begin(), key.end());
    out.resize(52 + 28, 0x5a);
    byte_writer(out).u32(number);
    return out;
}

}  // namespace

TEST_CASE("a recorded hello, replayed a day later, makes the server agree on eight keys and not on twenty thousand",
          "[enrolment][hostile][REQ-SEC-1]") {
    enrolment_world world;
    const auto recorded = world.from_client();
    const auto later = start + 24h;
    world.to_server(recorded, at(66), later);
    REQUIRE(world.from_server());
    REQUIRE(world.server.pending() == 1);
    for (std::uint32_t i = 0; i < 20'000; ++i) world.to_server(request_without_key(recorded, i), at(66), later + i * 1us);
    CHECK(world.server.counters().bad_request == limits::enrolment_wrong_requests_max);
    CHECK(world.server.counters().given_up == 1);
    CHECK(world.server.counters().unknown == 20'000 - limits::enrolment_wrong_requests_max);
    CHECK(world.server.pending() == 0);
    CHECK(world.requests.empty());
}

TEST_CASE("replays of many recorded hellos have one source's budget, and keep no other device out", "[enrolment][hostile][REQ-SEC-1]") {
    enrolment_server_config config;
    config.enrolment_key = key_of_byte(0x42);
    enrolment_world world(0x42, config);
    std::vector<bytes> recorded;
    for (std::uint64_t i = 0; i < 150; ++i) {
        seeded_entropy random(100 + i);
        enrolment_client device(crypto(), random, world.identity, {key_of_byte(0x42), {34324, server_at}, {}, {}});
        device.start(start);
        recorded.push_back(device.poll()->header);
    }
    for (std::uint32_t round = 0; round < 20; ++round) {
        for (const auto& hello : recorded) {
            world.to_server(hello, at(66));
            world.to_server(request_without_key(hello, round), at(66));
        }
        while (world.from_server()) {}
    }
    CHECK(world.server.counters().bad_request == limits::handshake_checks_per_address);
    world.ask();
    CHECK(world.requests.size() == 1);
}

TEST_CASE("an exchange hears only the address that its answer went to", "[enrolment][hostile][REQ-SEC-1]") {
    enrolment_world world;
    const auto hello = world.from_client();
    world.to_server(hello);
    world.to_client(world.reply());
    for (std::uint32_t i = 0; i < 100; ++i) world.to_server(request_without_key(hello, i), at(66));
    CHECK(world.server.counters().unknown == 100);
    CHECK(world.server.counters().bad_request == 0);
    world.to_server(world.from_client());
    CHECK_FALSE(world.from_server());
    CHECK(world.requests.size() == 1);
}
