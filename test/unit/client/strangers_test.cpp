// Those who don't belong, and members who ask for what they may not have.

#include <catch2/catch.hpp>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "stranger.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options strangers_options() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n"
                   "Chicago,Default,Central,10.3.0.0/24\n";
    return out;
}

}  // namespace

TEST_CASE("nobody outside the organisation gets an answer", "[REQ-SEC-1]") {
    client_world world(strangers_options());
    const auto content = world.publish("app", some_bytes(mib, 14));
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    stranger outsider(world, "10.1.0.66", 500, papers_for(500, 3333));  // signed by somebody else
    (void)outsider.seal.add_peer(one.id(), identity_from_secret(crypto(), one.config.identity).key);
    (void)outsider.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{content, "Boston", false});
    outsider.talk(one, 5s);
    CHECK(outsider.answers.empty());
    CHECK(one.core().status().downloads.empty());
}

TEST_CASE("a member asks in vain for what its office may not have", "[REQ-OFF-2][REQ-SEC-1]") {
    client_world world(strangers_options());
    const auto content = world.publish("app", some_bytes(mib, 15));
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const auto key = identity_from_secret(crypto(), one.config.identity).key;

    SECTION("from a sideways office") {
        stranger member(world, "10.3.0.66", 501, papers_for(501, 2001));
        (void)member.seal.add_peer(one.id(), key);
        (void)member.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{content, "Boston", true});
        member.talk(one, 3s);
        REQUIRE(member.answers.size() == 1);
        REQUIRE(std::holds_alternative<error_reply>(member.answers.front()));
        CHECK(std::get<error_reply>(member.answers.front()).code == errc::not_authorised);
    }
    SECTION("from the parent office") {
        stranger member(world, "10.0.0.66", 502, papers_for(502, 2001));
        (void)member.seal.add_peer(one.id(), key);
        (void)member.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{content, "Boston", true});
        member.talk(one, 3s);
        REQUIRE(member.answers.size() == 1);
        CHECK(std::holds_alternative<error_reply>(member.answers.front()));
    }
    SECTION("for what no server knows, even from a neighbour: nothing is downloaded for long") {
        stranger member(world, "10.1.0.66", 503, papers_for(503, 2001));
        (void)member.seal.add_peer(one.id(), key);
        auto invented = content;
        invented.id = id_of_text("invented");
        (void)member.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{invented, "Boston", false});
        member.talk(one, 5s);
        REQUIRE(member.answers.size() == 1);
        REQUIRE(std::holds_alternative<want_reply>(member.answers.front()));
        CHECK(std::get<want_reply>(member.answers.front()).verdict == want_verdict::cannot);
        CHECK(one.core().status().downloads.empty());
    }
    SECTION("who is no server cannot announce a new state") {
        stranger member(world, "10.1.0.66", 504, papers_for(504, 2001));
        (void)member.seal.add_peer(one.id(), key);
        (void)member.messages.request(world.now(), {one.id(), role::client, one.where}, state_changed{state_versions{9, 9, 9, 1, false}});
        member.talk(one, 3s);
        CHECK(one.core().status().activated);
        REQUIRE(member.answers.size() == 1);
        CHECK(std::holds_alternative<error_reply>(member.answers.front()));
    }
    CHECK(one.core().status().downloads.empty());
}

TEST_CASE("what two members invent is not downloaded while the server is away, nor taken for the content later", "[hostile][REQ-XFER-4][REQ-SEC-3]") {
    auto options = strangers_options();
    options.topology += "Lab,Default,Boston,10.4.0.0/24\n";
    client_world world(options);
    const auto right = some_bytes(mib, 17);
    world.publish("app", right);
    auto& one = world.add("10.1.0.10");
    auto& liar = world.add("10.1.0.11");   // it has other bytes by the same name, and says so
    REQUIRE(world.run_until_registered());
    const auto wrong = some_bytes(mib, 18);
    world.stop_server();
    REQUIRE(world.run_until([&] { return !one.core().status().server_reachable && !liar.core().status().server_reachable; }, 120s));
    liar.store.files()["/in/app"] = wrong;
    const auto imported = liar.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return liar.complete(imported); }));
    const content_info invented{id_of_text("app"), wrong.size(), {hash_kind::sha256_tree, make_tree(crypto(), wrong).root()}};
    stranger below(world, "10.4.0.66", 505, papers_for(505, 2001));
    (void)below.seal.add_peer(one.id(), identity_from_secret(crypto(), one.config.identity).key);
    for (int asked = 0; asked < 20; ++asked) {
        (void)below.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{invented, "Boston", true});
        below.talk(one, 2s);
    }
    CHECK(below.answers.size() > 0);
    CHECK(one.core().contents().empty());
    liar.stop();
    const auto fetched = one.fetch("app", "/out/app");
    world.run_for(30s);
    CHECK_FALSE(one.done(fetched));
    world.start_server();
    world.add("10.0.0.10");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }, 300s));
    CHECK((one.store.files().at("/out/app") == right));   // in brackets: nobody wants to read them
}

