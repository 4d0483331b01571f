// Who is a member no longer: revocation lists, key epochs, and what they end (SEC-2).

#include <algorithm>

#include "envelope_world.hpp"
#include "p2pdist/envelope/broadcast.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

using namespace test_envelope;

namespace {

constexpr std::uint8_t signer = 0xee;

revocation_list list_of(std::uint64_t number, std::uint16_t oldest, std::vector<client_id> ids, std::uint8_t by = signer) {
    revocation_list list{number, wall, oldest, std::move(ids), {}};
    sign_revocations(crypto(), key_of_byte(by), list);
    return list;
}

bytes encoded(std::uint64_t number, std::uint16_t oldest, std::vector<client_id> ids, std::uint8_t by = signer) {
    return encode(list_of(number, oldest, std::move(ids), by));
}

std::vector<client_id> some_ids(random_source& random, std::size_t count) {
    std::vector<client_id> out(count);
    for (auto& id : out) {
        for (auto& byte : id.value) byte = static_cast<std::uint8_t>(random());
    }
    return out;
}

/// Members of an epoch that know the group key of the one before.
credentials in_grace(const public_key& key, std::uint16_t epoch) {
    auto held = credentials_for(key, role::client, epoch);
    held.former_group_key = credentials_for(key, role::client, static_cast<std::uint16_t>(epoch - 1)).group_key;
    return held;
}

}  // namespace

TEST_CASE("any revocation list is read back as it was, and only as a whole", "[envelope][property][REQ-SEC-2]") {
    random_source random(11);
    for (int round = 0; round < 40; ++round) {
        const auto count = round == 0 ? limits::revoked_clients_max : static_cast<std::size_t>(random.below(20));
        const auto list = list_of(1 + random.below(1000), static_cast<std::uint16_t>(random()), some_ids(random, count));
        const auto data = encode(list);
        const auto read = decode_revocation_list(data);
        REQUIRE(read);
        CHECK(*read == list);
        CHECK(verify_revocations(crypto(), crypto().ed25519_public(key_of_byte(signer)), *read));
        for (const auto& id : list.revoked) CHECK(is_revoked(*read, id));
        CHECK_FALSE(is_revoked(*read, some_ids(random, 1).front()));
        CHECK_FALSE(decode_revocation_list(byte_span(data).first(data.size() - 1)));
        auto longer = data;
        longer.insert(longer.begin() + 22, 16, std::uint8_t{0});  // one id more than the count says
        CHECK_FALSE(decode_revocation_list(longer));
    }
    auto data = encoded(3, 1, {});
    for (std::size_t at = 4; at < 12; ++at) data[at] = 0;
    CHECK_FALSE(decode_revocation_list(data));  // number 0 is "none"
}

TEST_CASE("random bytes and altered lists are never taken", "[envelope][property][REQ-SEC-2]") {
    random_source random(12);
    node a(1);
    const auto good = encoded(5, 7, some_ids(random, 3));
    each_mutation(good, [&](const bytes& altered) {
        const auto verdict = a.env.take_revocations(altered);
        REQUIRE((verdict == list_verdict::malformed || verdict == list_verdict::forged));
    });
    for (int round = 0; round < 2000; ++round) {
        bytes noise(random.below(300));
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        if (!noise.empty() && round % 2 == 0) noise[0] = 1;
        REQUIRE(a.env.take_revocations(noise) != list_verdict::taken);
    }
    CHECK(a.env.revocations().number == 0);
    CHECK(a.env.take_revocations(encoded(5, 7, {}, 0x11)) == list_verdict::forged);  // another organisation's
    CHECK(a.env.take_revocations(good) == list_verdict::taken);
    CHECK(a.env.take_revocations(good) == list_verdict::not_newer);
    CHECK(a.env.take_revocations(encoded(4, 7, {})) == list_verdict::not_newer);     // an old one, replayed
    CHECK(a.env.revocations().number == 5);
}

TEST_CASE("an unsorted list is not read: two forms of one list would have two signatures", "[envelope][REQ-SEC-2]") {
    random_source random(13);
    auto list = list_of(5, 1, some_ids(random, 4));
    std::swap(list.revoked[0], list.revoked[1]);
    CHECK_FALSE(decode_revocation_list(encode(list)));
    list = list_of(5, 1, some_ids(random, 4));
    list.revoked[1] = list.revoked[0];
    CHECK_FALSE(decode_revocation_list(encode(list)));
}

