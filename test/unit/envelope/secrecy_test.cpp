// What whoever recorded an enrolment or a renewal can read when every key that lasts has leaked. The keys are made here as
// docs/wire-format.md has them, so that the one that does open shows that the others were made aright.

#include "envelope_world.hpp"
#include "p2pdist/envelope/enrolment.hpp"
#include "p2pdist/envelope/renewal.hpp"

using namespace test_envelope;

namespace {

bytes joined(std::initializer_list<byte_span> parts) {
    bytes out;
    for (const auto part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

/// The plaintext of nonce (12) || ciphertext || tag, if the key is the right one.
std::optional<bytes> opened_by(const secret_key& key, byte_span associated, byte_span box) {
    aead_nonce nonce{};
    std::copy_n(box.begin(), nonce.size(), nonce.begin());
    return crypto().aead_open(key, nonce, associated, box.subspan(nonce.size()));
}

secret_key agreed(const secret_key& secret, const public_key& other) {
    const auto out = crypto().x25519_shared(secret, other);
    REQUIRE(out);
    return *out;
}

public_key key_at(byte_span frame, std::size_t offset) {
    public_key out{};
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return out;
}

}  // namespace

TEST_CASE("a recorded enrolment opens to nobody who learns the enrolment key and the device's key later", "[enrolment][REQ-SEC-1][REQ-CON-3]") {
    seeded_entropy client_random(31), server_random(32);
    const auto enrolment_key = key_of_byte(0x42);
    const auto self = identity_from_secret(crypto(), key_of_byte(1));
    const auto server_end = at(200, 34323), client_end = at(1, 34324);
    enrolment_client client(crypto(), client_random, self, {enrolment_key, {34324, server_end}, to_bytes(as_bytes("a laptop")), {}});
    enrolment_server server(crypto(), server_random, {enrolment_key, {}, 4});
    client.start(start);
    const auto hello = client.poll()->header;
    server.on_datagram(start, {server_end, client_end, start, 0, hello});
    const auto answer = std::get<send_datagram>(*server.poll()).header;
    client.on_datagram(start, wall, {client_end, server_end, start, 0, answer});
    const auto request = client.poll()->header;
    server.on_datagram(start, {server_end, client_end, start, 0, request});
    const auto handle = std::get<enrolment_request>(*server.poll()).handle;
    const auto server_key = identity_from_secret(crypto(), key_of_byte(200)).key;
    REQUIRE(server.grant(start, handle, {credentials_for(self.key), credentials_for(server_key, role::server).own, {}}));
    const auto grant = std::get<send_datagram>(*server.poll()).header;

    const auto transcript = crypto().sha256({hello, answer});
    const auto opens = [&](byte_span material) {
        const auto to_request = derive_key(crypto(), enrolment_key, material, {as_bytes("p2pdist enrol request"), transcript});
        const auto to_grant = derive_key(crypto(), enrolment_key, material, {as_bytes("p2pdist enrol grant"), transcript});
        const byte_span asked = request, granted = grant;
        const bool one = opened_by(to_request, asked.first(52), asked.subspan(52)).has_value();
        const bool other = opened_by(to_grant, granted.first(20), granted.subspan(20)).has_value();
        return one || other;
    };
    const auto of_device = key_at(hello, 48), of_server = key_at(answer, 20);
    const auto by_identity = agreed(self.secret, of_server);
    const secret_key none{};
    CHECK_FALSE(opens({}));
    CHECK_FALSE(opens(joined({none, none})));
    CHECK_FALSE(opens(joined({of_device, of_server})));
    CHECK_FALSE(opens(joined({of_server, of_device})));
    CHECK_FALSE(opens(by_identity));
    CHECK_FALSE(opens(joined({none, by_identity})));
    CHECK_FALSE(opens(joined({by_identity, by_identity})));
    // What neither side keeps: the device's secret of this exchange, the first that it drew.
    const auto ephemeral = seeded_entropy(31).array<32>();
    REQUIRE(crypto().x25519_public(ephemeral) == of_device);
    CHECK(opens(joined({agreed(ephemeral, of_server), by_identity})));
}

TEST_CASE("a recorded renewal opens to nobody who learns both sides' keys later", "[envelope][REQ-SEC-1][REQ-SEC-2]") {
    seeded_entropy member_random(1), server_random(2);
    const auto member = identity_from_secret(crypto(), key_of_byte(1)), server = identity_from_secret(crypto(), key_of_byte(2));
    const renewal asked(crypto(), member_random);
    const enrolment_grant what{credentials_for(member.key), credentials_for(server.key, role::server).own, {}};
    const auto reply = seal_renewal(crypto(), server_random, server, member.key, asked.ephemeral(), what);
    REQUIRE(reply);

    const auto of_server = key_at(*reply, 0);
    const auto facts = joined({member.key, server.key, asked.ephemeral(), of_server});
    const auto opens = [&](byte_span material) {
        const auto key = derive_key(crypto(), as_bytes("p2pdist renewal"), material, {facts});
        return opened_by(key, facts, byte_span(*reply).subspan(32)).has_value();
    };
    const auto by_member = agreed(member.secret, of_server), by_server = agreed(server.secret, asked.ephemeral());
    const auto by_both = agreed(member.secret, server.key);
    const secret_key none{};
    CHECK_FALSE(opens({}));
    CHECK_FALSE(opens(joined({by_member, by_server})));
    CHECK_FALSE(opens(joined({none, by_member, by_server})));
    CHECK_FALSE(opens(joined({by_both, by_member, by_server})));
    CHECK_FALSE(opens(joined({asked.ephemeral(), by_member, by_server})));
    const auto ephemeral = seeded_entropy(1).array<32>();  // what the member forgets
    REQUIRE(crypto().x25519_public(ephemeral) == asked.ephemeral());
    CHECK(opens(joined({agreed(ephemeral, of_server), by_member, by_server})));
}
