// How sessions are made, healed and defended.

#include <algorithm>

#include "envelope_world.hpp"

using namespace test_envelope;

TEST_CASE("every truncation and every flipped bit of hello and welcome changes nothing", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    const auto hello = next(a);
    auto now = start;
    each_mutation(hello, [&](const bytes& altered) {
        REQUIRE_FALSE(b.take(now += 10ms, altered, at(1)));
        b.drain();
        for (const auto& answer : b.sent) {
            REQUIRE(type_of(answer.header) == frame_type::version_refused);
            REQUIRE(answer.size() <= altered.size());
        }
        b.sent.clear();
        REQUIRE(b.env.peer_count() == 0);
    });
    CHECK(b.events.empty());
    const auto& dropped = b.env.counters();
    CHECK(dropped.malformed > 0);
    CHECK(dropped.bad_tag > 0);
    CHECK(dropped.not_for_us > 0);
    CHECK(dropped.version > 0);

    CHECK_FALSE(b.take(now, hello, at(1)));
    const auto welcome = next(b);
    each_mutation(welcome, [&](const bytes& altered) {
        REQUIRE_FALSE(a.take(start, altered, at(2)));
        a.drain();
        REQUIRE(a.sent.empty());
        REQUIRE(a.events.empty());
        REQUIRE_FALSE(a.env.has_session(b.identity.id));
    });
    CHECK_FALSE(a.take(start, welcome, at(2)));
    settle(start, a, b);
    CHECK(b.heard == texts{"hi"});
}

TEST_CASE("a replayed hello does not displace a live session", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    b.know(a);
    REQUIRE(a.say(start, b, "first") == send_status::kept);
    const auto hello = next(a);
    (void)b.take(start, hello, at(1));
    (void)a.take(start, next(b), at(2));
    const auto first = next(a);
    REQUIRE(b.take(start, first, at(1)));
    const auto live = b.env.current_session(a.identity.id);

    // The same hello again, of a live session: whoever needed a welcome has it.
    (void)b.take(start, hello, at(9));
    (void)b.take(start, hello, at(1));
    b.drain();
    CHECK(b.sent.empty());
    CHECK(b.env.counters().replayed == 2);
    CHECK(b.env.session_count(a.identity.id) == 1);

    // Many sessions later the recording makes a pending session, under which nothing of the recording is good.
    b.restart(77);
    (void)b.take(start, hello, at(9));
    CHECK_FALSE(b.take(start, first, at(9)));
    CHECK_FALSE(b.env.has_session(a.identity.id));
    CHECK(live.has_value());
    CHECK(b.heard.empty());
    b.drain();
    b.sent.clear();
    for (int i = 0; i < 20; ++i) {
        node impostor(1, role::client, 7, {}, 1000 + static_cast<std::uint64_t>(i));  // recordings of many processes of a
        impostor.know(b);
        (void)impostor.env.ensure_session(start, b.identity.id, node::way_to(b));
        (void)b.take(start, next(impostor), at(9));
    }
    CHECK(b.env.session_count(a.identity.id) == limits::sessions_pending_max);
}

TEST_CASE("a recorded session can't be played again to the same process", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "recorded") == send_status::kept);
    const auto hello = next(a);
    (void)b.take(start, hello, at(1));
    (void)a.take(start, next(b), at(2));
    const auto frame = next(a);
    REQUIRE(b.take(start, frame, at(1)));
    a.restart(101);  // b forgets the session of the former process
    a.know(b);
    REQUIRE(a.say(start, b, "new") == send_status::kept);
    settle(start, a, b);
    REQUIRE(b.heard == texts{"recorded", "new"});
    (void)b.take(start, hello, at(1));
    CHECK_FALSE(b.take(start, frame, at(1)));
    CHECK(b.heard.size() == 2);
    CHECK(b.env.current_session(a.identity.id) == a.env.current_session(b.identity.id));
}

TEST_CASE("a live session survives replayed hellos of older processes", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    std::vector<bytes> recorded;
    for (int i = 0; i < 10; ++i) {
        node earlier(1, role::client, 7, {}, 500 + static_cast<std::uint64_t>(i));
        earlier.know(b);
        (void)earlier.env.ensure_session(start, b.identity.id, node::way_to(b));
        recorded.push_back(next(earlier));
    }
    befriend(a, b);
    const auto live = b.env.current_session(a.identity.id);
    for (const auto& hello : recorded) (void)b.take(start, hello, at(9));
    CHECK(b.env.current_session(a.identity.id) == live);
    b.drain();
    b.sent.clear();
    CHECK(a.say(start, b, "still here") == send_status::sealed);
    settle(start, a, b);
    CHECK(b.heard == texts{"still here"});
    CHECK(b.events.empty());
}

