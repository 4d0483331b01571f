// Frames: sealed, opened, bounded.

#include "envelope_world.hpp"

using namespace test_envelope;

TEST_CASE("a kept payload makes a session and then leaves under it", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    node a(1), b(2);
    CHECK(a.say(start, b, "x") == send_status::unknown_peer);
    a.know(b);  // b learns of a from a's certificate alone
    CHECK(a.say(start, b, "one") == send_status::kept);
    CHECK(a.say(start, b, "two", frame_type::flow_control) == send_status::kept);
    CHECK(a.say(start, b, "one") == send_status::kept);  // a repetition of the layer above is not kept twice
    const auto hello = next(a);
    CHECK(a.sent.empty());
    CHECK(type_of(hello) == frame_type::session_hello);
    CHECK_FALSE(b.take(start, hello, at(1)));
    const auto welcome = next(b);
    CHECK(type_of(welcome) == frame_type::session_welcome);
    CHECK(welcome.size() <= hello.size());
    CHECK_FALSE(b.env.has_session(a.identity.id));  // the hello could be a replay
    CHECK_FALSE(a.take(start, welcome, at(2)));
    REQUIRE(a.env.has_session(b.identity.id));

    const auto one = next(a);
    CHECK(one.size() == sealed_overhead_bytes + 3);
    const auto heard = b.take(start, one, at(1));
    REQUIRE(heard);
    CHECK(heard->from == a.identity.id);
    CHECK(heard->type == frame_type::message);
    CHECK(heard->way == path{34325, at(1)});
    CHECK(heard->sender_standing == standing::member);
    CHECK(heard->sender_role == role::client);
    CHECK(heard->session == a.env.current_session(b.identity.id));
    CHECK(b.env.current_session(a.identity.id) == heard->session);
    settle(start, a, b);
    CHECK(b.heard == texts{"one", "two"});
    CHECK(b.say(start, a, "back") == send_status::sealed);
    settle(start, a, b);
    CHECK(a.heard == texts{"back"});
    CHECK(a.count<session_ready>() == 1);
    CHECK(b.count<session_ready>() == 1);
    CHECK(b.env.counters().opened == 2);
}

TEST_CASE("frames arrive in any order and only once", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    std::vector<bytes> frames;
    for (int i = 0; i < 1100; ++i) {
        REQUIRE(a.say(start, b, std::to_string(i)) == send_status::sealed);
        frames.push_back(next(a));
    }
    // From the last to the first: those within the window are good, those below it are too old.
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) (void)b.take(start, *frame, at(1));
    CHECK(b.heard.size() == limits::replay_window_frames);
    CHECK(b.env.counters().replayed == frames.size() - limits::replay_window_frames);
    for (const auto& frame : frames) CHECK_FALSE(b.take(start, frame, at(1)));
    CHECK(b.heard.size() == limits::replay_window_frames);
    // A jump over the whole window forgets nothing that matters.
    for (int i = 0; i < 3000; ++i) {
        REQUIRE(a.say(start, b, "far") == send_status::sealed);
        frames.push_back(next(a));
    }
    CHECK(b.take(start, frames.back(), at(1)));
    CHECK_FALSE(b.take(start, frames.back(), at(1)));
    CHECK_FALSE(b.take(start, frames[1099], at(1)));
    CHECK(b.take(start, frames[frames.size() - 2], at(1)));
}

TEST_CASE("every truncation and every flipped bit of a sealed frame changes nothing", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(a.say(start, b, "payload") == send_status::sealed);
    const auto frame = next(a);
    const auto session = b.env.current_session(a.identity.id);
    each_mutation(frame, [&](const bytes& altered) {
        REQUIRE_FALSE(b.take(start, altered, at(1)));
        b.drain();
        for (const auto& answer : b.sent) {
            // The latter where the type byte became that of a hello.
            const auto type = type_of(answer.header);
            REQUIRE((type == frame_type::session_unknown || type == frame_type::version_refused));
            REQUIRE(answer.size() <= altered.size());
        }
        b.sent.clear();
    });
    CHECK(b.events.empty());
    CHECK(b.env.current_session(a.identity.id) == session);
    CHECK(b.env.counters().opened == 1);
    CHECK(b.take(start, frame, at(1)));
}

TEST_CASE("both sides derive the same flow key, and no other the same", "[envelope][REQ-SEC-3]") {
    node a(1), b(2);
    befriend(a, b);
    const auto session = a.env.current_session(b.identity.id);
    REQUIRE(session);
    const auto key = a.env.flow_key(b.identity.id, *session, 4711, a.identity.id);
    REQUIRE(key);
    CHECK(key == b.env.flow_key(a.identity.id, *session, 4711, a.identity.id));
    CHECK(key != b.env.flow_key(a.identity.id, *session, 4711, b.identity.id));
    CHECK(key != b.env.flow_key(a.identity.id, *session, 4712, a.identity.id));
    CHECK_FALSE(b.env.flow_key(a.identity.id, *session + 1, 4711, a.identity.id));
    CHECK_FALSE(b.env.flow_key(b.identity.id, *session, 4711, a.identity.id));
}

