// Floods of valid-looking openings, in virtual time: what one source sends costs the others nothing.

#include <map>

#include "envelope_world.hpp"
#include "p2pdist/envelope/enrolment.hpp"

using namespace test_envelope;

namespace {

constexpr int flood_per_ms = 100;

/// Hellos of somebody whose certificate nobody signed, each of another key: all that an outsider can make who knows the recipient.
class flooder {
public:
    explicit flooder(const node& victim) : node_(99) {
        node_.know(victim);
        REQUIRE(node_.say(start, victim, "let me in") == send_status::kept);
        hello_ = next(node_);
    }
    const bytes& another() {
        for (std::size_t i = 0; i < 8; ++i) hello_[60 + i] = static_cast<std::uint8_t>(random_() >> 32);  // in the certificate's key
        return hello_;
    }
    std::uint32_t number() { return static_cast<std::uint32_t>(random_()); }

private:
    node node_;
    bytes hello_;
    random_source random_{5};
};

endpoint from(std::uint32_t address) { return {ip_address::v4(address), 34324}; }

constexpr std::size_t greeting_bytes = 228;

}  // namespace

TEST_CASE("a flood of hellos from one network keeps no stranger elsewhere out", "[flood][REQ-SEC-1]") {
    node server(2, role::server);
    flooder attacker(server);
    std::uint64_t in = 0, out = 0;
    int strangers = 0;
    for (int ms = 0; ms < 1000; ++ms) {
        const auto now = start + ms * 1ms;
        for (int i = 0; i < flood_per_ms; ++i) {
            const auto& hello = attacker.another();
            in += hello.size();
            (void)server.take(now, hello, from(0xc6336400u + attacker.number() % 256));
        }
        server.drain();
        for (const auto& sent : server.sent) out += sent.size();
        server.sent.clear();
        if (ms % 20 != 0) continue;
        // Somebody of another office each time, who says it once.
        node honest(static_cast<std::uint8_t>(10 + ms / 20));
        honest.know(server);
        REQUIRE(honest.say(now, server, "hi") == send_status::kept);
        (void)server.take(now, next(honest), from(0x0a000001u + static_cast<std::uint32_t>(ms) * 256));
        (void)honest.take(now, next(server), at(2));
        (void)server.take(now, next(honest), from(0x0a000001u + static_cast<std::uint32_t>(ms) * 256));
        ++strangers;
        REQUIRE(server.heard.size() == static_cast<std::size_t>(strangers));
    }
    CHECK(strangers == 50);
    CHECK(out <= in);
    CHECK(server.env.peer_count() == 50);
    CHECK(server.env.counters().bad_tag < 2 * limits::handshake_checks_per_network);
    CHECK(server.env.counters().rate_limited + server.env.counters().cookies > 98'000);
    CHECK(server.env.counters().cookies <= 2 * limits::session_replies_per_network);
}

TEST_CASE("hellos from everywhere disturb neither sessions nor peers whose key is known", "[flood][REQ-SEC-1]") {
    node server(2, role::server), friendly(3), listed(4);
    befriend(friendly, server);
    listed.know(server);
    server.know(listed);  // of a roster; they never spoke
    flooder attacker(server);
    for (int ms = 0; ms < 500; ++ms) {
        const auto now = start + ms * 1ms;
        for (int i = 0; i < flood_per_ms; ++i) (void)server.take(now, attacker.another(), from(attacker.number()));
        server.drain();
        for (const auto& sent : server.sent) REQUIRE(type_of(sent.header) == frame_type::session_cookie);
        server.sent.clear();
        if (ms % 50 != 0) continue;
        REQUIRE(friendly.say(now, server, "still here") == send_status::sealed);
        REQUIRE(server.take(now, next(friendly), at(3)));
        if (ms == 250) {
            REQUIRE(listed.say(now, server, "hello") == send_status::kept);
            (void)server.take(now, next(listed), at(4));
            (void)listed.take(now, next(server), at(2));
            REQUIRE(server.take(now, next(listed), at(4)));
        }
        if (ms == 400) {  // a restart of a peer that was known
            friendly.restart(77);
            friendly.know(server);
            REQUIRE(friendly.say(now, server, "again") == send_status::kept);
            (void)server.take(now, next(friendly), at(3));
            (void)friendly.take(now, next(server), at(2));
            REQUIRE(server.take(now, next(friendly), at(3)));
        }
    }
    CHECK(server.env.counters().bad_tag <= 3 * limits::handshake_checks_per_second / 2);
    CHECK(server.env.peer_count() == 2);
}

TEST_CASE("a stranger gets its session amid hellos with forged addresses from ten thousand networks", "[flood][REQ-SEC-1]") {
    node server(2, role::server);
    flooder attacker(server);
    std::uint64_t in = 0, out = 0;
    std::size_t strangers = 0;
    const auto flood = [&](time_point now) {
        for (int i = 0; i < flood_per_ms; ++i) {
            const auto& hello = attacker.another();
            in += hello.size();
            (void)server.take(now, hello, from(0x50000000u + attacker.number() % 10'000 * 256 + attacker.number() % 256));
        }
        server.drain();
        for (const auto& sent : server.sent) out += sent.size();
        server.sent.clear();
    };
    for (int ms = 0; ms < 2000; ++ms) {
        const auto now = start + ms * 1ms;
        flood(now);
        if (ms < 1000 || ms % 20 != 0) continue;
        node honest(static_cast<std::uint8_t>(100 + ms / 20));
        const auto whence = from(0x0a000001u + static_cast<std::uint32_t>(ms) * 256);
        honest.know(server);
        REQUIRE(honest.say(now, server, "hi") == send_status::kept);
        (void)server.take(now, next(honest), whence);  // once, as the flood goes on
        const auto cookie = next(server);
        REQUIRE(type_of(cookie) == frame_type::session_cookie);
        flood(now);
        const path way{34325, at(server.host)};
        (void)honest.env.on_datagram(now, wall, {{whence.address, way.local_port}, way.remote, now, 0, cookie});
        (void)server.take(now, next(honest), whence);
        const auto welcome = next(server);
        REQUIRE(type_of(welcome) == frame_type::session_welcome);
        (void)honest.take(now, welcome, at(2));
        (void)server.take(now, next(honest), whence);
        REQUIRE(server.heard.size() == ++strangers);
    }
    CHECK(strangers == 50);
    CHECK(out <= in);
    CHECK(server.env.peer_count() == strangers);  // nothing is remembered of those who were only asked for a cookie
    CHECK(server.env.counters().bad_certificate + server.env.counters().bad_tag <= 3 * limits::session_hellos_per_second);
}

TEST_CASE("a hello with its cookie, said again and again beside a stranger, keeps him not out", "[flood][REQ-SEC-1]") {
    node server(2, role::server);
    const bool v6 = GENERATE(false, true);
    const auto neighbour = [&](std::uint32_t number) {
        std::array<std::uint8_t, 16> link{0x20, 0x01, 0x0d, 0xb8};
        link[15] = static_cast<std::uint8_t>(number);
        return endpoint{v6 ? ip_address::v6(link) : ip_address::v4(0xc6336400u + number), 34324};
    };
    const auto heed = [&](node& whose, const bytes& cookie) {
        REQUIRE(type_of(cookie) == frame_type::session_cookie);
        (void)whose.env.on_datagram(start, wall, {{at(whose.host).address, 34325}, at(server.host), start, 0, cookie});
        return next(whose);
    };
    const auto use_up_plain = [&] {
        flooder many(server);
        for (std::uint32_t i = 0; i < 1000; ++i) (void)server.take(start, many.another(), neighbour(100 + i % 100));
        server.drain();
        server.sent.clear();
    };
    use_up_plain();
    std::vector<std::pair<bytes, endpoint>> repeated;  // of three hosts of the stranger's own network, or one of its link
    for (std::uint32_t i = 0; i < (v6 ? 1u : 3u); ++i) {
        node liar(static_cast<std::uint8_t>(60 + i));
        liar.env.set_credentials(credentials_for(liar.identity.key, role::client, 7, good_until, 0x12));  // nobody's signature
        liar.know(server);
        REQUIRE(liar.say(start, server, "let me in") == send_status::kept);
        (void)server.take(start, next(liar), neighbour(60 + i));
        repeated.emplace_back(heed(liar, next(server)), neighbour(60 + i));
    }
    for (int i = 0; i < 1000; ++i) {
        for (const auto& [hello, from] : repeated) (void)server.take(start, hello, from);
    }
    CHECK(server.env.counters().rate_limited > 900);
    node honest(3);
    honest.know(server);
    REQUIRE(honest.say(start, server, "hi") == send_status::kept);
    (void)server.take(start, next(honest), neighbour(3));
    (void)server.take(start, heed(honest, next(server)), neighbour(3));
    CHECK(type_of(next(server)) == frame_type::session_welcome);
}

TEST_CASE("a known peer hears that its session is lost amid frames in others' names", "[flood][REQ-SEC-1]") {
    envelope_config future;
    future.versions = {8, 9};
    node server(2, role::server), friendly(3), modern(5, role::client, 7, future);
    befriend(friendly, server);
    modern.know(server);
    REQUIRE(modern.say(start, server, "hi") == send_status::kept);
    const auto hello = next(modern);
    server.restart(77, role::server);
    server.know(friendly);
    std::vector<bytes> named;  // frames under no session, in the names of a few other known peers
    for (std::uint8_t i = 20; i < 40; ++i) {
        const auto id = identity_from_secret(crypto(), key_of_byte(i));
        REQUIRE(server.env.add_peer(id.id, id.key));
        bytes frame;
        encode(sealed_header{frame_type::message, 1, 7, id.id, 0x1234'5678'0000'0000u + i}, frame);
        frame.resize(sealed_overhead_bytes);
        named.push_back(frame);
    }
    random_source number(9);
    for (int i = 0; i < 50'000; ++i) {
        const auto& data = i % 2 == 0 ? hello : named[number.below(named.size())];
        (void)server.take(start, data, from(static_cast<std::uint32_t>(number())));
    }
    server.drain();
    server.sent.clear();
    REQUIRE(friendly.say(start, server, "lost") == send_status::sealed);
    settle(start, friendly, server);
    CHECK(friendly.count<session_ready>() == 1);
    REQUIRE(friendly.say(start, server, "again") == send_status::sealed);
    settle(start, friendly, server);
    CHECK(server.heard == std::vector<std::string>{"again"});
}

TEST_CASE("hellos in the name of a known peer cost one agreement and keep it not out", "[flood][REQ-SEC-1]") {
    node server(2, role::server), listed(4);
    listed.know(server);
    server.know(listed);
    REQUIRE(listed.say(start, server, "hi") == send_status::kept);
    const auto genuine = next(listed);
    auto forged = genuine;
    for (std::size_t i = 0; i < 20'000; ++i) {
        forged[32 + i % 16] = static_cast<std::uint8_t>(i);
        forged[40] = static_cast<std::uint8_t>(genuine[40] ^ 1);
        (void)server.take(start, forged, at(4));
    }
    CHECK(server.env.counters().bad_tag == 20'000);
    CHECK(server.env.counters().rate_limited == 0);
    (void)server.take(start, genuine, at(4));
    CHECK(next(server).size() == greeting_bytes);
}

TEST_CASE("a known peer has few new certificates checked at once", "[flood][REQ-SEC-1]") {
    node server(2, role::server), liar(4);
    server.know(liar);
    const bool with_cookies = GENERATE(false, true);
    for (int i = 0; i < 50; ++i) {
        liar.restart(100 + static_cast<std::uint64_t>(i));
        auto papers = credentials_for(liar.identity.key, role::client, 7, {good_until.seconds + i}, 0x12);  // nobody's signature
        liar.env.set_credentials(papers);
        liar.know(server);
        REQUIRE(liar.say(start, server, "look") == send_status::kept);
        (void)server.take(start, next(liar), at(4));
        if (with_cookies) settle(start, liar, server);
    }
    constexpr auto most = limits::certificate_checks_of_peer_max;
    CHECK(server.env.counters().cookies == 50 - most);
    CHECK(server.env.counters().bad_certificate == (with_cookies ? 2 * most : most));
    CHECK(server.env.counters().rate_limited == (with_cookies ? 50 - 2 * most : 0));
}

TEST_CASE("answers to those without a session are few for each source", "[flood][REQ-SEC-1]") {
    envelope_config future;
    future.versions = {8, 9};
    node server(2, role::server), modern(3, role::client, 7, future);
    modern.know(server);
    REQUIRE(modern.say(start, server, "hi") == send_status::kept);
    const auto hello = next(modern);
    for (int i = 0; i < 10'000; ++i) (void)server.take(start, hello, from(0xc6336401u));
    for (int i = 0; i < 10'000; ++i) (void)server.take(start, hello, from(0xc6336400u + static_cast<std::uint32_t>(i % 256)));
    server.drain();
    CHECK(server.sent.size() == limits::handshake_answers_per_network);
    (void)server.take(start, hello, at(3));
    server.drain();
    CHECK(server.sent.size() == limits::handshake_answers_per_network + 1);  // others still hear why not
}

namespace {

/// A server of enrolments whose grants take no time, as the real one's.
struct enrolling_server {
    explicit enrolling_server(std::size_t pending_max = limits::enrolment_pending_max)
        : random(32), server(crypto(), random, config(pending_max)) {}
    static enrolment_server_config config(std::size_t pending_max) {
        enrolment_server_config out;
        out.pending_max = pending_max;
        out.enrolment_key = key_of_byte(0x42);
        return out;
    }
    void take(time_point now, byte_span data, const endpoint& whence) {
        server.on_datagram(now, {at(200, 34323), whence, now, 0, data});
        while (auto out = server.poll()) {
            if (auto* datagram = std::get_if<send_datagram>(&*out)) {
                sent.push_back(std::move(*datagram));
            } else {
                const auto& request = std::get<enrolment_request>(*out);
                const auto server_key = identity_from_secret(crypto(), key_of_byte(200)).key;
                const auto own = credentials_for(server_key, role::server).own;
                REQUIRE(server.grant(now, request.handle, {credentials_for(request.key), own, {}}));
            }
        }
    }
    seeded_entropy random;
    enrolment_server server;
    std::vector<send_datagram> sent;
};

struct joining_device {
    explicit joining_device(std::uint64_t number)
        : random(number), identity(make_identity(crypto(), random)),
          where(from(0x0a000001u + static_cast<std::uint32_t>(number) * 16)),
          exchange(crypto(), random, identity, {key_of_byte(0x42), {34324, at(200, 34323)}, to_bytes(as_bytes("a laptop")), {}}) {}
    seeded_entropy random;
    node_identity identity;
    endpoint where;
    enrolment_client exchange;
};

/// Devices that enrol with 50 ms each way, `per_ms` of them begin each millisecond; gives how many are members after `time`.
std::size_t enrol_all(enrolling_server& world, std::deque<joining_device>& devices, int per_ms, std::chrono::milliseconds time,
                      const std::function<void(time_point)>& meanwhile) {
    std::multimap<time_point, std::pair<std::size_t, bytes>> to_server, to_device;
    std::map<endpoint, std::size_t> by_place;
    std::size_t begun = 0;
    for (std::size_t i = 0; i < devices.size(); ++i) by_place[devices[i].where] = i;
    for (auto now = start; now <= start + time; now += 1ms) {
        meanwhile(now);
        for (int i = 0; i < per_ms && begun < devices.size(); ++i) devices[begun++].exchange.start(now);
        world.server.on_timer(now);
        for (std::size_t i = 0; i < begun; ++i) {
            auto& one = devices[i].exchange;
            if (one.outcome()) continue;
            if (one.deadline() <= now) one.on_timer(now);
            while (auto out = one.poll()) to_server.emplace(now + 50ms, std::pair(i, std::move(out->header)));
        }
        for (; !to_server.empty() && to_server.begin()->first <= now; to_server.erase(to_server.begin())) {
            const auto& [device, data] = to_server.begin()->second;
            world.take(now, data, devices[device].where);
        }
        for (auto& out : world.sent) {
            if (const auto found = by_place.find(out.to); found != by_place.end()) {
                to_device.emplace(now + 50ms, std::pair(found->second, std::move(out.header)));
            }
        }
        world.sent.clear();
        for (; !to_device.empty() && to_device.begin()->first <= now; to_device.erase(to_device.begin())) {
            const auto& [device, data] = to_device.begin()->second;
            devices[device].exchange.on_datagram(now, wall, {devices[device].where, at(200, 34323), now, 0, data});
        }
    }
    return static_cast<std::size_t>(std::ranges::count_if(
        devices, [](const auto& one) { return one.exchange.outcome() && one.exchange.outcome()->has_value(); }));
}

}  // namespace

TEST_CASE("somebody with the enrolment key who opens exchanges without end keeps no device out", "[flood][enrolment][REQ-SEC-1]") {
    enrolling_server world;
    std::deque<joining_device> devices;
    for (std::uint64_t i = 0; i < 20; ++i) devices.emplace_back(1000 + i);
    seeded_entropy random(6);
    random_source number(7);
    std::vector<bytes> hellos;
    for (int i = 0; i < 3000; ++i) {
        enrolment_client opener(crypto(), random, make_identity(crypto(), random), {key_of_byte(0x42), {34324, at(200, 34323)}, {}, {}});
        opener.start(start);
        hellos.push_back(opener.poll()->header);
    }
    bool spoofed = false;
    SECTION("from one network") {}
    SECTION("from everywhere") { spoofed = true; }
    const auto members = enrol_all(world, devices, 1, spoofed ? 6s : 1s, [&](time_point now) {
        for (int i = 0; i < (spoofed ? 3 : flood_per_ms); ++i) {
            const auto address = spoofed ? number() : 0xc6336400u + number() % 256;
            world.take(now, hellos[number() % hellos.size()], from(static_cast<std::uint32_t>(address)));
        }
        REQUIRE(world.server.pending() <= limits::enrolment_pending_max);
    });
    CHECK(members == devices.size());
}

TEST_CASE("a whole organisation renews its certificates at once", "[flood][enrolment][REQ-SEC-2]") {
    enrolling_server world(200);  // room for fewer than enrol within the time that a verdict is kept
    std::deque<joining_device> devices;
    for (std::uint64_t i = 0; i < 800; ++i) devices.emplace_back(1000 + i);
    const auto members = enrol_all(world, devices, 1, 3s, [](time_point) {});
    CHECK(members == devices.size());
    CHECK(world.server.counters().displaced > 0);
}
