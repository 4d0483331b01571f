// Members that lie to a client about who brings a content, and honest ones that it must not keep from being asked.

#include <catch2/catch.hpp>

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "stranger.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options hoax_options() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";
    out.heartbeat = 3600s;   // nobody is missed
    return out;
}

std::optional<want_reply> says_it_acts(const want_request&) { return want_reply{want_verdict::acting, std::nullopt, {}, {}}; }

}  // namespace

TEST_CASE("who claims to act in the office above and gives nothing does not keep a child office from the others there",
          "[hostile][REQ-SEC-3][REQ-SRC-1][REQ-RVP-3]") {
    client_world world(hoax_options());
    world.publish("app", some_bytes(mib, 60));
    auto& first = world.add("10.0.0.9", 100);
    auto& honest = world.add("10.0.0.10");
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const bool holds = GENERATE(true, false);   // the honest one; else it does not even want it
    if (holds) {
        const auto warm = honest.fetch("app");
        REQUIRE(world.run_until([&] { return honest.complete(warm); }));
        world.run_for(5s);
    }
    first.stop();
    impostor liar(world, "10.0.0.9", 1, says_it_acts);
    SECTION("it asks to come back soon") {}
    SECTION("it asks to come back in weeks") { liar.flow_retry_ms = UINT32_MAX; }
    SECTION("it never gives anything") { liar.accepts_flows = true; }
    const auto fetched = one.fetch("app");
    CHECK(world.run_until([&] { return one.complete(fetched); }, 300s));
    CHECK(liar.asked > 0);
}

TEST_CASE("who alone promises from the office above and gives nothing does not keep a child office from the CDN for ever",
          "[hostile][REQ-SEC-3][REQ-SRC-1][REQ-SRC-2]") {
    client_world world(hoax_options());
    const auto data = some_bytes(mib, 64);
    world.publish("app", data, false);
    world.cdn["https://cdn.example/app"] = data;
    auto& first = world.add("10.0.0.9", 100);
    auto& one = world.add("10.1.0.10");
    one.config.cdn = "https://cdn.example";
    one.stop();
    one.start();
    REQUIRE(world.run_until_registered());
    first.stop();
    impostor liar(world, "10.0.0.9", 1, says_it_acts);
    SECTION("it asks to come back soon") {}
    SECTION("it asks to come back in weeks") { liar.flow_retry_ms = UINT32_MAX; }
    const auto fetched = one.fetch("app");
    world.run_for(1700s);   // it may be a link that others fill
    CHECK(world.cdn_read.empty());
    CHECK(world.run_until([&] { return one.complete(fetched); }, 600s));
    CHECK(one.share(fetched, source_kind::cdn) == data.size());
    CHECK(liar.asked > 0);
}

TEST_CASE("who was promised in vain in one office waits in another for what is promised there", "[REQ-OFF-1][REQ-SRC-1][REQ-SRC-2]") {
    auto options = hoax_options();
    options.topology += "West,Default,Central,10.5.0.0/24\nReno,Default,West,10.6.0.0/24\n";
    options.wan_bits_per_second = 250e3;   // a chunk in nine seconds
    client_world world(options);
    const auto data = some_bytes(30 * mib, 68);
    world.publish("app", data, false);
    auto& first = world.add("10.0.0.9", 100);
    auto& upstream = world.add("10.5.0.10");
    auto& one = world.add("10.1.0.10");
    one.config.cdn = "https://cdn.example";
    one.stop();
    one.start();
    REQUIRE(world.run_until_registered());
    upstream.store.files()["/in/app"] = data;
    REQUIRE(world.run_until([&, imported = upstream.import("/in/app", "app")] { return upstream.complete(imported); }));
    first.stop();
    impostor liar(world, "10.0.0.9", 1, says_it_acts);
    const auto fetched = one.fetch("app");
    const auto asks_cdn = [](const std::string& text) { return text.find("the CDN does not give app") != std::string::npos; };
    world.run_for(1700s);
    REQUIRE(std::ranges::none_of(one.notices, asks_cdn));
    REQUIRE(world.run_until([&] { return std::ranges::any_of(one.notices, asks_cdn); }, 600s));

    world.cdn["https://cdn.example/app"] = data;
    one.where = address("10.6.0.10");
    one.with([&](client_core& core) {
        core.set_address(world.now(), one.where, 24, std::nullopt);
        return 0;
    });
    world.run_for(600s);
    CHECK(world.cdn_read.empty());
    CHECK_FALSE(one.done(fetched));
    CHECK(one.progress["app"].split[static_cast<std::size_t>(source_kind::ancestor)] > 8 * mib);
}

