// Members that are no members any more, and how the others learn of it; renewal; resumed snapshots (SEC-2).

#include <catch2/catch.hpp>

#include "p2pdist/base/limits.hpp"
#include "stranger.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options revocation_options() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";
    return out;
}

bool said(const device& who, const std::string& words) {
    return std::any_of(who.notices.begin(), who.notices.end(), [&](const auto& line) { return line.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("a revoked client is told so, stops, says so after a restart, and comes back when it is reinstated", "[REQ-SEC-2]") {
    client_world world(revocation_options());
    world.publish("app", some_bytes(64 * mib, 1));
    world.add("10.0.0.20");
    auto& lost = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    const auto fetched = lost.fetch("app");
    REQUIRE(world.run_until([&] { return lost.progress.contains("app") && lost.progress["app"].verified_bytes > 4 * mib; }));
    world.set_revoked({lost.id()});
    REQUIRE(world.run_until([&] { return lost.core().status().revoked; }, 20s));
    REQUIRE(lost.done(fetched));
    REQUIRE(lost.done(fetched)->failure);
    CHECK(lost.done(fetched)->failure->code == errc::revoked);
    CHECK(said(lost, "revoked by the administrator"));
    const auto again = lost.fetch("app");
    REQUIRE(world.run_until([&] { return lost.done(again) != nullptr; }, 5s));
    CHECK(lost.done(again)->failure->code == errc::revoked);

    world.stop_server();
    lost.stop();
    lost.start();
    CHECK(lost.core().status().revoked);
    CHECK(lost.core().status().problem.find("revoked") != std::string::npos);
    world.start_server();
    world.run_for(90s);
    CHECK(lost.core().status().revoked);

    world.set_revoked({});
    REQUIRE(world.run_until([&] { return lost.core().status().server_reachable; }, 200s));
    CHECK_FALSE(lost.core().status().revoked);
    lost.finished.clear();  // a new process counts its commands anew
    const auto last = lost.fetch("app");
    REQUIRE(world.run_until([&] { return lost.done(last) != nullptr; }));
    INFO((lost.done(last)->failure ? lost.done(last)->failure->message : std::string()));
    CHECK(lost.complete(last));
}

TEST_CASE("peers that cannot reach the server learn of a revocation from one that does", "[REQ-SEC-2]") {
    client_world world(revocation_options());
    world.publish("app", some_bytes(mib, 2));
    world.publish("tool", some_bytes(mib, 3));
    world.add("10.0.0.20");
    auto& reaches = world.add("10.1.0.10", 50);
    auto& cut_off = world.add("10.1.0.11", 40);
    auto& lost = world.add("10.1.0.12", 10);
    REQUIRE(world.run_until_registered());
    const auto warm = cut_off.fetch("tool");
    REQUIRE(world.run_until([&] { return cut_off.complete(warm); }));
    const auto server = reaches.core().status().server;
    world.loses = [&](const ip_address& from, const send_datagram& what) {
        const auto is_pair = [&](const ip_address& one, const ip_address& other) {
            return (one == cut_off.where && other == server) || (one == server && other == cut_off.where);
        };
        return is_pair(from, what.to.address);
    };
    world.set_revoked({lost.id()});
    REQUIRE(world.run_until([&] { return reaches.core().status().revocations > 0; }, 30s));
    CHECK(cut_off.core().status().revocations == 0);
    const auto fetched = reaches.fetch("app");  // it asks its office, and so meets the one that was cut off
    REQUIRE(world.run_until([&] { return reaches.complete(fetched); }));
    CHECK(world.run_until([&] { return cut_off.core().status().revocations > 0; }, 20s));

    // And it keeps it: after a restart without a server the revoked one is still refused.
    cut_off.stop();
    cut_off.start();
    CHECK(cut_off.core().status().revocations > 0);
}

TEST_CASE("a member that claims newer lists and gives none keeps nobody from those who have one", "[REQ-SEC-2][limits]") {
    client_world world(revocation_options());
    const auto info = world.publish("app", some_bytes(mib, 2));
    world.add("10.0.0.20");
    auto& reaches = world.add("10.1.0.10", 50);
    auto& cut_off = world.add("10.1.0.11", 40);
    auto& lost = world.add("10.1.0.12", 10);
    REQUIRE(world.run_until_registered());
    const auto server = reaches.core().status().server;
    world.loses = [&](const ip_address& from, const send_datagram& what) {
        return (from == cut_off.where && what.to.address == server) || (from == server && what.to.address == cut_off.where);
    };
    stranger liar(world, "10.1.0.66", 66, papers_for(66, 2001));
    REQUIRE(liar.seal.add_peer(cut_off.id(), key_of_device(cut_off)));
    const auto claims = [&] {
        liar.messages.request(world.now(), {cut_off.id(), role::client, cut_off.where}, want_request{info, "Boston", false, UINT64_MAX});
        liar.talk(cut_off, 100ms);
    };
    for (int i = 0; i < 20; ++i) claims();
    CHECK(liar.asked_for_list == 1);
    world.set_revoked({lost.id()});
    REQUIRE(world.run_until([&] { return reaches.core().status().revocations > 0; }, 30s));
    const auto fetched = reaches.fetch("app");   // it asks its office, and so meets the one that was cut off
    for (int i = 0; i < 300 && cut_off.core().status().revocations == 0; ++i) claims();
    CHECK(cut_off.core().status().revocations > 0);
    CHECK(liar.asked_for_list <= 2);
    CHECK(world.run_until([&] { return reaches.complete(fetched); }));
    // It may have come by a list since: then it is believed again, after the pause.
    const auto asked = liar.asked_for_list;
    world.run_for(limits::list_peer_pause);
    claims();
    CHECK(liar.asked_for_list == asked + 1);
}

TEST_CASE("certificates are renewed without the enrolment key, before they end and when the epoch changes", "[REQ-SEC-2][REQ-SEC-1]") {
    client_world world(revocation_options());
    auto& one = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    one.stop();
    one.config.enrolment = {};
    one.start();
    REQUIRE(world.run_until([&] { return one.core().status().server_reachable; }, 60s));
    const auto before = *one.config.saved_credentials;
    world.set_key_epoch(2);
    REQUIRE(world.run_until([&] { return one.core().status().key_epoch == 2; }, limits::renewal_spread + 30s));
    CHECK(*one.config.saved_credentials != before);
    CHECK(one.core().status().server_reachable);
    one.stop();  // what it keeps is good for the next run
    one.start();
    CHECK(world.run_until([&] { return one.core().status().server_reachable; }, 60s));
    CHECK(one.core().status().key_epoch == 2);
}

TEST_CASE("a member that missed several epochs renews at once and is not locked out", "[REQ-SEC-2]") {
    client_world world(revocation_options());
    auto& late = world.add("10.1.0.10", 30);
    auto& other = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    late.stop();
    late.config.enrolment = {};
    world.set_revoked({}, 5, 5);
    world.run_for(30s);
    CHECK(other.core().status().key_epoch == 5);
    late.start();
    REQUIRE(world.run_until([&] { return late.core().status().key_epoch == 5 && late.core().status().server_reachable; }, 60s));
    CHECK(world.run_until([&] { return late.core().status().revocations > 0; }, 20s));
}

TEST_CASE("a revoked member cannot renew either", "[REQ-SEC-2]") {
    client_world world(revocation_options());
    auto& lost = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    world.set_revoked({lost.id()}, 3, 3);
    world.run_for(120s);
    CHECK(lost.core().status().key_epoch == 1);
    CHECK(lost.core().status().revoked);
}

TEST_CASE("a client whose clock jumps makes its sessions anew and goes on", "[REQ-SEC-2][REQ-CLI-4]") {
    client_world world(revocation_options());
    world.publish("app", some_bytes(32 * mib, 4));
    world.add("10.0.0.20");
    auto& one = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.progress.contains("app") && one.progress["app"].verified_bytes > 4 * mib; }));
    CHECK_FALSE(said(one, "clock has jumped"));
    world.wall_offset_s = 3600;  // resumed an hour later
    REQUIRE(world.run_until([&] { return one.complete(fetched); }, 120s));
    CHECK(said(one, "clock has jumped"));
    CHECK(one.core().status().server_reachable);
}

