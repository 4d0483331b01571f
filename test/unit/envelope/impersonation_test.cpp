// Those who pose as others: with a stolen identity key, and with a forged address.

#include "envelope_world.hpp"

using namespace test_envelope;

namespace {

/// What somebody can compute who has the victim's secret and not the secret of whom he poses as, which stands as zero here.
class thief final : public crypto_suite {
public:
    thief(const node_identity& robbed, const node_identity& posed) : robbed_(robbed), posed_(posed.key) {}

    digest sha256(byte_parts parts) const override { return crypto().sha256(parts); }
    digest hmac_sha256(byte_span key, byte_parts parts) const override { return crypto().hmac_sha256(key, parts); }
    std::uint64_t siphash(const short_key& key, byte_parts parts) const override { return crypto().siphash(key, parts); }
    public_key x25519_public(const secret_key& secret) const override {
        return secret == secret_key{} ? posed_ : crypto().x25519_public(secret);
    }
    std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        if (secret != secret_key{}) return crypto().x25519_shared(secret, other);
        if (other == robbed_.key) return crypto().x25519_shared(robbed_.secret, posed_);
        return key_of_byte(0x55);  // he cannot know
    }
    public_key ed25519_public(const secret_key& seed) const override { return crypto().ed25519_public(seed); }
    signature ed25519_sign(const secret_key& seed, byte_span text) const override { return crypto().ed25519_sign(seed, text); }
    bool ed25519_verify(const public_key& key, byte_span text, const signature& sig) const override {
        return crypto().ed25519_verify(key, text, sig);
    }
    bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span with, byte_span plain) const override {
        return crypto().aead_seal(key, nonce, with, plain);
    }
    std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span with, byte_span sealed) const override {
        return crypto().aead_open(key, nonce, with, sealed);
    }

private:
    node_identity robbed_;
    public_key posed_;
};

/// Carries everything between the victim and somebody who poses as a node at that node's address.
void talk(time_point now, node& victim, envelope& posing, const node& posed) {
    for (int rounds = 0; rounds < 10; ++rounds) {
        while (const auto out = posing.poll()) {
            if (const auto* datagram = std::get_if<send_datagram>(&*out)) (void)victim.take(now, datagram->header, at(posed.host));
        }
        victim.drain();
        for (const auto& out : victim.sent) {
            const endpoint to{at(posed.host).address, out.to.port}, from{at(victim.host).address, out.from_port};
            (void)posing.on_datagram(now, wall, {to, from, now, 0, out.header});
        }
        victim.sent.clear();
    }
}

}  // namespace

TEST_CASE("with a stolen identity key nobody poses to its owner as another", "[envelope][REQ-SEC-1]") {
    node device(1), server(200, role::server);
    const bool of_the_server = GENERATE(false, true);
    auto& victim = of_the_server ? server : device;
    auto& posed = of_the_server ? device : server;
    victim.know(posed);
    const thief suite(victim.identity, posed.identity);
    const auto posing_as = identity_from_secret(suite, secret_key{});
    REQUIRE(posing_as.id == posed.identity.id);
    seeded_entropy random(99);
    // Certificates are no secrets: every greeting shows one.
    envelope posing(suite, random, posing_as, credentials_for(posed.identity.key, of_the_server ? role::client : role::server));
    REQUIRE(posing.add_peer(victim.identity.id, victim.identity.key));

    SECTION("he greets") {
        REQUIRE(posing.send(start, victim.identity.id, {34325, at(victim.host)}, frame_type::message, as_bytes("wrong hash")) ==
                send_status::kept);
        talk(start, victim, posing, posed);
        CHECK(posing.has_session(victim.identity.id));  // of his own making
        CHECK(victim.env.counters().unknown_session > 0);  // another number follows from other keys
    }
    SECTION("he answers a greeting") {
        REQUIRE(victim.say(start, posed, "what is the hash?") == send_status::kept);
        talk(start, victim, posing, posed);
        CHECK(victim.env.session_count(posed.identity.id) == 0);
        CHECK(victim.env.counters().bad_tag > 0);
    }
    CHECK_FALSE(victim.env.has_session(posed.identity.id));
    CHECK(victim.env.counters().opened == 0);
    CHECK(victim.count<session_ready>() == 0);
}

