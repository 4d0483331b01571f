// New certificates without the enrolment key, and encryption that a repeated state does not break (SEC-2).

#include "envelope_world.hpp"
#include "p2pdist/envelope/renewal.hpp"

using namespace test_envelope;

namespace {

struct parties {
    seeded_entropy member_random{1}, server_random{2};
    node_identity member = identity_from_secret(crypto(), key_of_byte(1));
    node_identity server = identity_from_secret(crypto(), key_of_byte(2));
    credentials held = credentials_for(member.key);

    enrolment_grant grant(std::uint16_t epoch = 8, wall_time until = good_until, std::uint8_t signer = 0xee) const {
        return {credentials_for(member.key, role::client, epoch, until, signer), credentials_for(server.key, role::server, epoch, until, signer).own, {}};
    }
    bytes seal(const public_key& ephemeral, const enrolment_grant& what) {
        const auto sealed = seal_renewal(crypto(), server_random, server, member.key, ephemeral, what);
        REQUIRE(sealed);
        return *sealed;
    }
};

}  // namespace

TEST_CASE("a member gets new credentials that only it can read", "[envelope][REQ-SEC-2]") {
    parties with;
    const renewal asked(crypto(), with.member_random);
    const auto what = with.grant();
    const auto sealed = with.seal(asked.ephemeral(), what);
    CHECK(sealed.size() <= envelope::payload_bytes_max / 2);
    const auto got = asked.open(with.member, with.held, with.server.key, wall, sealed);
    REQUIRE(got);
    CHECK(*got == what);
    const auto text = to_hex(sealed);
    CHECK(text.find(to_hex(what.held.group_key)) == std::string::npos);

    const renewal another(crypto(), with.member_random);  // the same member later
    CHECK_FALSE(another.open(with.member, with.held, with.server.key, wall, sealed));
    const auto stranger = identity_from_secret(crypto(), key_of_byte(3));
    CHECK_FALSE(asked.open(stranger, with.held, with.server.key, wall, sealed));
    each_mutation(sealed, [&](const bytes& altered) {
        REQUIRE_FALSE(asked.open(with.member, with.held, with.server.key, wall, altered));
    });
}

TEST_CASE("a renewal that does not fit is refused with its reason", "[envelope][REQ-SEC-2]") {
    parties with;
    const renewal asked(crypto(), with.member_random);
    const auto refused = [&](const enrolment_grant& what) {
        const auto got = asked.open(with.member, with.held, with.server.key, wall, with.seal(asked.ephemeral(), what));
        REQUIRE_FALSE(got);
        return got.error().message;
    };
    CHECK(refused(with.grant(8, wall_time{wall.seconds - 1})).find("clock") != std::string::npos);
    CHECK(refused(with.grant(8, good_until, 0x11)).find("cannot be read") != std::string::npos);  // another signing key
    auto others = with.grant();
    others.held.own = credentials_for(key_of_byte(9), role::client, 8).own;
    CHECK(refused(others).find("does not fit") != std::string::npos);
    CHECK_FALSE(seal_renewal(crypto(), with.server_random, with.server, with.member.key, public_key{}, with.grant()));
}

TEST_CASE("a server set back to a snapshot seals no two grants alike", "[envelope][REQ-SEC-2]") {
    parties with;
    const renewal asked(crypto(), with.member_random);
    // The same state and the same random numbers twice; only the date differs, as it would after a resume.
    with.server_random = seeded_entropy(77);
    const auto before = with.seal(asked.ephemeral(), with.grant(8, good_until));
    with.server_random = seeded_entropy(77);
    const auto after = with.seal(asked.ephemeral(), with.grant(8, wall_time{good_until.seconds + 1}));
    REQUIRE(std::equal(before.begin(), before.begin() + 32, after.begin()));       // the ephemeral key did repeat
    CHECK_FALSE(std::equal(before.begin() + 32, before.begin() + 44, after.begin() + 32));  // the nonce did not
    CHECK(asked.open(with.member, with.held, with.server.key, wall, after));
}

TEST_CASE("a snapshot taken in mid-enrolment does not repeat a nonce", "[enrolment][REQ-SEC-2]") {
    // Two runs of one server from the same state, the second a second later: all but the certificate's date is alike.
    const auto grant_of = [](wall_time until) {
        seeded_entropy client_random(31), server_random(32);
        const auto self = identity_from_secret(crypto(), key_of_byte(1));
        const auto server_end = at(200, 34323), client_end = at(1, 34324);
        enrolment_client client(crypto(), client_random, self, {key_of_byte(0x42), {34324, server_end}, {}, {}});
        enrolment_server server(crypto(), server_random, {key_of_byte(0x42), {}, 4});
        client.start(start);
        server.on_datagram(start, {server_end, client_end, start, 0, client.poll()->header});
        client.on_datagram(start, wall, {client_end, server_end, start, 0, std::get<send_datagram>(*server.poll()).header});
        server.on_datagram(start, {server_end, client_end, start, 0, client.poll()->header});
        const auto handle = std::get<enrolment_request>(*server.poll()).handle;
        const auto server_key = identity_from_secret(crypto(), key_of_byte(200)).key;
        REQUIRE(server.grant(start, handle, {credentials_for(self.key, role::client, 7, until), credentials_for(server_key, role::server).own, {}}));
        const auto sealed = std::get<send_datagram>(*server.poll()).header;
        client.on_datagram(start, wall, {client_end, server_end, start, 0, sealed});
        REQUIRE((client.outcome() && client.outcome()->has_value()));
        return sealed;
    };
    const auto before = grant_of(good_until), after = grant_of(wall_time{good_until.seconds + 1});
    REQUIRE(std::equal(before.begin(), before.begin() + 20, after.begin()));                // the same exchange, and so the same key
    CHECK_FALSE(std::equal(before.begin() + 20, before.begin() + 32, after.begin() + 20));  // another nonce
    CHECK(grant_of(good_until) == before);                                                  // the same plaintext: the same bytes, nothing learned
}