TEST_CASE("the session heals when either side restarts", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);

    SECTION("the side that answered, which still knows the peer's key") {
        b.restart(102);
        b.know(a);
        REQUIRE(a.say(start, b, "lost") == send_status::sealed);
        settle(start, a, b);  // session_unknown, hello, welcome
        CHECK(b.heard.empty());  // the envelope sends nothing again by itself
        CHECK(b.env.counters().unknown_session == 1);
        REQUIRE(a.count<session_ready>() == 1);
        CHECK(std::get<session_ready>(a.events.front()).restarted);
    }
    SECTION("the side that asked") {
        a.restart(101);
        a.know(b);
        REQUIRE(b.say(start, a, "lost") == send_status::sealed);
        settle(start, a, b);
        CHECK(a.heard.empty());
        CHECK(b.count<session_ready>() == 1);
    }
    SECTION("without the peer's key: silence makes the sender greet anew") {
        b.restart(102);
        auto now = start;
        for (int i = 0; i < 10 && !b.env.knows(a.identity.id); ++i) {
            now += 2s;
            REQUIRE(a.say(now, b, "anybody?") == send_status::sealed);
            settle(now, a, b);
        }
        CHECK(b.env.counters().unknown_sender >= limits::session_silent_frames);
        CHECK(a.count<session_ready>() == 1);
    }
    // Sealed at once, or after a hello of its own where only the other side has used the new session.
    REQUIRE(a.say(start + 60s, b, "again") <= send_status::kept);
    settle(start + 60s, a, b);
    CHECK(b.heard.back() == "again");
    REQUIRE(b.say(start + 60s, a, "and back") == send_status::sealed);
    settle(start + 60s, a, b);
    CHECK(a.heard.back() == "and back");
}

TEST_CASE("a peer that listens in silence keeps its session", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    const auto session = a.env.current_session(b.identity.id);
    auto now = start;
    for (int i = 0; i < 60; ++i) {
        now += 2s;
        REQUIRE(a.say(now, b, "report") == send_status::sealed);
        settle(now, a, b);
    }
    CHECK(b.heard.size() == 60);
    CHECK(a.env.current_session(b.identity.id) == session);
    CHECK(b.env.current_session(a.identity.id) == session);
    CHECK(a.events.empty());
    CHECK(b.events.empty());

    // Gone for good: told once, and the way to it is not flooded.
    std::size_t hellos = 0;
    for (int i = 0; i < 30; ++i) {
        now += 1s;
        (void)a.say(now, b, "anybody?");
        if (a.env.deadline() <= now) a.env.on_timer(now);
        a.drain();
        for (const auto& out : a.sent) hellos += type_of(out.header) == frame_type::session_hello ? 1u : 0u;
        a.sent.clear();
    }
    CHECK(a.count<peer_unreachable>() == 1);
    CHECK(hellos <= 2 * static_cast<std::size_t>(limits::session_attempts_max));
}

TEST_CASE("a hello moves to the newest way where the first is blocked", "[envelope][REQ-MSG-5]") {
    node a(1), b(2);
    a.know(b);
    const path blocked{34760, at(2, 34546)};
    REQUIRE(a.env.send(start, b.identity.id, blocked, frame_type::flow_control, as_bytes("open")) == send_status::kept);
    (void)next(a);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    a.env.on_timer(a.env.deadline());
    a.drain();
    REQUIRE(a.sent.size() == 1);
    CHECK(a.sent[0].to == at(2));
    CHECK(a.sent[0].from_port == 34325);
    settle(start, a, b);
    CHECK(b.heard == texts{"open", "hi"});
}

TEST_CASE("hellos to a wrong address leave some for the true one", "[envelope][REQ-SEC-3]") {
    node a(1), b(2);
    a.know(b);
    const path wrong{34325, at(99)};   // where a liar says that b is
    REQUIRE(a.env.send(start, b.identity.id, wrong, frame_type::message, as_bytes("lost")) == send_status::kept);
    auto now = start;
    for (int said = 1; said < limits::session_attempts_max; ++said) {
        now = a.env.deadline();
        a.env.on_timer(now);
    }
    a.drain();
    a.sent.clear();
    REQUIRE(a.say(now, b, "hi") == send_status::kept);
    a.env.on_timer(a.env.deadline());
    settle(now, a, b);
    CHECK(a.count<peer_unreachable>() == 0);
    CHECK(std::ranges::count(b.heard, "hi") == 1);
}

TEST_CASE("hellos that cross converge on the session of the lower id", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    b.know(a);
    REQUIRE(a.say(start, b, "from a") == send_status::kept);
    REQUIRE(b.say(start, a, "from b") == send_status::kept);
    const auto hello_a = next(a), hello_b = next(b);
    (void)a.take(start, hello_b, at(2));
    (void)b.take(start, hello_a, at(1));

    SECTION("in step") { settle(start, a, b); }
    SECTION("one side is ahead") {
        const auto welcome_of_a = next(a);
        (void)b.take(start, welcome_of_a, at(1));
        const auto frame_of_b = next(b);  // its welcome
        CHECK(type_of(frame_of_b) == frame_type::session_welcome);
        const auto said = next(b);
        CHECK(a.take(start, said, at(2)));  // before the welcome
        (void)a.take(start, frame_of_b, at(2));
        settle(start, a, b);
    }
    CHECK(a.heard == texts{"from b"});
    CHECK(b.heard == texts{"from a"});
    for (int i = 0; i < 3; ++i) {
        REQUIRE(a.say(start, b, "a" + std::to_string(i)) == send_status::sealed);
        REQUIRE(b.say(start, a, "b" + std::to_string(i)) == send_status::sealed);
        settle(start, a, b);
    }
    CHECK(a.heard == texts{"from b", "b0", "b1", "b2"});
    CHECK(b.heard == texts{"from a", "a0", "a1", "a2"});
    CHECK(a.env.current_session(b.identity.id) == b.env.current_session(a.identity.id));
}