TEST_CASE("a fallback source that is read beside a promise is read on after a pause", "[hostile][REQ-SEC-3][REQ-SRC-2]") {
    client_world world(hoax_options());
    const auto data = some_bytes(20 * mib, 65);   // some seconds of the CDN
    world.publish("app", data, false);
    world.cdn["https://cdn.example/app"] = data;
    auto& first = world.add("10.0.0.9", 100);
    auto& one = world.add("10.1.0.10");
    one.config.cdn = "https://cdn.example";
    one.stop();
    one.start();
    REQUIRE(world.run_until_registered());
    first.stop();
    impostor liar(world, "10.0.0.9", 1, says_it_acts);
    SECTION("it takes no flows") {}
    SECTION("it says that it has all and that its line is busy") { liar.accepts_flows = liar.stands_aside = true; }
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return world.cdn_read["app"] > mib; }, 2400s));
    one.pause(true);
    world.run_for(10s);
    CHECK_FALSE(one.done(fetched));
    one.pause(false);
    CHECK(world.run_until([&] { return one.complete(fetched); }, 120s));
}

TEST_CASE("who keeps silent when asked whether it still gives does not shield another that never does", "[hostile][REQ-SEC-3][REQ-SRC-1]") {
    client_world world(hoax_options());
    const auto data = some_bytes(mib, 67);
    world.publish("app", data);
    auto& first = world.add("10.0.0.9", 100);
    auto& second = world.add("10.0.0.11", 50);
    world.add("10.0.0.10");
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    first.stop();
    second.stop();
    impostor* silent = nullptr;
    bool closes = false;
    impostor first_liar(world, "10.0.0.9", 1, [&](const want_request& want) -> std::optional<want_reply> {
        if (silent->asked == 1) return says_it_acts(want);
        closes = true;
        return std::nullopt;
    });
    silent = &first_liar;
    impostor second_liar(world, "10.0.0.11", 2, says_it_acts);
    for (auto* liar : {&first_liar, &second_liar}) liar->accepts_flows = liar->stands_aside = true;
    first_liar.flow_retry_ms = 0;   // it is left for good
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return closes; }, 60s));
    first_liar.close_flows();
    CHECK(world.run_until([&] { return one.complete(fetched); }, 300s));
    CHECK(second_liar.asked > 0);
}

TEST_CASE("who announces its answer as a large message and never gives it is not waited for",
          "[hostile][REQ-SEC-3][REQ-RVP-1][REQ-MSG-2]") {
    client_world world(hoax_options());
    world.publish("app", some_bytes(mib, 61));
    world.add("10.0.0.10");
    auto& first = world.add("10.1.0.9", 100);
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    first.stop();
    want_reply large{want_verdict::cannot, std::nullopt, {}, std::string(limits::message_text_bytes_max, 'x')};
    large.others.resize(limits::want_others_max, peer_info{first.id(), key_of_device(first), first.where});
    impostor liar(world, "10.1.0.9", 2, [large](const want_request&) { return large; });
    liar.flow_retry_ms = UINT32_MAX;
    const auto fetched = one.fetch("app");
    CHECK(world.run_until([&] { return one.complete(fetched); }, 30s));
    CHECK(liar.asked > 0);
}

TEST_CASE("nobody is asked because a member of another office names it", "[hostile][REQ-OFF-2][REQ-SEC-3]") {
    client_world world(hoax_options());
    world.publish("app", some_bytes(mib, 62));
    auto& first = world.add("10.0.0.9", 100);
    world.add("10.0.0.10");
    auto& near = world.add("10.1.0.9", 100);
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const bool of_own = GENERATE(true, false);
    (of_own ? near : first).stop();
    if (!of_own) near.stop();
    const auto victim = address("192.0.2.7");
    std::size_t sent = 0;
    world.loses = [&](const ip_address&, const send_datagram& what) {
        sent += what.to.address == victim ? 1 : 0;
        return what.to.address == victim;
    };
    const auto stranger_to_all = identity_from_secret(crypto(), key_of(777));
    const want_reply not_me{want_verdict::not_me, peer_info{stranger_to_all.id, stranger_to_all.key, victim}, {}, {}};
    impostor liar(world, of_own ? "10.1.0.9" : "10.0.0.9", of_own ? 3 : 1, [not_me](const want_request&) { return not_me; });
    const auto fetched = one.fetch("app");
    CHECK(world.run_until([&] { return one.complete(fetched); }, 60s));
    CHECK(liar.asked > 0);
    CHECK(sent == 0);
}