TEST_CASE("with a stolen identity key nobody takes a session of its owner away by session_moved", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(a.say(start, b, "elsewhere") == send_status::sealed);
    const auto frame = next(a);
    (void)b.take(start, frame, at(9));
    auto notice = next(b);
    REQUIRE(type_of(notice) == frame_type::session_moved);
    const auto shared = crypto().x25519_shared(a.identity.secret, b.identity.key);  // all that the thief can know
    REQUIRE(shared);
    const auto k_pair = derive_key(crypto(), to_bytes(as_bytes(std::string_view("p2pdist pair\0\x07", 14))), *shared,
                                   {std::min(a.identity.id, b.identity.id).value, std::max(a.identity.id, b.identity.id).value});
    const auto tag = crypto().hmac_sha256(k_pair, {byte_span(notice).first(28), a.identity.id.value});
    std::copy_n(tag.begin(), 16, notice.begin() + 28);
    (void)a.take(start, notice, at(2));
    CHECK(a.env.counters().bad_tag == 1);
    a.drain();
    CHECK(a.sent.empty());
}

TEST_CASE("a member makes nobody send to an address that is not its own", "[envelope][REQ-SEC-1]") {
    node liar(1), b(2);
    const auto victim = at(77);
    SECTION("after a session from its own address") {
        befriend(liar, b);
        std::size_t out = 0;
        for (int i = 0; i < 100; ++i) {
            REQUIRE(liar.say(start, b, "flow_open " + std::to_string(i), frame_type::flow_control) == send_status::sealed);
            REQUIRE_FALSE(b.take(start, next(liar), victim));
        }
        b.drain();
        for (const auto& sent : b.sent) {
            CHECK(sent.to == victim);
            CHECK(type_of(sent.header) == frame_type::session_moved);
            out += sent.size();
        }
        CHECK(out <= limits::session_notices_of_peer_max * 44);
        CHECK(b.env.counters().moved == 100);
    }
    SECTION("after a session that the other began") {
        befriend(b, liar);
        REQUIRE(liar.say(start, b, "flow_open", frame_type::flow_control) == send_status::sealed);
        REQUIRE_FALSE(b.take(start, next(liar), victim));
        CHECK(b.env.counters().moved == 1);
    }
    SECTION("with a hello from there besides") {
        liar.know(b);
        b.know(liar);
        REQUIRE(liar.say(start, b, "flow_open", frame_type::flow_control) == send_status::kept);
        const auto hello = next(liar);
        (void)b.take(start, hello, at(1));
        const auto seen = next(b);
        (void)b.take(start, hello, victim);
        const auto unseen = next(b);  // goes to the victim
        CHECK(seen != unseen);
        (void)liar.take(start, seen, at(2));
        REQUIRE_FALSE(b.take(start, next(liar), victim));
        CHECK(b.env.counters().moved == 1);
    }
    CHECK(b.heard.empty());
}

TEST_CASE("a member that says it lost a session makes nobody greet an address that is not its own", "[envelope][REQ-SEC-1]") {
    node a(1), liar(2);
    befriend(a, liar);
    liar.restart(102);
    liar.know(a);
    REQUIRE(a.say(start, liar, "lost") == send_status::sealed);
    (void)liar.take(start, next(a), at(1));
    const auto notice = next(liar);
    (void)a.take(start, notice, at(77));
    a.drain();
    CHECK(a.sent.empty());
    CHECK(a.say(start, liar, "needed") == send_status::kept);  // where the peer is: a session is made
    settle(start, a, liar);
    CHECK(liar.heard == texts{"needed"});
}

TEST_CASE("a device that moved speaks again after one round trip", "[envelope][REQ-NET-1]") {
    node a(1), b(2);
    befriend(a, b);
    const auto before = b.env.current_session(a.identity.id);
    a.host = 9;
    REQUIRE(a.say(start + 1s, b, "lost") == send_status::sealed);
    settle(start + 1s, a, b);  // session_moved, hello, welcome
    CHECK(b.heard.empty());
    CHECK(a.count<session_ready>() == 1);
    CHECK_FALSE(std::get<session_ready>(a.events.front()).restarted);
    REQUIRE(a.say(start + 1s, b, "from elsewhere") == send_status::sealed);
    settle(start + 1s, a, b);
    CHECK(b.heard == texts{"from elsewhere"});
    CHECK(b.env.current_session(a.identity.id) != before);
    REQUIRE(b.say(start + 1s, a, "and back") == send_status::sealed);
    settle(start + 1s, a, b);
    CHECK(a.heard == texts{"and back"});

    // Where it has been it may still be: both addresses have been shown.
    a.host = 1;
    REQUIRE(a.say(start + 2s, b, "home") == send_status::sealed);
    settle(start + 2s, a, b);
    CHECK(b.heard.back() == "home");
    CHECK(b.env.counters().moved == 1);
}