TEST_CASE("a client whose clock jumps takes up no number of a request or of a report that it may have used", "[REQ-SEC-2][REQ-OBS-1]") {
    client_world world(revocation_options());
    world.publish("first", some_bytes(4 * mib, 4));
    world.publish("second", some_bytes(4 * mib, 5));
    world.add("10.0.0.20");
    auto& one = world.add("10.1.0.10", 30);
    std::vector<std::uint64_t> ids;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> reports;  // boot and number
    world.loses = [&](const ip_address& from, const send_datagram& sent) {
        if (from != one.where || sent.to.address != world.server_address() || frame_type_of(sent.header) != frame_type::message) return false;
        const auto payload = byte_span(sent.header).subspan(sealed_header::size_bytes, sent.header.size() - sealed_overhead_bytes);
        const auto said = decode_message(payload);
        if (!said || said->reply_to != 0) return false;
        ids.push_back(said->id);
        if (const auto* report = std::get_if<link_report>(&said->body)) reports.emplace_back(report->boot, report->number);
        return false;
    };
    REQUIRE(world.run_until_registered());
    const auto first = one.fetch("first");
    REQUIRE(world.run_until([&] { return one.complete(first); }));
    world.run_for(60s);
    REQUIRE_FALSE(reports.empty());
    const auto reported = std::exchange(reports, {}).back();
    const auto last = *std::max_element(ids.begin(), ids.end());
    ids.clear();
    world.wall_offset_s = 3600;
    const auto second = one.fetch("second");
    REQUIRE(world.run_until([&] { return one.complete(second); }));
    world.run_for(60s);
    REQUIRE_FALSE(reports.empty());
    CHECK(reports.front().first != reported.first);
    CHECK(reports.front().second == 1);
    CHECK(ids.back() - last > 1'000'000);
}