TEST_CASE("a certificate's signature does not fit a revocation list", "[envelope][REQ-SEC-2]") {
    auto list = list_of(5, 1, {});
    list.sig = credentials_for(key_of_byte(1)).own.sig;
    CHECK_FALSE(verify_revocations(crypto(), crypto().ed25519_public(key_of_byte(signer)), list));
}

TEST_CASE("a revoked peer loses its session, what waits for it, and the way back", "[envelope][REQ-SEC-2]") {
    node a(1), b(2), c(3);
    befriend(a, b);
    b.know(c);
    REQUIRE(b.say(start, c, "to the third") == send_status::kept);
    REQUIRE(a.say(start, b, "before") == send_status::sealed);
    const auto recorded = next(a);
    REQUIRE(b.env.take_revocations(encoded(1, 7, {a.identity.id, c.identity.id})) == list_verdict::taken);
    b.drain();
    CHECK(b.count<peer_revoked>() == 2);
    CHECK(b.count<peer_unreachable>() == 0);
    b.sent.clear();

    CHECK_FALSE(b.env.knows(a.identity.id));
    CHECK(b.say(start, a, "x") == send_status::unknown_peer);
    CHECK_FALSE(b.env.add_peer(a.identity.id, a.identity.key));  // not even from a roster
    CHECK_FALSE(b.take(start, recorded, at(1)));
    REQUIRE(a.say(start, b, "after") == send_status::sealed);
    CHECK_FALSE(b.take(start, next(a), at(1)));
    b.env.on_timer(start + 30s);  // the hello to the third is not repeated
    b.drain();
    CHECK(b.sent.empty());

    a.env.start_anew();  // a new hello
    REQUIRE(a.say(start, b, "let me in") == send_status::kept);
    CHECK_FALSE(b.take(start, next(a), at(1)));
    b.drain();
    CHECK(b.sent.empty());
    CHECK(b.env.counters().revoked == 1);
    CHECK(b.heard.empty());
}

TEST_CASE("a revoked answerer gets no session either", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    b.know(a);
    REQUIRE(a.say(start, b, "hi") == send_status::kept);
    const auto hello = next(a);
    (void)b.take(start, hello, at(1));
    const auto welcome = next(b);
    REQUIRE(a.env.take_revocations(encoded(1, 7, {b.identity.id})) == list_verdict::taken);
    (void)a.take(start, welcome, at(2));
    a.drain();
    CHECK_FALSE(a.env.has_session(b.identity.id));
    CHECK(a.sent.empty());
}

TEST_CASE("a reinstated peer is met again", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    REQUIRE(b.env.take_revocations(encoded(1, 7, {a.identity.id})) == list_verdict::taken);
    REQUIRE(b.env.take_revocations(encoded(2, 7, {})) == list_verdict::taken);
    b.know(a);
    REQUIRE(b.say(start, a, "welcome back") == send_status::kept);
    settle(start, a, b);
    CHECK(a.heard == texts{"welcome back"});
}

TEST_CASE("members of two neighbouring epochs meet, with and without a list; older ones don't", "[envelope][REQ-SEC-2]") {
    node young(1, role::client, 8);
    const auto meet = [&](std::uint16_t epoch, bool older_begins) {
        node older(2, role::client, epoch);
        older.know(young);
        young.know(older);
        auto& first = older_begins ? older : young;
        auto& second = older_begins ? young : older;
        REQUIRE(first.say(start, second, "hi") == send_status::kept);
        settle(start, first, second);
        const bool heard = second.heard == texts{"hi"};
        second.heard.clear();
        young.env.forget_peer(older.identity.id);
        return heard;
    };
    for (const bool older_begins : {true, false}) {
        CHECK(meet(7, older_begins));
        CHECK_FALSE(meet(6, older_begins));
    }
    CHECK(young.env.counters().other_epoch > 0);
    REQUIRE(young.env.take_revocations(encoded(1, 8, {})) == list_verdict::taken);
    for (const bool older_begins : {true, false}) CHECK_FALSE(meet(7, older_begins));
}