TEST_CASE("a peer that does not answer becomes unreachable, and is left alone for a while", "[envelope][REQ-SRC-4]") {
    node a(1), b(2);
    a.know(b);
    for (std::size_t i = 0; i < limits::session_kept_payloads_max; ++i) REQUIRE(a.say(start, b, std::to_string(i)) == send_status::kept);
    CHECK(a.say(start, b, "too many") == send_status::full);
    auto now = start;
    while (a.env.deadline() != never) {
        now = a.env.deadline();
        a.env.on_timer(now);
    }
    a.drain();
    CHECK(a.sent.size() == static_cast<std::size_t>(limits::session_attempts_max));
    CHECK(now - start > 8s);
    CHECK(now - start < 20s);
    REQUIRE(a.events.size() == 1);
    CHECK(std::get<peer_unreachable>(a.events[0]).peer == b.identity.id);
    CHECK(a.say(now, b, "now?") == send_status::held_off);
    CHECK(a.say(now + limits::session_hold_off, b, "now?") == send_status::kept);
    a.sent.clear();
    a.drain();
    settle(now + limits::session_hold_off, a, b);
    CHECK(b.heard == texts{"now?"});  // what was given up stays given up
}

TEST_CASE("a lost hello or welcome is repeated and makes one session", "[envelope][REQ-MSG-1]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    (void)next(a);
    a.env.on_timer(a.env.deadline());
    const auto second = next(a);
    (void)b.take(start, second, at(1));
    const auto lost = next(b);
    a.env.on_timer(a.env.deadline());
    (void)b.take(start, next(a), at(1));
    const auto welcome = next(b);
    CHECK(welcome == lost);
    (void)a.take(start, welcome, at(2));
    (void)a.take(start, lost, at(2));
    CHECK(a.env.counters().stale == 1);
    settle(start, a, b);
    CHECK(b.heard == texts{"hi"});
    CHECK(b.env.session_count(a.identity.id) == 1);
    CHECK(a.env.deadline() == never);
}

TEST_CASE("session_unknown is believed only about a session in use, and only from the peer", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    b.restart(102);
    b.know(a);
    REQUIRE(a.say(start, b, "lost") == send_status::sealed);
    const auto frame = next(a);
    (void)b.take(start, frame, at(1));
    const auto notice = next(b);
    REQUIRE(type_of(notice) == frame_type::session_unknown);
    CHECK(notice.size() <= frame.size());
    each_mutation(notice, [&](const bytes& altered) {
        (void)a.take(start, altered, at(2));
        REQUIRE(a.env.has_session(b.identity.id));
    });
    a.drain();
    CHECK(a.sent.empty());
    (void)a.take(start, notice, at(2));
    CHECK_FALSE(a.env.has_session(b.identity.id));
    CHECK(type_of(next(a)) == frame_type::session_hello);
    (void)a.take(start, notice, at(2));  // again: about a session that is gone
    a.drain();
    CHECK(a.sent.empty());
}

TEST_CASE("session_unknown causes one hello a second", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    const auto lose = [&](std::uint64_t seed, time_point now) {
        b.restart(seed);
        b.know(a);
        REQUIRE(a.say(now, b, "lost") == send_status::sealed);
        (void)b.take(now, next(a), at(1));
        (void)a.take(now, next(b), at(2));
        CHECK_FALSE(a.env.has_session(b.identity.id));
        a.drain();
    };
    lose(102, start);
    CHECK(a.sent.size() == 1);
    settle(start, a, b);
    lose(103, start);
    CHECK(a.sent.empty());
    REQUIRE(a.say(start, b, "needed") == send_status::kept);  // who has something to say need not wait
    settle(start, a, b);
    CHECK(b.heard == texts{"needed"});
    lose(104, start + limits::session_renew_gap);
    CHECK(a.sent.size() == 1);
}

TEST_CASE("session_unknown answers are rate limited", "[envelope][REQ-SEC-1]") {
    node a(1), b(2);
    befriend(a, b);
    b.restart(102);
    b.know(a);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(a.say(start, b, "x") == send_status::sealed);
        (void)b.take(start, next(a), at(1));
    }
    b.drain();
    CHECK(b.sent.size() == limits::session_notices_of_peer_max);
    CHECK(b.env.counters().rate_limited == 500 - limits::session_notices_of_peer_max);
}
