#include "envelope_world.hpp"
#include "p2pdist/envelope/broadcast.hpp"

using namespace test_envelope;

namespace {

const revocation_list none;

struct member {
    explicit member(std::uint8_t host, std::uint16_t epoch = 7, const crypto_suite& suite = crypto())
        : random(host), self(identity_from_secret(crypto(), key_of_byte(host))), held(credentials_for(self.key, role::client, epoch)),
          exchange(suite, random, self) {}
    seeded_entropy random;
    node_identity self;
    credentials held;
    broadcast_exchange exchange;
};

/// Counts what costs.
class counting_crypto final : public crypto_suite {
public:
    mutable int agreements = 0, verified = 0;

    digest sha256(byte_parts parts) const override { return crypto().sha256(parts); }
    digest hmac_sha256(byte_span key, byte_parts parts) const override { return crypto().hmac_sha256(key, parts); }
    std::uint64_t siphash(const short_key& key, byte_parts parts) const override { return crypto().siphash(key, parts); }
    public_key x25519_public(const secret_key& secret) const override { return crypto().x25519_public(secret); }
    std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        ++agreements;
        return crypto().x25519_shared(secret, other);
    }
    public_key ed25519_public(const secret_key& seed) const override { return crypto().ed25519_public(seed); }
    signature ed25519_sign(const secret_key& seed, byte_span message) const override { return crypto().ed25519_sign(seed, message); }
    bool ed25519_verify(const public_key& key, byte_span message, const signature& sig) const override {
        ++verified;
        return crypto().ed25519_verify(key, message, sig);
    }
    bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const override {
        return crypto().aead_seal(key, nonce, associated, plain);
    }
    std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span sealed) const override {
        return crypto().aead_open(key, nonce, associated, sealed);
    }
};

}  // namespace

TEST_CASE("a broadcast is answered pairwise, with no more bytes than it had", "[broadcast][REQ-MSG-3][REQ-SEC-1]") {
    member a(1), b(2);
    const auto question = a.exchange.ask(start, wall, a.held, none, as_bytes("who has it?"));
    CHECK(question.datagram.size() == broadcast_request_bytes_min);
    const auto heard = b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram);
    REQUIRE(heard);
    CHECK(heard->from == a.self.id);
    CHECK(as_text(heard->payload) == "who has it?");
    const auto answer = seal_broadcast_answer(crypto(), b.held, b.self, *heard, bytes(broadcast_answer_payload_max, 'x'));
    CHECK(answer.size() == question.datagram.size());
    const auto got = a.exchange.on_answer(start, wall, a.held, none, at(2).address, answer);
    REQUIRE(got);
    CHECK(got->from == b.self.id);
    CHECK(got->key == b.self.key);
    CHECK(got->payload.size() == broadcast_answer_payload_max);
    CHECK_FALSE(a.exchange.on_answer(start, wall, a.held, none, at(2).address, answer));
    CHECK(a.exchange.counters().replayed == 1);
    CHECK_FALSE(a.exchange.on_request(start, wall, a.held, none, at(1).address, question.datagram));
    CHECK(a.exchange.counters().own == 1);
    CHECK_FALSE(b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram));
    CHECK(b.exchange.counters().replayed == 1);
}

TEST_CASE("every truncation and every flipped bit of a broadcast is refused", "[broadcast][REQ-SEC-2]") {
    member a(1), b(2);
    const auto question = a.exchange.ask(start, wall, a.held, none, as_bytes("?"));
    each_mutation(question.datagram, [&](const bytes& altered) {
        REQUIRE_FALSE(b.exchange.on_request(start, wall, b.held, none, at(1).address, altered));
    });
    const auto heard = b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram);
    REQUIRE(heard);
    const auto answer = seal_broadcast_answer(crypto(), b.held, b.self, *heard, as_bytes("me"));
    each_mutation(answer, [&](const bytes& altered) { REQUIRE_FALSE(open_broadcast_answer(crypto(), a.held, none, a.self, wall, altered)); });
    CHECK(a.exchange.on_answer(start, wall, a.held, none, at(2).address, answer));
}