TEST_CASE("sessions go on through a renewal and end with the grace, and come back by themselves", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    a.env.set_credentials(in_grace(a.identity.key, 8));
    CHECK(a.env.has_session(b.identity.id));
    REQUIRE(b.say(start, a, "still") == send_status::sealed);
    REQUIRE(a.take(start, next(b), at(2)));
    b.env.set_credentials(in_grace(b.identity.key, 8));
    CHECK(b.env.has_session(a.identity.id));
    // The end of the grace reaches b first: the session was made with certificates of the former epoch.
    REQUIRE(b.env.take_revocations(encoded(1, 8, {})) == list_verdict::taken);
    CHECK_FALSE(b.env.has_session(a.identity.id));
    REQUIRE(a.say(start, b, "lost, said again by those above") == send_status::sealed);
    settle(start, a, b);  // session_unknown, hello, welcome
    REQUIRE(a.say(start, b, "again") == send_status::sealed);
    settle(start, a, b);
    CHECK(b.heard == texts{"again"});
}

TEST_CASE("an outdated member is heard by the server alone, and shown as what it is", "[envelope][REQ-SEC-2]") {
    envelope_config config;
    config.admit_lapsed = true;
    node server(1, role::server, 9, config);
    node late(2, role::client, 5);
    befriend(late, server);
    REQUIRE(late.say(start, server, "renew me") == send_status::sealed);
    const auto heard = server.take(start, next(late), at(2));
    REQUIRE(heard);
    CHECK(heard->sender_standing == standing::outdated);
    // Whoever begins: a session of the server's making is judged by the certificate too.
    node other(3, role::client, 5);
    server.know(other);
    REQUIRE(server.say(start, other, "news") == send_status::kept);
    other.know(server);
    settle(start, server, other);
    REQUIRE(other.say(start, server, "hm") == send_status::sealed);
    const auto again = server.take(start, next(other), at(3));
    REQUIRE(again);
    CHECK(again->sender_standing == standing::outdated);
}

TEST_CASE("the server still hears a revoked one, to tell it so; a running session shows it at once", "[envelope][REQ-SEC-2]") {
    envelope_config config;
    config.admit_lapsed = true;
    node server(1, role::server, 7, config);
    node client(2);
    befriend(client, server);
    REQUIRE(client.say(start, server, "one") == send_status::sealed);
    CHECK(server.take(start, next(client), at(2))->sender_standing == standing::member);
    REQUIRE(server.env.take_revocations(encoded(1, 7, {client.identity.id})) == list_verdict::taken);
    server.drain();
    CHECK(server.count<peer_revoked>() == 1);
    REQUIRE(client.say(start, server, "two") == send_status::sealed);
    CHECK(server.take(start, next(client), at(2))->sender_standing == standing::revoked);
}

TEST_CASE("after a resume no session, boot id or nonce is used again", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    befriend(a, b);
    const auto session = a.env.current_session(b.identity.id);
    const auto left = a.env.start_anew();
    CHECK(left == std::vector<client_id>{b.identity.id});
    CHECK_FALSE(a.env.has_session(b.identity.id));
    CHECK_FALSE(a.env.flow_key(b.identity.id, *session, 1, a.identity.id));
    REQUIRE(a.say(start, b, "as new") == send_status::kept);
    settle(start, a, b);
    CHECK(b.heard == texts{"as new"});
    REQUIRE(b.count<session_ready>() == 1);
    CHECK(std::get<session_ready>(b.events.front()).restarted);
    CHECK(a.env.current_session(b.identity.id) != session);
}

TEST_CASE("a hello that waits at a resume leaves again with another nonce", "[envelope][REQ-SEC-2]") {
    node a(1), b(2);
    a.know(b);
    REQUIRE(a.say(start, b, "kept over the resume") == send_status::kept);
    const auto before = next(a);
    (void)a.env.start_anew();
    a.env.on_timer(start);
    const auto after = next(a);
    CHECK_FALSE(std::equal(before.begin() + 24, before.begin() + 48, after.begin() + 24));  // boot id and nonce
    (void)b.take(start, before, at(1));
    (void)a.take(start, next(b), at(2));  // the welcome to the former self
    CHECK_FALSE(a.env.has_session(b.identity.id));
    (void)b.take(start, after, at(1));
    settle(start, a, b);
    CHECK(b.heard == texts{"kept over the resume"});
}

