// Published vectors: FIPS 180-4 examples, RFC 4231, RFC 5869, RFC 7748, RFC 8032, RFC 8439, and the SipHash paper's appendix.

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "p2pdist/driver/openssl_crypto.hpp"

using namespace p2pdist;

namespace {

const crypto_suite& crypto() {
    static const auto suite = make_openssl_crypto();
    return *suite;
}

bytes hex(std::string_view text) {
    auto out = from_hex(text);
    REQUIRE(out);
    return *out;
}

template <class Array>
Array array_of(std::string_view text) {
    const auto data = hex(text);
    Array out{};
    REQUIRE(data.size() == out.size());
    std::copy(data.begin(), data.end(), out.begin());
    return out;
}

}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180-4", "[crypto][REQ-XFER-4]") {
    CHECK(to_hex(crypto().sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(crypto().sha256({as_bytes("abc")})) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(crypto().sha256({as_bytes("abcdbcdecdefdefgefghfghighij"), {}, as_bytes("hijkijkljklmklmnlmnomnopnopq")})) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(to_hex(crypto().sha256({bytes(1'000'000, 'a')})) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("HMAC-SHA-256 gives the tags of RFC 4231", "[crypto][REQ-SEC-2]") {
    CHECK(to_hex(crypto().hmac_sha256(bytes(20, 0x0b), {as_bytes("Hi There")})) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(crypto().hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(crypto().hmac_sha256(bytes(20, 0xaa), {bytes(50, 0xdd)})) ==
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    CHECK(to_hex(crypto().hmac_sha256(bytes(131, 0xaa), {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("derive_key gives the first 32 bytes of RFC 5869's outputs", "[crypto][REQ-SEC-1]") {
    CHECK(to_hex(derive_key(crypto(), hex("000102030405060708090a0b0c"), bytes(22, 0x0b), {hex("f0f1f2f3f4"), hex("f5f6f7f8f9")})) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    CHECK(to_hex(derive_key(crypto(), {}, bytes(22, 0x0b), {})) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST_CASE("SipHash-2-4 gives the tags of its paper, however the message is split", "[crypto][REQ-SEC-2]") {
    short_key key{};
    bytes message;
    for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
    for (std::uint8_t i = 0; i < 15; ++i) message.push_back(i);
    CHECK(crypto().siphash(key, {message}) == 0xa129ca6149be45e5u);
    CHECK(crypto().siphash(key, {}) == 0x726fdb47dd0e0e31u);
    CHECK(crypto().siphash(key, {byte_span(message).first(8)}) == 0x93f5f5799a932462u);

    bytes longer(100);
    for (std::size_t i = 0; i < longer.size(); ++i) longer[i] = static_cast<std::uint8_t>(i * 7);
    const byte_span all(longer);
    const auto whole = crypto().siphash(key, {all});
    for (std::size_t cut = 0; cut <= longer.size(); ++cut) CHECK(crypto().siphash(key, {all.first(cut), {}, all.subspan(cut)}) == whole);
}

TEST_CASE("X25519 agrees as in RFC 7748", "[crypto][REQ-SEC-1]") {
    // Section 6.1.
    const auto alice = array_of<secret_key>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const auto bob = array_of<secret_key>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    CHECK(to_hex(crypto().x25519_public(alice)) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    CHECK(to_hex(crypto().x25519_public(bob)) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const auto shared = crypto().x25519_shared(alice, crypto().x25519_public(bob));
    REQUIRE(shared);
    CHECK(to_hex(*shared) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    CHECK(shared == crypto().x25519_shared(bob, crypto().x25519_public(alice)));

    // Section 5.2, the first vector of the function itself.
    const auto scalar = array_of<secret_key>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    const auto point = array_of<public_key>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    const auto product = crypto().x25519_shared(scalar, point);
    REQUIRE(product);
    CHECK(to_hex(*product) == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST_CASE("X25519 refuses points of small order", "[crypto][REQ-SEC-1]") {
    const auto secret = array_of<secret_key>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    CHECK_FALSE(crypto().x25519_shared(secret, public_key{}));
    public_key one{};
    one[0] = 1;
    CHECK_FALSE(crypto().x25519_shared(secret, one));
    CHECK_FALSE(crypto().x25519_shared(secret, array_of<public_key>("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")));
}

TEST_CASE("Ed25519 signs as in RFC 8032", "[crypto][REQ-SEC-1]") {
    const auto seed = array_of<secret_key>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const auto key = crypto().ed25519_public(seed);
    CHECK(to_hex(key) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    auto sig = crypto().ed25519_sign(seed, {});
    CHECK(
        to_hex(sig) ==
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    CHECK(crypto().ed25519_verify(key, {}, sig));
    CHECK_FALSE(crypto().ed25519_verify(key, as_bytes("x"), sig));
    sig[5] ^= 1;
    CHECK_FALSE(crypto().ed25519_verify(key, {}, sig));
    CHECK_FALSE(crypto().ed25519_verify(public_key{}, {}, sig));

    const auto seed2 = array_of<secret_key>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    CHECK(
        to_hex(crypto().ed25519_sign(seed2, hex("72"))) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST_CASE("ChaCha20-Poly1305 seals as in RFC 8439 and opens nothing altered", "[crypto][REQ-SEC-1]") {
    const auto key = array_of<secret_key>("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    const auto nonce = array_of<aead_nonce>("070000004041424344454647");
    const auto associated = hex("50515253c0c1c2c3c4c5c6c7");
    const std::string text =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const auto sealed = crypto().aead_seal(key, nonce, associated, as_bytes(text));
    CHECK(to_hex(byte_span(sealed).first(16)) == "d31a8d34648e60db7b86afbc53ef7ec2");
    CHECK(to_hex(byte_span(sealed).last(16)) == "1ae10b594f09e26a7e902ecbd0600691");
    CHECK(crypto().aead_open(key, nonce, associated, sealed) == to_bytes(as_bytes(text)));

    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
        auto altered = sealed;
        altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ 1u << bit % 8);
        REQUIRE_FALSE(crypto().aead_open(key, nonce, associated, altered));
    }
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        REQUIRE_FALSE(crypto().aead_open(key, nonce, associated, byte_span(sealed).first(size)));
    }
    CHECK_FALSE(crypto().aead_open(key, nonce, {}, sealed));

    const auto empty = crypto().aead_seal(key, nonce, {}, {});
    CHECK(empty.size() == 16);
    CHECK(crypto().aead_open(key, nonce, {}, empty) == bytes{});
}

TEST_CASE("one suite serves several threads at once", "[crypto]") {
    std::vector<std::thread> threads;
    std::array<int, 4> wrong{};
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&wrong, t] {
            for (int i = 0; i < 2000; ++i) {
                const auto tag = crypto().hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")});
                if (tag[0] != 0x5b || tag[31] != 0x43) ++wrong[t];
            }
        });
    }
    for (auto& thread : threads) thread.join();
    for (const auto count : wrong) CHECK(count == 0);
}

TEST_CASE("the system's entropy gives other bytes each time", "[crypto][REQ-SEC-1]") {
    const auto random = make_system_entropy();
    const auto first = random->array<32>();
    CHECK(first != random->array<32>());
    CHECK(first != secret_key{});
    random->fill({});
    bytes many(1000);  // more than the system gives in one call
    random->fill(many);
    CHECK(std::count(many.begin() + 768, many.end(), std::uint8_t{0}) < 100);
}
