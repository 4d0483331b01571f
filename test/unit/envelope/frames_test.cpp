// Identities, certificates, data frames, and the small parts inside the room.

#include "envelope_world.hpp"
#include "p2pdist/envelope/data_frame.hpp"

using namespace test_envelope;

TEST_CASE("an identity follows from its secret", "[identity][REQ-SEC-1]") {
    seeded_entropy random(1);
    const auto made = make_identity(crypto(), random);
    const auto again = identity_from_secret(crypto(), made.secret);
    CHECK(made.key == again.key);
    CHECK(made.id == again.id);
    const auto hash = crypto().sha256({as_bytes("p2pdist id"), made.key});
    CHECK(std::equal(made.id.value.begin(), made.id.value.end(), hash.begin()));
    CHECK(make_identity(crypto(), random).id != made.id);
}

TEST_CASE("a certificate is judged by signature, date and epoch", "[certificate][REQ-SEC-1]") {
    const auto seed = key_of_byte(0xee);
    const auto signer = crypto().ed25519_public(seed);
    const auto cert = sign_certificate(crypto(), seed, role::server, key_of_byte(3), 7, good_until);
    CHECK(verify_certificate(crypto(), signer, cert, wall, 7) == certificate_verdict::good);
    CHECK(verify_certificate(crypto(), signer, cert, good_until, 7) == certificate_verdict::good);
    CHECK(verify_certificate(crypto(), signer, cert, wall_time{good_until.seconds + 1}, 7) == certificate_verdict::expired);
    CHECK(verify_certificate(crypto(), signer, cert, wall, 8) == certificate_verdict::other_epoch);
    CHECK(verify_certificate(crypto(), crypto().ed25519_public(key_of_byte(1)), cert, wall, 7) == certificate_verdict::bad_signature);

    bytes encoded;
    encode(cert, encoded);
    REQUIRE(encoded.size() == certificate::size_bytes);
    CHECK(decode_certificate(encoded) == cert);
    each_mutation(encoded, [&](const bytes& altered) {
        const auto read = decode_certificate(altered);
        REQUIRE((!read || verify_certificate(crypto(), signer, *read, wall, read->key_epoch) == certificate_verdict::bad_signature));
    });
}

TEST_CASE("credentials are read back as they were written", "[certificate]") {
    const auto held = credentials_for(key_of_byte(3));
    bytes encoded;
    encode(held, encoded);
    REQUIRE(encoded.size() == credentials::size_bytes);
    CHECK(decode_credentials(encoded) == held);
    encoded.pop_back();
    CHECK_FALSE(decode_credentials(encoded));
}

TEST_CASE("a data frame's tag covers header and length, the strict one's the payload too", "[data][REQ-SEC-2][REQ-SEC-3]") {
    short_key key{};
    key.fill(9);
    const bytes payload(100, 'p');
    for (const auto type : {frame_type::data, frame_type::data_strict}) {
        const data_header header{type, data_flag_feedback_now, 0xdeadbeef, 17, 123456, 0x123456789abc};
        bytes datagram{0xff};  // appended to what is there
        seal_data(crypto(), key, header, payload, datagram);
        datagram.erase(datagram.begin());
        REQUIRE(datagram.size() == data_overhead_bytes);
        datagram.insert(datagram.end(), payload.begin(), payload.end());
        const auto read = open_data(crypto(), key, datagram);
        REQUIRE(read);
        CHECK(read->header == header);
        CHECK(to_bytes(read->payload) == payload);
        std::size_t accepted = 0;
        each_mutation(datagram, [&](const bytes& altered) { accepted += open_data(crypto(), key, altered) ? 1u : 0u; });
        CHECK(accepted == (type == frame_type::data ? 8 * payload.size() : 0));
        short_key other{};
        CHECK_FALSE(open_data(crypto(), other, datagram));
    }
}