TEST_CASE("ensure_session announces a session in either case", "[envelope]") {
    node a(1), b(2);
    a.know(b);
    CHECK(a.env.ensure_session(start, b.identity.id, node::way_to(b)) == send_status::kept);
    CHECK(a.env.ensure_session(start, b.identity.id, node::way_to(b)) == send_status::kept);
    settle(start, a, b);
    CHECK(a.count<session_ready>() == 1);
    CHECK(a.env.ensure_session(start, b.identity.id, node::way_to(b)) == send_status::sealed);
    a.drain();
    REQUIRE(a.count<session_ready>() == 2);
    const auto& made = std::get<session_ready>(a.events.front());
    CHECK(made.peer_boot != 0);
    CHECK(std::get<session_ready>(a.events.back()) == made);
}

TEST_CASE("nobody gets more bytes than he sent before he is known", "[envelope][REQ-SEC-1]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(a.say(start, b, "") == send_status::sealed);
    const auto sealed = next(a);
    node fresh(3);
    fresh.know(b);
    REQUIRE(fresh.say(start, b, "hi") == send_status::kept);
    const auto hello = next(fresh);
    random_source random(99);
    for (int i = 0; i < 20'000; ++i) {
        auto data = random.below(2) == 0 ? sealed : hello;
        const auto changes = random.below(4);
        for (std::uint64_t c = 0; c < changes; ++c) data[random.below(data.size())] = static_cast<std::uint8_t>(random());
        if (random.below(3) == 0) data.resize(random.below(data.size() + 40));
        if (!data.empty() && random.below(3) == 0) data[0] = static_cast<std::uint8_t>(0x40 + random.below(0x14));
        const auto now = start + std::chrono::milliseconds(i);
        (void)b.take(now, data, at(9));
        b.drain();
        std::size_t answered = 0;
        for (const auto& out : b.sent) answered += out.size();
        REQUIRE(answered <= data.size());
        b.sent.clear();
    }
}

TEST_CASE("the peer table forgets the least recently used", "[envelope]") {
    envelope_config config;
    config.peers_max = 3;
    node a(1, role::client, 7, config), b(2), c(3), d(4), e(5);
    befriend(a, b);
    a.know(c);
    a.know(d);
    REQUIRE(a.say(start, b, "used") == send_status::sealed);
    REQUIRE(a.say(start, c, "waits") == send_status::kept);
    REQUIRE(a.say(start, d, "waits") == send_status::kept);
    REQUIRE(a.say(start, b, "used") == send_status::sealed);
    a.know(e);
    CHECK(a.env.peer_count() == 3);
    CHECK(a.env.has_session(b.identity.id));
    CHECK_FALSE(a.env.knows(c.identity.id));
    a.drain();
    CHECK(a.count<peer_unreachable>() == 1);
    a.env.forget_peer(b.identity.id);
    CHECK_FALSE(a.env.knows(b.identity.id));
    CHECK_FALSE(a.env.add_peer(b.identity.id, c.identity.key));
}

TEST_CASE("output that nobody polls is bounded", "[envelope]") {
    envelope_config config;
    config.output_max = 10;
    node a(1, role::client, 7, config), b(2);
    befriend(a, b);
    for (int i = 0; i < 15; ++i) CHECK(a.say(start, b, std::to_string(i)) == send_status::sealed);
    CHECK(a.env.counters().output_full == 5);
    a.drain();
    CHECK(a.sent.size() == 10);
}

TEST_CASE("strangers' hellos are checked only so many times a second", "[envelope][REQ-SEC-1]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    auto hello = next(a);
    hello.back() = static_cast<std::uint8_t>(hello.back() ^ 1);
    for (std::uint32_t i = 0; i < limits::handshake_checks_per_address + 10; ++i) (void)b.take(start, hello, at(1));
    CHECK(b.env.counters().bad_tag == limits::handshake_checks_per_address);
    CHECK(b.env.counters().cookies == 10);
}

TEST_CASE("only so many sessions are made at one time", "[envelope]") {
    envelope_config config;
    config.peers_max = limits::session_handshakes_max + 1;
    node a(1, role::client, 7, config);
    for (std::size_t i = 0; i <= limits::session_handshakes_max; ++i) {
        seeded_entropy random(10'000 + i);
        const auto peer = make_identity(crypto(), random);
        REQUIRE(a.env.add_peer(peer.id, peer.key));
        const auto expected = i < limits::session_handshakes_max ? send_status::kept : send_status::full;
        REQUIRE(a.env.ensure_session(start, peer.id, {34325, at(2)}) == expected);
    }
}

TEST_CASE("payloads above the maximum are refused, the maximum fits a datagram", "[envelope][REQ-MSG-1]") {
    node a(1), b(2);
    befriend(a, b);
    CHECK(a.say(start, b, std::string(envelope::payload_bytes_max, 'x')) == send_status::sealed);
    CHECK(next(a).size() == limits::datagram_bytes_max);
    CHECK(a.say(start, b, std::string(envelope::payload_bytes_max + 1, 'x')) == send_status::too_large);
}
