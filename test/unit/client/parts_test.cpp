// The small parts that decide something by themselves, and their limits.

#include <catch2/catch.hpp>

#include "../../../src/client/fallback_reader.hpp"
#include "../../../src/client/office_view.hpp"
#include "../../../src/client/peer_book.hpp"
#include "../../../src/client/saved_state.hpp"
#include "../../../src/client/want_askers.hpp"
#include "client_world.hpp"
#include "p2pdist/office/spreadsheet.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using namespace p2pdist::client_room;

namespace {

peer_info peer(std::uint32_t number) {
    peer_info out;
    out.id.value[0] = static_cast<std::uint8_t>(number >> 16);
    out.id.value[1] = static_cast<std::uint8_t>(number >> 8);
    out.id.value[2] = static_cast<std::uint8_t>(number);
    out.address = ip_address::v4(0x0a000000 + number);
    return out;
}

office_view seen_from(const std::string& where) {
    office_view out(address(where), 24);
    out.set_topology(*parse_spreadsheet("Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n"
                                        "Air,Wi-Fi,Boston,10.1.128.0/24\nQuincy,Default,Boston,10.2.0.0/24\nHome,VPN,Central,10.9.0.0/24\n"));
    return out;
}

}  // namespace

TEST_CASE("a client knows who is of its office, above, below and elsewhere", "[REQ-OFF-2][REQ-OFF-3]") {
    const auto boston = seen_from("10.1.0.7");
    CHECK(boston.relation_of(address("10.1.0.8")) == relation::office);
    CHECK(boston.relation_of(address("10.1.128.8")) == relation::below);
    CHECK(boston.relation_of(address("10.2.0.8")) == relation::below);
    CHECK(boston.relation_of(address("10.0.0.8")) == relation::above);
    CHECK(boston.relation_of(address("10.9.0.8")) == relation::elsewhere);
    CHECK(boston.relation_of(address("192.168.1.1")) == relation::elsewhere);
    CHECK(seen_from("10.0.0.7").relation_of(address("192.168.1.1")) == relation::below);  // an office of its own below the central one (OFF-1)
    CHECK(seen_from("10.0.0.7").relation_of(address("10.9.0.8")) == relation::below);
    CHECK(seen_from("10.2.0.7").relation_of(address("10.1.128.8")) == relation::elsewhere);
    CHECK(office_view(address("10.1.0.7"), 24).relation_of(address("10.1.0.8")) == relation::unknown);  // without a topology
    CHECK(boston.shares());
    CHECK_FALSE(seen_from("10.9.0.7").shares());  // VPN
    CHECK_FALSE(office_view(address("10.1.0.7"), 24).shares());

    CHECK(seen_from("10.0.0.7").child_towards(address("10.2.0.8")) == "Boston");
    CHECK(boston.child_towards(address("10.2.0.8")) == "Quincy");
    CHECK(boston.child_towards(address("10.1.0.8")).empty());
    CHECK(seen_from("192.168.1.1").path() == std::vector<std::string>{"", "Central"});
}

TEST_CASE("broadcast is a matter of the office's type", "[REQ-OFF-3]") {
    CHECK(seen_from("10.1.0.7").broadcasts());
    CHECK(seen_from("10.9.0.7").broadcasts());
    CHECK_FALSE(seen_from("10.1.128.7").broadcasts());
    CHECK_FALSE(office_view(address("10.1.0.7"), 24).broadcasts());
}

TEST_CASE("askers are remembered up to a limit, and named a few at a time", "[limits][REQ-RVP-4]") {
    want_askers askers;
    random_source choice(1);
    const time_point start{std::chrono::seconds(100)};
    for (std::uint32_t number = 0; number < limits::want_askers_max + 50; ++number) {
        askers.note(start + std::chrono::milliseconds(number), peer(number));
    }
    CHECK(askers.size() == limits::want_askers_max);
    const auto some = askers.some(start + std::chrono::seconds(2), peer(60).id, choice);
    CHECK(some.size() == limits::want_others_max);
    for (const auto& one : some) {
        CHECK(one.id != peer(60).id);
        CHECK(one.address.v4_value() >= 0x0a000000 + 50);  // the oldest went
    }
    CHECK(askers.some(start + std::chrono::minutes(1), {}, choice).empty());
}

TEST_CASE("the book of peers forgets who was noted longest ago", "[limits]") {
    peer_book book;
    for (std::uint32_t number = 0; number < limits::client_peers_max; ++number) book.note(peer(number));
    book.note(peer(0));
    book.note(peer(1'000'000));
    CHECK(book.entries().size() == limits::client_peers_max);
    CHECK(book.find(peer(0).id));
    CHECK_FALSE(book.find(peer(1).id));
}

TEST_CASE("what is saved is read again, and nothing else is", "[REQ-SEC-1]") {
    saved_state state;
    state.held.own = sign_certificate(crypto(), key_of(1), role::client, identity_from_secret(crypto(), key_of(2)).key, 3, wall_time{99});
    state.held.signing_key = crypto().ed25519_public(key_of(1));
    state.held.key_epoch = 3;
    state.server = sign_certificate(crypto(), key_of(1), role::server, identity_from_secret(crypto(), key_of(4)).key, 3, wall_time{99});
    state.activated = true;
    state.revoked = true;
    state.revocations = {1, 2, 3};
    state.topology = "Office,Type\n";
    state.enrolment = crypto().sha256({key_of(5)});
    const auto saved = encode(state);
    const auto read = decode_saved_state(saved);
    REQUIRE(read);
    CHECK(*read == state);
    const auto shortest = credentials::size_bytes + certificate::size_bytes;
    for (std::size_t size = 0; size < saved.size(); ++size) {
        INFO(size);
        CHECK(decode_saved_state(byte_span(saved).first(size)).has_value() == (size == shortest));
    }
    auto longer = saved;
    longer.push_back(0);
    CHECK_FALSE(decode_saved_state(longer));

    const auto of_format_2 = in_format_2(saved);
    state.enrolment = {};
    const auto older = decode_saved_state(of_format_2);
    REQUIRE(older);
    CHECK(*older == state);
    for (std::size_t size = shortest + 1; size < of_format_2.size(); ++size) {
        INFO(size);
        CHECK_FALSE(decode_saved_state(byte_span(of_format_2).first(size)));
    }
    for (const auto unknown : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{4}}) {
        auto other = saved;
        other[shortest] = unknown;
        CHECK_FALSE(decode_saved_state(other));
    }
}

TEST_CASE("a content's name is made safe for a URL", "[REQ-SRC-2]") {
    CHECK(content_url("http://cdn/x", id_of_text("setup-1.0.msi")) == "http://cdn/x/setup-1.0.msi");
    CHECK(content_url("http://cdn/x/", id_of_text("a b?c#d%")) == "http://cdn/x/a%20b%3Fc%23d%25");
    CHECK(content_url("http://cdn", id_of_text("\xc3\xa9")) == "http://cdn/%C3%A9");
}

TEST_CASE("pauses between attempts grow to their maximum", "[REQ-SRC-4]") {
    backoff pause(std::chrono::seconds(1), std::chrono::seconds(60));
    random_source jitter(3);
    duration last{};
    for (int round = 0; round < 20; ++round) last = pause.next(jitter);
    CHECK(last >= std::chrono::seconds(45));
    CHECK(last <= std::chrono::seconds(75));
    pause.reset();
    CHECK(pause.next(jitter) < std::chrono::seconds(2));
}
