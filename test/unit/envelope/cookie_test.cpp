// Cookies: what keeps recorded hellos, and hellos from forged addresses, from being work.

#include <set>

#include "envelope_world.hpp"

using namespace test_envelope;

namespace {

/// Hellos of former processes of one node to another: good tags and a certificate that counts for up to 90 days.
std::vector<bytes> record_hellos(const node& of, const node& to, int count) {
    std::vector<bytes> out;
    for (int i = 0; i < count; ++i) {
        node former(of.host, role::client, 7, {}, 1000 + static_cast<std::uint64_t>(i));
        former.know(to);
        (void)former.env.ensure_session(start, to.identity.id, node::way_to(to));
        out.push_back(next(former));
    }
    return out;
}

/// A hello that one node said to another while it had this certificate.
bytes record_hello(const node& of, const node& to, std::uint16_t epoch, wall_time until) {
    node former(of.host, role::client, epoch, {}, 2000 + static_cast<std::uint64_t>(until.seconds % 1000));
    former.env.set_credentials(credentials_for(former.identity.key, role::client, epoch, until));
    former.know(to);
    (void)former.env.ensure_session(start, to.identity.id, node::way_to(to));
    return next(former);
}

/// Whether what was said at last comes through at once, or after one cookie, though recordings come before each datagram.
bool speaks(time_point now, node& speaker, node& listener, const std::function<void()>& disturb) {
    const auto heard = listener.heard.size();
    REQUIRE(speaker.say(now, listener, "hi") == send_status::kept);
    for (int rounds = 0; rounds < 3; ++rounds) {
        for (auto* from : {&speaker, &listener}) {
            auto* to = from == &speaker ? &listener : &speaker;
            from->drain();
            for (const auto& out : std::exchange(from->sent, {})) {
                disturb();
                if (out.to == at(to->host)) (void)to->take(now, out.header, at(from->host));
            }
        }
    }
    return listener.heard.size() == heard + 1;
}

/// A member whose former hellos have used up what is answered without a cookie, and the cookie that its own hello got.
struct asked {
    asked() {
        a.know(b);
        b.know(a);
        for (const auto& recorded : record_hellos(a, b, limits::session_hellos_of_peer_max)) (void)b.take(start, recorded, at(66));
        b.drain();
        b.sent.clear();
        REQUIRE(a.say(start, b, "hi") == send_status::kept);
        hello = next(a);
        (void)b.take(start, hello, at(1));
        cookie = next(b);
    }
    /// The hello with the cookie, as the member says it.
    bytes answer() {
        (void)a.take(start, cookie, at(2));
        return next(a);
    }
    /// Whether b welcomes it.
    bool welcomes(time_point now, const bytes& data, const endpoint& from, std::uint16_t local_port = 34325) {
        (void)b.env.on_datagram(now, wall, {{at(2).address, local_port}, from, now, 0, data});
        return type_of(next(b)) == frame_type::session_welcome;
    }
    node a{1}, b{2};
    bytes hello, cookie;
};

}  // namespace

TEST_CASE("recorded hellos of former processes keep two members not apart", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    const bool first = GENERATE(true, false);
    const auto recorded = record_hellos(a, b, 8);
    b.know(a);
    auto now = start;
    const auto replay = [&] {
        for (const auto& hello : recorded) (void)b.take(now, hello, at(66));
    };
    for (std::uint64_t round = 0; round < 200; ++round) {
        now += 300ms;
        a.restart(5000 + round);  // which needs a session each time
        a.know(b);
        REQUIRE(a.say(now, b, "hi") == send_status::kept);
        for (int datagrams = 0; datagrams < 10 && b.heard.size() == round; ++datagrams) {
            if (first) replay();
            a.drain();
            for (const auto& out : std::exchange(a.sent, {})) (void)b.take(now, out.header, at(1));
            if (!first) replay();
            b.drain();
            for (const auto& out : std::exchange(b.sent, {})) {
                if (out.to == at(1)) (void)a.take(now, out.header, at(2));
            }
        }
        REQUIRE(b.heard.size() == round + 1);
    }
    CHECK(b.env.session_count(a.identity.id) <= limits::sessions_pending_max + limits::sessions_confirmed_max);
}