TEST_CASE("both ends move, and the one that has something to say is heard", "[envelope][REQ-NET-1]") {
    node a(1), b(2);
    befriend(a, b);
    a.host = 8;
    b.host = 9;
    auto now = start;
    for (int i = 0; i < 3; ++i) {
        now += 1s;
        (void)a.say(now, b, "a" + std::to_string(i));
        (void)b.say(now, a, "b" + std::to_string(i));
        settle(now, a, b);
    }
    REQUIRE_FALSE(a.heard.empty());
    REQUIRE_FALSE(b.heard.empty());
    CHECK(a.heard.back() == "b2");
    CHECK(b.heard.back() == "a2");
    CHECK(a.env.current_session(b.identity.id) == b.env.current_session(a.identity.id));
}

TEST_CASE("both ends move, and nobody tells them: silence makes a new session", "[envelope][REQ-NET-1]") {
    node a(1), b(2);
    befriend(a, b);
    a.host = 8;
    b.host = 9;
    auto now = start;
    for (int i = 0; i < 10 && b.heard.empty(); ++i) {
        now += 2s;
        REQUIRE(a.say(now, b, "anybody?") == send_status::sealed);
        for (int carried = 0; carried < 10; ++carried) {
            for (auto* from : {&a, &b}) {
                from->drain();
                for (const auto& out : std::exchange(from->sent, {})) {
                    if (type_of(out.header) != frame_type::session_moved) (void)(from == &a ? b : a).take(now, out.header, at(from->host));
                }
            }
        }
    }
    CHECK_FALSE(b.heard.empty());
    CHECK(now <= start + 3 * limits::session_silence);
}

TEST_CASE("whoever copies frames and sends them from elsewhere takes no session away", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    auto now = start;
    std::size_t hellos = 0;
    for (int i = 0; i < 100; ++i) {
        now += 50ms;
        REQUIRE(a.say(now, b, "n" + std::to_string(i)) == send_status::sealed);
        a.drain();
        REQUIRE_FALSE(a.sent.empty());
        const auto frame = a.sent.back().header;  // behind a hello, now and then
        a.sent.pop_back();
        REQUIRE_FALSE(b.take(now, frame, at(66)));  // the copy is quicker
        b.drain();
        for (const auto& out : b.sent) {
            REQUIRE(out.to == at(66));
            (void)a.take(now, out.header, at(66));
            (void)a.take(now, out.header, at(2));  // as if from b
        }
        b.sent.clear();
        REQUIRE(b.take(now, frame, at(1)));
        REQUIRE(a.env.has_session(b.identity.id));
        a.drain();
        for (const auto& out : a.sent) {
            REQUIRE(out.to == at(2));
            hellos += type_of(out.header) == frame_type::session_hello ? 1u : 0u;
        }
        settle(now, a, b);
    }
    CHECK(b.heard.size() == 100);
    CHECK(hellos <= 6);  // one a second
    CHECK(a.count<peer_unreachable>() == 0);
}

TEST_CASE("session_moved is believed only about the session in use, and only from the peer", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(a.say(start, b, "elsewhere") == send_status::sealed);
    const auto frame = next(a);
    REQUIRE_FALSE(b.take(start, frame, at(9)));
    const auto notice = next(b);
    REQUIRE(type_of(notice) == frame_type::session_moved);
    CHECK(notice.size() <= frame.size());
    each_mutation(notice, [&](const bytes& altered) {
        (void)a.take(start, altered, at(2));
        a.drain();
        REQUIRE(a.sent.empty());
    });
    (void)a.take(start, notice, at(2));
    CHECK(type_of(next(a)) == frame_type::session_hello);
    (void)a.take(start, notice, at(2));
    a.drain();
    CHECK(a.sent.empty());
    CHECK(a.env.has_session(b.identity.id));
}
