#include "envelope_world.hpp"

using namespace test_envelope;

using texts = std::vector<std::string>;

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
    CHECK(heard->key_epoch == 7);
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

TEST_CASE("every truncation and every flipped bit of hello and welcome changes nothing", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    const auto hello = next(a);
    each_mutation(hello, [&](const bytes& altered) {
        REQUIRE_FALSE(b.take(start, altered, at(1)));
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

    CHECK_FALSE(b.take(start, hello, at(1)));
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

    // The same hello again, of a live session: the same welcome, nothing new.
    (void)b.take(start, hello, at(9));
    CHECK(type_of(next(b)) == frame_type::session_welcome);
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
    SECTION("an older epoch: revoked") {
        greet(credentials_for(key, role::client, 6));
        CHECK(b.env.counters().other_epoch == 1);
        CHECK(b.events.empty());
    }
    SECTION("a newer epoch: refused, but a sign to renew") {
        greet(credentials_for(key, role::client, 8));
        CHECK(b.env.counters().other_epoch == 1);
        REQUIRE(b.count<newer_epoch_seen>() == 1);
        CHECK(std::get<newer_epoch_seen>(b.events[0]).key_epoch == 8);
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

TEST_CASE("a new epoch ends all sessions, a renewed certificate none", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    a.env.set_credentials(credentials_for(a.identity.key, role::client, 7, wall_time{good_until.seconds + 5}));
    CHECK(a.env.has_session(b.identity.id));
    a.env.set_credentials(credentials_for(a.identity.key, role::client, 8));
    CHECK_FALSE(a.env.has_session(b.identity.id));
    REQUIRE(b.say(start, a, "old epoch") == send_status::sealed);
    CHECK_FALSE(a.take(start, next(b), at(2)));
    a.drain();
    CHECK(a.sent.empty());  // not even session_unknown
    b.env.set_credentials(credentials_for(b.identity.key, role::client, 8));
    REQUIRE(b.say(start, a, "new epoch") == send_status::kept);
    settle(start, a, b);
    CHECK(a.heard == texts{"new epoch"});
}

TEST_CASE("the server moves to a new epoch and still hears those who have not", "[envelope][REQ-SEC-2]") {
    envelope_config config;
    config.accept_older_epochs = true;
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
          "this client speaks protocol versions 1 to 2, the server speaks versions 3 to 4: update this client (in a roll-out the server comes first)");
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
    CHECK(a.count<session_ready>() == 2);
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
    CHECK(b.sent.size() == limits::handshake_answers_per_second);
    CHECK(b.env.counters().rate_limited == 500 - limits::handshake_answers_per_second);
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
    for (std::uint32_t i = 0; i < limits::handshake_checks_per_second + 10; ++i) (void)b.take(start, hello, at(1));
    CHECK(b.env.counters().bad_tag == limits::handshake_checks_per_second);
    CHECK(b.env.counters().rate_limited == 10);
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