TEST_CASE("broadcasts of strangers, old epochs and other times are refused", "[broadcast][REQ-SEC-1]") {
    member a(1), b(2), revoked(3, 6);
    CHECK_FALSE(b.exchange.on_request(start, wall, b.held, none, at(1).address, revoked.exchange.ask(start, wall, revoked.held, none, {}).datagram));
    auto forged = a.held;  // a member's certificate without the group key
    forged.group_key = key_of_byte(1);
    CHECK_FALSE(b.exchange.on_request(start, wall, b.held, none, at(1).address, seal_broadcast_request(crypto(), forged, none, wall, {}, {})));
    auto foreign = a.held;  // the group key without a certificate of our server
    foreign.own = credentials_for(a.self.key, role::client, 7, good_until, 0x12).own;
    CHECK_FALSE(b.exchange.on_request(start, wall, b.held, none, at(1).address, seal_broadcast_request(crypto(), foreign, none, wall, {}, {})));
    const auto recorded = a.exchange.ask(start, wall, a.held, none, {});
    const auto skew = limits::broadcast_clock_skew.count();
    CHECK_FALSE(b.exchange.on_request(start, {wall.seconds + skew + 1}, b.held, none, at(1).address, recorded.datagram));
    CHECK_FALSE(b.exchange.on_request(start, {wall.seconds - skew - 1}, b.held, none, at(1).address, recorded.datagram));
    CHECK(b.exchange.counters().refused == 5);
    CHECK(b.exchange.on_request(start, {wall.seconds + skew}, b.held, none, at(1).address, recorded.datagram));
}

TEST_CASE("answers count only for a question that is open, from whoever they name", "[broadcast][REQ-SEC-2]") {
    member a(1), b(2), c(3);
    const auto question = a.exchange.ask(start, wall, a.held, none, {});
    const auto heard = b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram);
    REQUIRE(heard);
    const auto answer = seal_broadcast_answer(crypto(), b.held, b.self, *heard, {});
    CHECK_FALSE(c.exchange.on_answer(start, wall, c.held, none, at(2).address, answer));
    CHECK_FALSE(a.exchange.on_answer(start + limits::broadcast_answer_time, wall, a.held, none, at(2).address, answer));
    CHECK(a.exchange.counters().stale == 1);
    // c answers with b's certificate.
    auto as_b = c.held;
    as_b.own = b.held.own;
    CHECK_FALSE(a.exchange.on_answer(start, wall, a.held, none, at(2).address, seal_broadcast_answer(crypto(), as_b, c.self, *heard, {})));
    CHECK(a.exchange.on_answer(start, wall, a.held, none, at(2).address, answer));
    for (std::size_t i = 0; i < limits::broadcast_questions_max; ++i) (void)a.exchange.ask(start + 1s, wall, a.held, none, {});
    const auto late = seal_broadcast_answer(crypto(), c.held, c.self, *heard, {});
    CHECK_FALSE(a.exchange.on_answer(start + 1s, wall, a.held, none, at(2).address, late));  // the oldest question went
    CHECK(a.exchange.counters().stale == 2);
}

namespace {

/// The number-th request of a member, each of its own nonce.
bytes request_of(const member& who, std::uint32_t number, wall_time date = wall) {
    broadcast_nonce nonce{};
    for (std::size_t byte = 0; byte < 4; ++byte) nonce[byte] = static_cast<std::uint8_t>(number >> 8 * byte);
    nonce[15] = who.self.id.value[0];
    nonce[14] = who.self.id.value[1];
    return seal_broadcast_request(crypto(), who.held, none, date, nonce, {});
}

/// Any address of the subnet: who sends from there is anybody's claim.
ip_address claimed(std::uint32_t number) { return ip_address::v4(0x0a000000u + number % 250); }

}  // namespace

