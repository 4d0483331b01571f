#include <catch2/catch.hpp>

#include "../../../src/sim/fast_crypto.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/world.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

TEST_CASE("imitated cryptography keeps the rules of the real one") {
    const auto crypto = sim::make_fast_crypto(make_openssl_crypto());
    const secret_key ann{1, 2, 3}, bob{9};
    CHECK(crypto->x25519_shared(ann, crypto->x25519_public(bob)) == crypto->x25519_shared(bob, crypto->x25519_public(ann)));
    CHECK(crypto->x25519_shared(ann, crypto->x25519_public(bob)) != crypto->x25519_shared(ann, crypto->x25519_public(ann)));
    CHECK_FALSE(crypto->x25519_shared(ann, public_key{}));
    const auto text = to_bytes(as_bytes("a message of some length"));
    auto signed_text = crypto->ed25519_sign(ann, text);
    CHECK(crypto->ed25519_verify(crypto->ed25519_public(ann), text, signed_text));
    CHECK_FALSE(crypto->ed25519_verify(crypto->ed25519_public(bob), text, signed_text));
    auto other = text;
    other[3] ^= 1;
    CHECK_FALSE(crypto->ed25519_verify(crypto->ed25519_public(ann), other, signed_text));
    const aead_nonce nonce{7};
    auto sealed = crypto->aead_seal(ann, nonce, as_bytes("header"), text);
    CHECK(sealed.size() == text.size() + 16);
    CHECK(crypto->aead_open(ann, nonce, as_bytes("header"), sealed) == text);
    CHECK_FALSE(crypto->aead_open(ann, nonce, as_bytes("Header"), sealed));
    CHECK_FALSE(crypto->aead_open(bob, nonce, as_bytes("header"), sealed));
    sealed.back() ^= 1;
    CHECK_FALSE(crypto->aead_open(ann, nonce, as_bytes("header"), sealed));
    CHECK(crypto->sha256({text}) == make_openssl_crypto()->sha256({text}));
    CHECK(crypto->siphash({1}, {text}) != crypto->siphash({2}, {text}));
    CHECK(crypto->hmac_sha256(text, {text}) != crypto->hmac_sha256(other, {text}));
}

TEST_CASE("a world with imitated cryptography does the same work", "[REQ-RVP-2]") {
    const auto carried = [](bool fast) {
        sim::world_options options(*parse_spreadsheet("Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\nBoston,Default,Central,10.1.0.0/24\n"));
        options.fast_crypto = fast;
        sim::world w(options);
        w.add_client({.office = "Central"});
        for (int i = 0; i < 3; ++i) w.add_client({.office = "Boston"});
        w.set_up();
        const auto app = w.make_content("app-1", 2 << 20);
        w.publish(app);
        for (std::size_t i = 0; i < w.clients(); ++i) w.fetch({i}, app);
        REQUIRE(w.run_until([&] { return w.all_fetched(); }, 5min));
        for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
        return static_cast<double>(w.wan("Boston").bytes());
    };
    CHECK(carried(true) == Approx(carried(false)).epsilon(0.03));
}