TEST_CASE("recorded hellos under former certificates keep two members not apart", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    envelope_config of_server;
    of_server.admit_lapsed = true;
    enum class former { past_its_date, of_an_ended_epoch, two_that_count };
    const auto kind = GENERATE(former::past_its_date, former::of_an_ended_epoch, former::two_that_count);
    const bool server = GENERATE(false, true);
    const bool a_begins = GENERATE(true, false);
    node a(1), b(2, server ? role::server : role::client, 7, server ? of_server : envelope_config{});
    std::vector<bytes> recorded;
    if (kind == former::past_its_date) recorded = {record_hello(a, b, 7, {wall.seconds - 1})};
    if (kind == former::of_an_ended_epoch) recorded = {record_hello(a, b, 5, good_until)};
    if (kind == former::two_that_count) recorded = {record_hello(a, b, 7, {wall.seconds + 1}), record_hello(a, b, 7, {wall.seconds + 2})};
    a.know(b);
    b.know(a);
    auto now = start;
    const auto replay = [&] {
        for (int i = 0; i < 20; ++i) (void)b.take(now, recorded[static_cast<std::size_t>(i) % recorded.size()], at(66));
    };
    for (std::uint64_t round = 0; round < 8; ++round) {
        now += 300ms;
        a.restart(3000 + round);
        a.know(b);
        b.restart(4000 + round, server ? role::server : role::client, 7, server ? of_server : envelope_config{});
        b.know(a);
        replay();
        b.drain();
        b.sent.clear();
        REQUIRE((a_begins ? speaks(now, a, b, replay) : speaks(now, b, a, replay)));
    }
    // And where it goes on for long, with many certificates.
    for (std::int64_t i = 10; i < 30; ++i) recorded.push_back(record_hello(a, b, 7, {wall.seconds + i}));
    for (std::uint64_t round = 0; round < 8; ++round) {
        now += 300ms;
        a.restart(5000 + round);
        a.know(b);
        REQUIRE(speaks(now, a, b, replay));
    }
}

TEST_CASE("a recorded hello whose cookie is still good helps those under former certificates no further", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    asked world;
    auto recorded = record_hellos(world.a, world.b, 1);
    for (std::int64_t i = 1; i <= 8; ++i) recorded.push_back(record_hello(world.a, world.b, 7, {wall.seconds + i}));
    const auto with_cookie = world.answer();
    const auto replay = [&](time_point now) {
        for (const auto& former : recorded) {
            (void)world.b.take(now, with_cookie, at(1));
            (void)world.b.take(now, former, at(66));
        }
        world.b.drain();
        world.b.sent.clear();
    };
    (void)world.b.take(start, recorded.back(), at(66));
    for (std::uint64_t round = 0; round < 20; ++round) {
        const auto now = start + 10s + round * 1s;
        world.a.restart(6000 + round);
        world.a.know(world.b);
        REQUIRE(speaks(now, world.a, world.b, [&] { replay(now); }));
    }
}

