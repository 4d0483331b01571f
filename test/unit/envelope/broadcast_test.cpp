#include "envelope_world.hpp"
#include "p2pdist/envelope/broadcast.hpp"

using namespace test_envelope;

namespace {

const revocation_list none;

struct member {
    explicit member(std::uint8_t host, std::uint16_t epoch = 7)
        : random(host), self(identity_from_secret(crypto(), key_of_byte(host))), held(credentials_for(self.key, role::client, epoch)),
          exchange(crypto(), random, self) {}
    seeded_entropy random;
    node_identity self;
    credentials held;
    broadcast_exchange exchange;
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
    const auto got = a.exchange.on_answer(start, wall, a.held, none, answer);
    REQUIRE(got);
    CHECK(got->from == b.self.id);
    CHECK(got->key == b.self.key);
    CHECK(got->payload.size() == broadcast_answer_payload_max);
    CHECK_FALSE(a.exchange.on_answer(start, wall, a.held, none, answer));
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
    each_mutation(answer, [&](const bytes& altered) { REQUIRE_FALSE(a.exchange.on_answer(start, wall, a.held, none, altered)); });
    CHECK(a.exchange.on_answer(start, wall, a.held, none, answer));
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
    CHECK_FALSE(c.exchange.on_answer(start, wall, c.held, none, answer));
    CHECK_FALSE(a.exchange.on_answer(start + limits::broadcast_answer_time, wall, a.held, none, answer));
    CHECK(a.exchange.counters().stale == 1);
    // c answers with b's certificate.
    auto as_b = c.held;
    as_b.own = b.held.own;
    CHECK_FALSE(a.exchange.on_answer(start, wall, a.held, none, seal_broadcast_answer(crypto(), as_b, c.self, *heard, {})));
    CHECK(a.exchange.on_answer(start, wall, a.held, none, answer));
    for (std::size_t i = 0; i < limits::broadcast_questions_max; ++i) (void)a.exchange.ask(start + 1s, wall, a.held, none, {});
    const auto late = seal_broadcast_answer(crypto(), c.held, c.self, *heard, {});
    CHECK_FALSE(a.exchange.on_answer(start + 1s, wall, a.held, none, late));  // the oldest question went
    CHECK(a.exchange.counters().stale == 2);
}

TEST_CASE("a member remembers so many requests and then answers no more", "[broadcast][REQ-SEC-1]") {
    member a(1), b(2);
    broadcast_nonce nonce{};
    for (std::size_t i = 0; i <= limits::broadcast_nonces_max; ++i) {
        nonce[0] = static_cast<std::uint8_t>(i);
        nonce[1] = static_cast<std::uint8_t>(i >> 8);
        const auto asker = ip_address::v4(0x0a000000u + static_cast<std::uint32_t>(i % 250));
        const auto asked = seal_broadcast_request(crypto(), a.held, none, wall, nonce, {});
        const auto heard = b.exchange.on_request(start + i * 2ms, wall, b.held, none, asker, asked);
        REQUIRE(heard.has_value() == (i < limits::broadcast_nonces_max));
    }
    CHECK(b.exchange.counters().limited == 1);
    const auto later = start + 2 * limits::broadcast_clock_skew + 30s;
    CHECK(b.exchange.on_request(later, wall, b.held, none, at(1).address, seal_broadcast_request(crypto(), a.held, none, wall, nonce, {})));
}

TEST_CASE("a replay costs a look, and one member's requests do not fill the memory of them", "[broadcast][REQ-SEC-1]") {
    member a(1), b(2), c(3);
    const auto recorded = a.exchange.ask(start, wall, a.held, none, {});
    REQUIRE(b.exchange.on_request(start, wall, b.held, none, at(1).address, recorded.datagram));
    for (int i = 0; i < 100'000; ++i) REQUIRE_FALSE(b.exchange.on_request(start, wall, b.held, none, at(9).address, recorded.datagram));
    CHECK(b.exchange.counters().replayed == 100'000);
    CHECK(b.exchange.counters().limited == 0);
    // Ten minutes of a member that asks twenty times a second.
    broadcast_nonce nonce{};
    std::size_t heard = 0;
    for (std::uint32_t i = 0; i < 12'000; ++i) {
        for (std::size_t byte = 0; byte < 4; ++byte) nonce[byte] = static_cast<std::uint8_t>(i >> 8 * byte);
        const wall_time date{wall.seconds + i / 20};
        const auto asked = seal_broadcast_request(crypto(), a.held, none, date, nonce, {});
        heard += b.exchange.on_request(start + i * 50ms, date, b.held, none, at(1).address, asked) ? 1 : 0;
    }
    CHECK(heard > 5900);
    CHECK(heard < limits::broadcast_nonces_max - 1000);
    const wall_time date{wall.seconds + 600};
    CHECK(b.exchange.on_request(start + 600s, date, b.held, none, at(3).address, c.exchange.ask(start + 600s, date, c.held, none, {}).datagram));
}

TEST_CASE("the largest broadcast fits a datagram", "[broadcast][REQ-MSG-3]") {
    member a(1), b(2);
    const auto question = a.exchange.ask(start, wall, a.held, none, bytes(broadcast_request_payload_max, 'x'));
    CHECK(question.datagram.size() == limits::datagram_bytes_max);
    CHECK(b.exchange.on_request(start, wall, b.held, none, at(1).address, question.datagram));
}