TEST_CASE("one member with all its neighbours' addresses has one member's share of a node's memory", "[broadcast][hostile][REQ-SEC-1]") {
    member liar(1), node(2), honest(3);
    std::size_t heard = 0;
    for (std::uint32_t i = 0; i < 9'000; ++i) {  // 15 a second, for ten minutes
        const wall_time date{wall.seconds + i / 15};
        const auto now = start + std::chrono::milliseconds(i * 1000 / 15);
        heard += node.exchange.on_request(now, date, node.held, none, claimed(i), request_of(liar, i, date)) ? 1 : 0;
    }
    CHECK(heard == limits::broadcast_requests_of_member_max);
    const wall_time date{wall.seconds + 599};
    CHECK(node.exchange.on_request(start + 599s, date, node.held, none, at(3).address, request_of(honest, 1, date)));
    // Its share comes back when the first of its requests are out of date.
    const wall_time after{wall.seconds + 620};
    CHECK(node.exchange.on_request(start + 620s, after, node.held, none, at(1).address, request_of(liar, 10'000, after)));
}

TEST_CASE("as many members as fill a node's memory of requests don't keep another one's out", "[broadcast][hostile][REQ-SEC-1]") {
    member node(2), honest(3);
    const auto liars = limits::broadcast_nonces_max / limits::broadcast_requests_of_member_max;
    const auto first = request_of(honest, 1);
    REQUIRE(node.exchange.on_request(start, wall, node.held, none, at(3).address, first));
    for (std::size_t who = 0; who <= liars; ++who) {
        const member liar(static_cast<std::uint8_t>(10 + who));
        for (std::uint32_t i = 0; i < limits::broadcast_requests_of_member_max; ++i) {
            REQUIRE(node.exchange.on_request(start + 1s, wall, node.held, none, claimed(static_cast<std::uint32_t>(who)), request_of(liar, i)));
        }
    }
    CHECK(node.exchange.on_request(start + 2s, wall, node.held, none, at(3).address, request_of(honest, 2)));
    CHECK(node.exchange.counters().limited == 0);
}

TEST_CASE("whoever was shut out and knows the group key takes nothing from members that were heard", "[broadcast][hostile][REQ-SEC-2]") {
    member node(2), honest(3), lost(4);
    revocation_list list;
    list.revoked = {lost.self.id};
    REQUIRE(node.exchange.on_request(start, wall, node.held, list, at(3).address, request_of(honest, 1)));
    // In its own name: the list costs nothing to look at.
    for (std::uint32_t i = 0; i < 2'000; ++i) REQUIRE_FALSE(node.exchange.on_request(start, wall, node.held, list, claimed(i), request_of(lost, i)));
    CHECK(node.exchange.counters().limited == 0);
    // Under names that nobody signed: signatures are checked while there is a budget for those who were not heard.
    for (std::uint8_t host = 100; host < 200; ++host) {
        member invented(host);
        invented.held.own = credentials_for(invented.self.key, role::client, 7, good_until, 0x12).own;
        for (std::uint32_t i = 0; i < 10; ++i) {
            REQUIRE_FALSE(node.exchange.on_request(start + 1s, wall, node.held, list, claimed(host), request_of(invented, i)));
        }
    }
    CHECK(node.exchange.counters().limited > 0);
    CHECK(node.exchange.on_request(start + 1s, wall, node.held, list, at(3).address, request_of(honest, 2)));
}

TEST_CASE("signatures are checked of ten requests a second from an address, and of five hundred from all", "[broadcast][flood][REQ-SEC-1]") {
    const counting_crypto counted;
    member node(2, 7, counted), invented(9);
    invented.held.own = credentials_for(invented.self.key, role::client, 7, good_until, 0x12).own;
    std::uint32_t number = 0;
    const auto ask = [&](std::uint32_t address) {
        (void)node.exchange.on_request(start, wall, node.held, none, claimed(address), request_of(invented, number++));
    };
    for (int i = 0; i < 100; ++i) ask(1);
    CHECK(counted.verified == limits::broadcast_requests_per_address);
    for (std::uint32_t i = 0; i < 5'000; ++i) ask(i);
    CHECK(counted.verified <= static_cast<int>(limits::broadcast_requests_per_second));
    // Two addresses may share a bucket, but few do.
    CHECK(counted.verified > static_cast<int>(limits::broadcast_requests_per_second) * 9 / 10);
    CHECK(node.exchange.counters().limited == 5'100 - static_cast<std::uint64_t>(counted.verified));
}

TEST_CASE("a question is answered by so many members and no more", "[broadcast][REQ-SEC-1]") {
    member asker(1);
    const auto question = asker.exchange.ask(start, wall, asker.held, none, {});
    std::size_t heard = 0;
    for (std::uint32_t i = 0; i < limits::broadcast_answers_max + 10; ++i) {
        seeded_entropy random(1000 + i);
        const auto self = make_identity(crypto(), random);
        const auto held = credentials_for(self.key);
        const broadcast_request seen{asker.self.id, asker.self.key, question.nonce, 7, wall, {}};
        const auto answer = seal_broadcast_answer(crypto(), held, self, seen, {});
        heard += asker.exchange.on_answer(start + i * 5ms, wall, asker.held, none, claimed(i), answer) ? 1 : 0;
    }
    CHECK(heard == limits::broadcast_answers_max);
    CHECK(asker.exchange.counters().limited == 10);
}

TEST_CASE("answers of strangers who heard the question cost few key agreements", "[broadcast][flood][REQ-SEC-1]") {
    const counting_crypto counted;
    member asker(1, 7, counted), honest(3), stranger(66);
    stranger.held.own = credentials_for(stranger.self.key, role::client, 7, good_until, 0x12).own;  // nobody's signature
    const auto question = asker.exchange.ask(start, wall, asker.held, none, {});
    const broadcast_request seen{asker.self.id, asker.self.key, question.nonce, 7, wall, {}};
    const auto forged = seal_broadcast_answer(crypto(), stranger.held, stranger.self, seen, {});
    const auto genuine = seal_broadcast_answer(crypto(), honest.held, honest.self, seen, {});
    const auto hear = [&](time_point now, const ip_address& from, const bytes& answer) {
        return asker.exchange.on_answer(now, wall, asker.held, none, from, answer).has_value();
    };
    const auto on_link = [](std::uint64_t host) {
        std::array<std::uint8_t, 16> out{0xfe, 0x80};
        for (std::size_t i = 0; i < 8; ++i) out[15 - i] = static_cast<std::uint8_t>(host >> 8 * i);
        return ip_address::v6(out);
    };
    constexpr auto of_host = static_cast<int>(broadcast_answers_per_host);
    constexpr auto in_all = static_cast<int>(broadcast_answers_per_second);
    SECTION("from one address, IPv4") {
        for (int i = 0; i < 10'000; ++i) REQUIRE_FALSE(hear(start, at(66).address, forged));
        CHECK(counted.agreements == of_host);
        CHECK(counted.verified == of_host);
        CHECK(hear(start, at(3).address, genuine));
    }
    SECTION("from one address, IPv6: not the whole link pays for it") {
        for (int i = 0; i < 10'000; ++i) REQUIRE_FALSE(hear(start, on_link(66), forged));
        CHECK(counted.agreements == of_host);
        CHECK(hear(start, on_link(3), genuine));
    }
    SECTION("from forged addresses: as much as there is, and who answers when that has ended is heard") {
        for (std::uint32_t i = 0; i < 10'000; ++i) REQUIRE_FALSE(hear(start, claimed(i), forged));
        CHECK(counted.agreements <= in_all);
        CHECK(counted.agreements > in_all * 9 / 10);
        CHECK(hear(start + 1s, at(3).address, genuine));
    }
    SECTION("who has answered costs nothing any more, nor does who is no member by date or epoch") {
        REQUIRE(hear(start, at(3).address, genuine));
        auto late = stranger.held, old = stranger.held;
        late.own = credentials_for(stranger.self.key, role::client, 7, {wall.seconds - 1}).own;
        old.own = credentials_for(stranger.self.key, role::client, 5).own;
        const auto expired = seal_broadcast_answer(crypto(), late, stranger.self, seen, {});
        const auto ended = seal_broadcast_answer(crypto(), old, stranger.self, seen, {});
        for (int i = 0; i < 1'000; ++i) {
            for (const auto* answer : {&genuine, &expired, &ended}) REQUIRE_FALSE(hear(start, at(66).address, *answer));
        }
        CHECK(counted.agreements == 1);
        CHECK(asker.exchange.counters().limited == 0);
    }
}

TEST_CASE("a replay costs a look, and whoever asks as often as a client does is heard", "[broadcast][REQ-SEC-1]") {
    member a(1), b(2), c(3);
    const auto recorded = a.exchange.ask(start, wall, a.held, none, {});
    REQUIRE(b.exchange.on_request(start, wall, b.held, none, at(1).address, recorded.datagram));
    for (int i = 0; i < 100'000; ++i) REQUIRE_FALSE(b.exchange.on_request(start, wall, b.held, none, at(9).address, recorded.datagram));
    CHECK(b.exchange.counters().replayed == 100'000);
    CHECK(b.exchange.counters().limited == 0);
    // A client that asks for four contents every ten seconds, for ten minutes, is heard each time.
    for (std::uint32_t i = 0; i < 240; ++i) {
        const wall_time date{wall.seconds + i / 4 * 10};
        REQUIRE(b.exchange.on_request(start + i / 4 * 10s, date, b.held, none, at(3).address, request_of(c, i, date)));
    }
}

TEST_CASE("the largest broadcast fits a datagram", "[broadcast][REQ-MSG-3]") {
    member a(1), b(2);
    const auto question = a.exchange.ask(start, wall, a.held, none, bytes(broadcast_request_payload_max, 'x'));
    CHECK(question.datagram.size() == limits::datagram_bytes_max);
    CHECK(b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram));
}

TEST_CASE("a request dated in our future is answered once, to the last moment in which its date is good", "[broadcast][hostile][REQ-SEC-2]") {
    member a(1), b(2);
    const auto skew = limits::broadcast_clock_skew;
    const auto recorded = request_of(a, 1, {wall.seconds + skew.count()});
    REQUIRE(b.exchange.on_request(start, wall, b.held, none, at(1).address, recorded));
    const wall_time last{wall.seconds + 2 * skew.count()};
    CHECK_FALSE(b.exchange.on_request(start + 2 * skew + 900ms, last, b.held, none, at(1).address, recorded));
    CHECK(b.exchange.counters().replayed == 1);
}
