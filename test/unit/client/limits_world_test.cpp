// Members who misuse what clients do for each other: each at the limit and beyond, and an honest one beside them.

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

#include "p2pdist/base/limits.hpp"
#include "stranger.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options misuse_options() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";
    out.heartbeat = 3600s;   // nobody is missed
    return out;
}

want_reply says_no(std::string text) { return want_reply{want_verdict::cannot, std::nullopt, {}, std::move(text)}; }

/// A content that is published, and that nobody has.
content_info publish_nothing(client_world& world, std::uint64_t size_bytes) {
    content_info content{id_of_text("app"), size_bytes, {hash_kind::sha256, digest{1, 2, 3}}};
    apply(world.durable, put_content{{content, wall_time{1'800'000'000}}});
    world.start_server();
    return content;
}

}  // namespace

TEST_CASE("one member that opens all the flows it can leaves room for another", "[limits][REQ-SEC-3][REQ-RVP-4]") {
    const bool child = GENERATE(false, true);
    const std::size_t most = child ? limits::uploads_child_max : limits::uploads_office_max;
    const auto protocol = child ? transfer_protocol::background : transfer_protocol::foreground;
    client_world world(misuse_options());
    const auto data = some_bytes(mib, 30);
    const auto content = world.publish("app", data, false);
    auto& holder = world.add(child ? "10.0.0.10" : "10.1.0.10");
    auto& honest = world.add("10.1.0.11");
    REQUIRE(world.run_until_registered());
    holder.store.files()["/app"] = data;
    const auto imported = holder.import("/app", "app");
    REQUIRE(world.run_until([&] { return holder.complete(imported); }));
    stranger greedy(world, "10.1.0.66", 900, papers_for(900, 2001));
    (void)greedy.seal.add_peer(holder.id(), key_of_device(holder));
    for (std::size_t flow = 0; flow < most + 8; ++flow) {
        greedy.open_flow(holder, content, protocol);
        if (flow % 8 == 0) greedy.talk(holder, 20ms);
    }
    greedy.talk(holder, 40ms);
    CHECK(holder.core().status().uploads.size() == most);
    const auto fetched = honest.fetch("app");
    std::size_t served = 0;
    REQUIRE(world.run_until(
        [&] {
            served = std::max(served, holder.core().status().uploads.size());
            return honest.complete(fetched);
        },
        6s));
    CHECK(served == most);
}

TEST_CASE("so many wait for a client's decision, others are told to ask again, and are heard then", "[limits][REQ-RVP-1]") {
    client_world world(misuse_options());
    const auto content = world.publish("app", some_bytes(mib, 31));
    auto& relay = world.add("10.0.0.10");
    REQUIRE(world.run_until_registered());
    world.loses = [&](const ip_address& from, const send_datagram&) { return from == world.server_address(); };   // so it cannot decide
    std::deque<stranger> crowd;
    const auto asks = [&](stranger& one) {
        (void)one.seal.add_peer(relay.id(), key_of_device(relay));
        (void)one.messages.request(world.now(), {relay.id(), role::client, relay.where}, want_request{content, "Boston", true});
        one.talk(relay, 20ms);
    };
    for (std::size_t number = 0; number <= limits::wants_deferred_max; ++number) {
        crowd.emplace_back(world, "10.1.0." + std::to_string(20 + number), 900 + number, papers_for(900 + number, 2001));
        asks(crowd.back());
        CHECK(crowd.front().answers.empty());
    }
    auto& late = crowd.back();
    REQUIRE(late.answers.size() == 1);
    CHECK(std::get<want_reply>(late.answers.front()).text == "too many ask at once");
    CHECK(std::get<want_reply>(late.answers.front()).verdict == want_verdict::unknown);
    CHECK(crowd[limits::wants_deferred_max - 1].answers.empty());
    world.loses = {};
    late.answers.clear();
    world.run_for(5s);
    asks(late);
    late.talk(relay, 2s);
    REQUIRE(late.answers.size() == 1);
    const auto verdict = std::get<want_reply>(late.answers.front()).verdict;
    CHECK((verdict == want_verdict::acting || verdict == want_verdict::holder));
}

TEST_CASE("members that send a client from one to the next are followed a few times only", "[limits][REQ-RVP-1][REQ-SEC-3]") {
    client_world world(misuse_options());
    world.publish("app", some_bytes(mib, 32));
    auto& first = world.add("10.0.0.9", 100);
    auto& one = world.add("10.0.0.10");
    REQUIRE(world.run_until_registered());
    first.stop();
    std::deque<std::unique_ptr<impostor>> mirrors;
    for (std::size_t left = limits::referrals_max + 3; left > 0; --left) {
        const auto number = left == 1 ? 1 : 900 + left;   // the first in rank takes the place of the device
        want_reply reply{want_verdict::not_me, std::nullopt, {}, {}};
        if (!mirrors.empty()) reply.acting_peer = mirrors.front()->info();
        mirrors.push_front(std::make_unique<impostor>(world, left == 1 ? "10.0.0.9" : "10.0.0." + std::to_string(100 + left), number,
                                                      [reply](const want_request&) { return reply; }));
    }
    const auto fetched = one.fetch("app");
    CHECK(world.run_until([&] { return one.complete(fetched); }, 60s));
    CHECK(mirrors[limits::referrals_max]->asked > 0);
    CHECK(mirrors[limits::referrals_max + 1]->asked == 0);
}

TEST_CASE("an office above that has another excuse each time fills no memory, and the newest are shown", "[limits][REQ-OBS-1]") {
    client_world world(misuse_options());
    (void)publish_nothing(world, mib);
    auto& above = world.add("10.0.0.9");
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    above.stop();
    std::size_t excuses = 0;
    impostor liar(world, "10.0.0.9", 1, [&](const want_request&) { return says_no("excuse " + std::to_string(++excuses) + '.'); });
    (void)one.fetch("app");
    REQUIRE(world.run_until([&] { return excuses == limits::explain_notes_max + 4; }, 1000s));
    world.run_for(100ms);
    const auto shown = one.core().explain(id_of_text("app"));
    REQUIRE(shown);
    const auto count = [&](const std::string& text) {
        return std::ranges::count_if(shown->notes, [&](const std::string& note) { return note.find(text) != std::string::npos; });
    };
    CHECK(count("excuse ") <= static_cast<std::ptrdiff_t>(limits::explain_notes_max));
    CHECK(count("excuse ") >= static_cast<std::ptrdiff_t>(limits::explain_notes_max) - 4);   // other notes take a few places
    CHECK(count("excuse 1.") == 0);
    CHECK(count("excuse " + std::to_string(excuses) + '.') == 1);
}

TEST_CASE("who says for ever that it is getting a large plain content is waited for only so long", "[limits][REQ-RVP-3][REQ-SEC-3]") {
    client_world world(misuse_options());
    (void)publish_nothing(world, std::uint64_t{2} << 30);   // hours at the pace that is waited for
    auto& first = world.add("10.1.0.9", 100);
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    first.stop();
    impostor liar(world, "10.1.0.9", 1, [](const want_request&) { return want_reply{want_verdict::acting, std::nullopt, {}, {}}; });
    (void)one.fetch("app");
    const auto acts = [&] {
        const auto shown = one.core().explain(id_of_text("app"));
        return shown && shown->acting_is_self;
    };
    const duration longest = limits::fruitless_time + limits::plain_relay_time_max;
    world.run_for(longest - 30s);
    CHECK_FALSE(acts());
    CHECK(liar.asked > 0);
    const auto lasts = [&](bool acting) {
        const auto from = world.now();
        while (acts() == acting && world.now() < from + 2 * longest) world.run_for(1s);
        return world.now() - from;
    };
    CHECK(lasts(false) < 60s);
    // It is believed once more: it could be another's fault. Each time it has to wait three times longer for that.
    const auto first_turn = lasts(true);
    CHECK(first_turn > limits::distrust_time_min - 1s);
    CHECK(first_turn < limits::distrust_time_min + 10s);
    CHECK(lasts(false) < longest + 30s);
    CHECK(lasts(true) > 3 * limits::distrust_time_min - 1s);
}