TEST_CASE("one member cannot use up a client's downloads, and its own user finds room", "[REQ-RVP-1][limits]") {
    constexpr std::size_t members = 1;
    constexpr std::size_t excess = 8;
    client_world world(strangers_options());
    (void)world.add("10.0.0.10");
    auto& one = world.add("10.1.0.10");
    std::vector<content_info> contents;
    for (std::size_t number = 0; number < members * (limits::client_jobs_for_peer_max + excess); ++number) {
        content_info content{id_of_text("app-" + std::to_string(number)), 1000, {}};
        content.hash.value[0] = static_cast<std::uint8_t>(number);
        content.hash.value[1] = static_cast<std::uint8_t>(number >> 8);
        apply(world.durable, put_content{{content, wall_time{1'800'000'000}}});
        contents.push_back(content);
    }
    world.publish("own", some_bytes(mib, 16));
    REQUIRE(world.run_until_registered());
    const auto key = identity_from_secret(crypto(), one.config.identity).key;
    auto next = contents.begin();
    for (std::uint64_t number = 0; number < members; ++number) {
        stranger member(world, "10.1.0." + std::to_string(66 + number), 600 + number, papers_for(600 + number, 2001));
        (void)member.seal.add_peer(one.id(), key);
        for (std::size_t count = 0; count < limits::client_jobs_for_peer_max + excess; ++count) {
            (void)member.messages.request(world.now(), {one.id(), role::client, one.where}, want_request{*next++, "Boston", false});
        }
        member.talk(one, 4s);
        std::size_t refused = 0;
        for (const auto& answer : member.answers) {
            const auto* reply = std::get_if<want_reply>(&answer);
            if (reply && reply->text == "too many downloads at once for one client") ++refused;
        }
        CHECK(refused == excess);
        CHECK(one.core().status().downloads.size() == (number + 1) * limits::client_jobs_for_peer_max);
    }
    const auto own = one.fetch("own");
    world.run_for(200ms);
    CHECK(one.core().status().downloads.size() == limits::client_jobs_for_peer_max + 1);
    CHECK(world.run_until([&] { return one.complete(own); }));
}

TEST_CASE("who asks for a content by another size neither stops it nor starts anything", "[REQ-RVP-1][REQ-SEC-3]") {
    client_world world(strangers_options());
    const auto content = world.publish("app", some_bytes(mib, 17));
    auto& relay = world.add("10.0.0.10");   // the only client of the central office, which does not want it for itself
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    stranger member(world, "10.1.0.66", 505, papers_for(505, 2001));
    (void)member.seal.add_peer(relay.id(), identity_from_secret(crypto(), relay.config.identity).key);
    auto wrong = content;
    wrong.size_bytes += 1;
    const auto ask = [&](const content_info& what, duration listen) {
        (void)member.messages.request(world.now(), {relay.id(), role::client, relay.where}, want_request{what, "Boston", true});
        member.talk(relay, listen);
    };
    const auto verdict = [&](std::size_t at) { return std::get<want_reply>(member.answers.at(at)); };

    SECTION("before and while another asks") {
        ask(wrong, 1s);
        const auto handle = one.fetch("app");
        for (int round = 0; round < 60 && !one.complete(handle); ++round) ask(wrong, 500ms);
        CHECK(one.complete(handle));
        REQUIRE_FALSE(member.answers.empty());
        CHECK(verdict(0).verdict == want_verdict::cannot);
        CHECK(verdict(0).text == "it knows this content with another size");
    }
    SECTION("alone: the job ends when the server has said the size") {
        ask(wrong, 3s);
        REQUIRE(member.answers.size() == 1);
        CHECK(verdict(0).verdict == want_verdict::cannot);
        CHECK(relay.core().status().downloads.empty());
    }
    SECTION("the right size is served where both wait for the server's word") {
        stranger honest(world, "10.1.0.67", 506, papers_for(506, 2001));
        (void)honest.seal.add_peer(relay.id(), identity_from_secret(crypto(), relay.config.identity).key);
        world.loses = [&](const ip_address& from, const send_datagram&) { return from == world.server_address(); };
        ask(wrong, 500ms);
        (void)honest.messages.request(world.now(), {relay.id(), role::client, relay.where}, want_request{content, "Boston", true});
        honest.talk(relay, 500ms);
        CHECK(member.answers.empty());
        CHECK(honest.answers.empty());
        world.loses = {};
        honest.talk(relay, 3s);
        member.talk(relay, 1s);
        REQUIRE(honest.answers.size() == 1);
        const auto got = std::get<want_reply>(honest.answers.front());
        CHECK((got.verdict == want_verdict::acting || got.verdict == want_verdict::holder));
        REQUIRE(member.answers.size() == 1);
        CHECK(verdict(0).verdict == want_verdict::cannot);
    }
}

TEST_CASE("bytes of any kind change nothing", "[REQ-SEC-2]") {
    client_world world(strangers_options());
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const auto before = one.core().status();
    random_source random(4);
    for (int round = 0; round < 4000; ++round) {
        bytes noise(random.below(1300));
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        if (!noise.empty()) noise[0] = static_cast<std::uint8_t>(0x40 + random.below(0x14));
        const port_plan ports;
        const auto port = ports[static_cast<port_use>(random.below(port_use_count))];
        one.core().on_datagram(world.now(), {{one.where, port}, {address("10.1.0.77"), 34324}, world.now(), 0, noise});
        (void)one.with([](client_core&) { return 0; });
    }
    CHECK(one.core().status().downloads.size() == before.downloads.size());
    CHECK(one.core().status().registered);
}