TEST_CASE("recorded hellos of a known peer cost few agreements", "[flood][REQ-SEC-1]") {
    node a(1), b(2);
    const auto recorded = record_hellos(a, b, 20);
    b.know(a);
    std::set<bytes> welcomes;  // one said again costs nothing
    for (int ms = 0; ms < 60'000; ms += 10) {
        for (const auto& hello : recorded) (void)b.take(start + ms * 1ms, hello, at(static_cast<std::uint8_t>(100 + ms % 100)));
        b.drain();
        for (const auto& out : b.sent) {
            if (type_of(out.header) == frame_type::session_welcome) welcomes.insert(out.header);
        }
        b.sent.clear();
    }
    CHECK(welcomes.size() <= 3 * limits::sessions_pending_max);  // so many in each session_pending_time
    CHECK(b.env.counters().cookies > 100'000);
}

TEST_CASE("what nobody waits for any more makes room without a cookie", "[envelope][REQ-SEC-2]") {
    asked world;
    const auto later = start + limits::session_pending_time;
    world.a.restart(77);
    world.a.know(world.b);
    REQUIRE(world.a.say(later, world.b, "hi") == send_status::kept);
    (void)world.b.take(later, next(world.a), at(1));
    CHECK(type_of(next(world.b)) == frame_type::session_welcome);
    CHECK(world.b.env.session_count(world.a.identity.id) == 1);
}

TEST_CASE("a cookie is smaller than the hello and makes one more hello of the same nonce", "[envelope][REQ-SEC-1]") {
    asked world;
    REQUIRE(type_of(world.cookie) == frame_type::session_cookie);
    CHECK(world.cookie.size() == 36);
    CHECK(world.cookie.size() < world.hello.size());
    const auto again = world.answer();
    CHECK(again.size() == world.hello.size());
    CHECK(std::equal(again.begin(), again.begin() + 196, world.hello.begin()));
    CHECK(std::equal(again.begin() + 196, again.begin() + 212, world.cookie.begin() + 20));
    CHECK(world.welcomes(start, again, at(1)));
    CHECK(world.b.env.session_count(world.a.identity.id) == limits::sessions_pending_max);
    // What a forger leaves behind does not displace it.
    for (const auto& hello : record_hellos(world.a, world.b, 20)) (void)world.b.take(start + 1s, hello, at(66));
    (void)world.b.take(start + 1s, again, at(1));
    world.b.drain();
    CHECK(type_of(world.b.sent.back().header) == frame_type::session_welcome);
}

TEST_CASE("a cookie is good for one hello, address, pair of ports and a short time", "[envelope][REQ-SEC-1]") {
    asked world;
    const auto again = world.answer();
    SECTION("from another address") { CHECK_FALSE(world.welcomes(start, again, at(3))); }
    SECTION("from another port") { CHECK_FALSE(world.welcomes(start, again, at(1, 34324))); }
    SECTION("to another port") { CHECK_FALSE(world.welcomes(start, again, at(1), 34546)); }
    SECTION("in the next period") {
        // The recorded ones go on waiting: they came later.
        CHECK(world.welcomes(start + limits::session_cookie_time - limits::session_pending_time, again, at(1)));
    }
    SECTION("after two periods") {
        const auto late = start + 2 * limits::session_cookie_time;
        for (const auto& hello : record_hellos(world.a, world.b, 20)) (void)world.b.take(late, hello, at(66));
        world.b.drain();
        world.b.sent.clear();
        CHECK_FALSE(world.welcomes(late, again, at(1)));
    }
    SECTION("of another process of the other") {
        world.b.restart(78);
        world.b.know(world.a);
        for (const auto& hello : record_hellos(world.a, world.b, 20)) (void)world.b.take(start, hello, at(66));
        world.b.drain();
        world.b.sent.clear();
        CHECK_FALSE(world.welcomes(start, again, at(1)));
    }
    SECTION("as it was meant") { CHECK(world.welcomes(start, again, at(1))); }
    SECTION("of another hello: nobody else can put it under a tag") {
        auto grafted = record_hellos(world.a, world.b, 6).back();
        std::copy(again.begin() + 196, again.begin() + 212, grafted.begin() + 196);
        (void)world.b.take(start, grafted, at(1));
        world.b.drain();
        for (const auto& out : world.b.sent) CHECK(type_of(out.header) == frame_type::session_cookie);
    }
}

TEST_CASE("a cookie is heeded from where the hello went, and seldom", "[envelope][REQ-SEC-1]") {
    asked world;
    auto& a = world.a;
    const auto hellos = [&] {
        a.drain();
        return std::exchange(a.sent, {}).size();
    };
    each_mutation(world.cookie, [&](const bytes& altered) {
        if (altered.size() == world.cookie.size() && std::equal(altered.begin(), altered.begin() + 20, world.cookie.begin())) return;
        (void)a.take(start, altered, at(2));
        REQUIRE(hellos() == 0);
    });
    (void)a.take(start, world.cookie, at(3));
    (void)a.take(start, world.cookie, at(2, 34323));
    CHECK(hellos() == 0);
    for (int i = 0; i < 100; ++i) (void)a.take(start, world.cookie, at(2));
    CHECK(hellos() == static_cast<std::size_t>(limits::session_cookies_max));
    // False ones in between only cost a while: the next hello may be answered by a true one.
    auto forged = world.cookie;
    forged.back() = static_cast<std::uint8_t>(forged.back() ^ 1);
    (void)a.take(start, forged, at(2));
    const auto now = a.env.deadline();
    a.env.on_timer(now);
    CHECK(hellos() == 1);
    (void)a.take(now, world.cookie, at(2));
    a.drain();
    settle(now, a, world.b);
    CHECK(world.b.heard == std::vector<std::string>{"hi"});
    (void)a.take(now, world.cookie, at(2));  // of a handshake that is over
    CHECK(hellos() == 0);
}
