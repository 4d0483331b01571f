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