TEST_CASE("broadcasts cross the two epochs of a grace, both ways, and end with it", "[broadcast][REQ-SEC-2][REQ-MSG-3]") {
    struct one {
        explicit one(std::uint8_t host, std::uint16_t epoch)
            : random(host), self(identity_from_secret(crypto(), key_of_byte(host))), held(in_grace(self.key, epoch)), exchange(crypto(), random, self) {}
        seeded_entropy random;
        node_identity self;
        credentials held;
        broadcast_exchange exchange;
    };
    one renewed(1, 8), late(2, 7);
    const auto ask = [&](one& asker, one& other, const revocation_list& rules) {
        const auto question = asker.exchange.ask(start, wall, asker.held, rules, as_bytes("?"));
        const auto heard = other.exchange.on_request(start, wall, other.held, rules, at(1).address, question.datagram);
        if (!heard) return false;
        const auto answer = seal_broadcast_answer(crypto(), other.held, other.self, *heard, as_bytes("!"));
        return asker.exchange.on_answer(start, wall, asker.held, rules, at(2).address, answer).has_value();
    };
    const auto grace = list_of(1, 7, {});
    CHECK(ask(renewed, late, grace));
    CHECK(ask(late, renewed, grace));
    const auto over = list_of(2, 8, {});
    CHECK_FALSE(ask(renewed, late, over));
    CHECK_FALSE(ask(late, renewed, over));
    late.held = in_grace(late.self.key, 8);
    CHECK(ask(renewed, late, over));

    // Grace or not: the revoked one is not heard, nor believed.
    const auto without = list_of(3, 7, {late.self.id});
    CHECK_FALSE(ask(late, renewed, without));
    const auto question = renewed.exchange.ask(start, wall, renewed.held, without, as_bytes("?"));
    const auto heard = late.exchange.on_request(start, wall, late.held, grace, at(1).address, question.datagram);
    REQUIRE(heard);
    const auto answer = seal_broadcast_answer(crypto(), late.held, late.self, *heard, as_bytes("!"));
    CHECK_FALSE(renewed.exchange.on_answer(start, wall, renewed.held, without, at(2).address, answer));
}

TEST_CASE("a server whose database was set back is heard by members of later epochs", "[envelope][hostile][REQ-SEC-2]") {
    envelope_config config;
    config.admit_lapsed = true;
    node server(200, role::server, 7, config), member(1, role::client, 9), again(3, role::client, 7);
    REQUIRE(member.env.take_revocations(encoded(12, 9, {})) == list_verdict::taken);
    REQUIRE(again.env.take_revocations(encoded(12, 9, {})) == list_verdict::taken);   // it enrolled again, under the restored server's epoch
    for (auto* one : {&member, &again}) {
        one->know(server);
        server.know(*one);
        REQUIRE(one->say(start, server, "hello") == send_status::kept);
        settle(start, *one, server);
        CHECK(one->env.has_session(server.identity.id));
        REQUIRE(server.say(start, *one, "which list have you?") == send_status::sealed);
        settle(start, server, *one);
        CHECK(one->heard.back() == "which list have you?");
    }
    CHECK(server.count<newer_epoch_seen>() == 1);
    // A client of an old epoch is let in by neither.
    node late(2, role::client, 7);
    late.know(member);
    REQUIRE(late.say(start, member, "hi") == send_status::kept);
    settle(start, late, member);
    CHECK_FALSE(late.env.has_session(member.identity.id));
}

TEST_CASE("a newer list does not let former epochs in again", "[envelope][hostile][REQ-SEC-2]") {
    node member(1, role::client, 9);
    REQUIRE(member.env.take_revocations(encoded(12, 9, {})) == list_verdict::taken);
    CHECK(member.env.take_revocations(encoded(1'800'000'000, 7, {})) == list_verdict::not_newer);
    CHECK(member.env.revocations().number == 12);
    CHECK(member.env.take_revocations(encoded(1'800'000'001, 9, {})) == list_verdict::taken);
}
