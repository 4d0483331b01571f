// What hostile peers would have grow: the parts alone, each at its limit and one beyond.

#include <catch2/catch.hpp>

#include "../../../src/client/blame_reports.hpp"
#include "../../../src/client/distrust.hpp"
#include "../../../src/client/interview.hpp"
#include "../../../src/client/link_ledger.hpp"
#include "stranger.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using namespace p2pdist::client_room;

namespace {

client_id numbered_id(std::size_t number) {
    client_id out;
    out.value[0] = static_cast<std::uint8_t>(number >> 8);
    out.value[1] = static_cast<std::uint8_t>(number);
    return out;
}

/// A client's node whose datagrams nobody carries.
struct lonely_node {
    lonely_node() { shared.seal.set_credentials(papers_for(700, 2001)); }
    static client_config config() {
        client_config out;
        out.identity = key_of(700);
        out.address = address("10.1.0.10");
        return out;
    }
    seeded_entropy random{1};
    node shared{crypto(), random, config(), wall_time{1'800'000'000}};
    peer_book peers;
    time_point now{std::chrono::hours(1)};
};

}  // namespace

TEST_CASE("who breaks its word is passed over for longer each time, up to a limit, and then begins anew", "[limits][REQ-SEC-3][REQ-RVP-3]") {
    distrust of;
    const auto liar = numbered_id(1);
    time_point now{std::chrono::hours(1)};
    duration expected = limits::distrust_time_min;
    for (int strike = 0; strike < 8; ++strike) {
        of.strike(now, liar);
        CHECK(of.of(now + expected - 1ms, liar));
        now += expected;
        CHECK_FALSE(of.of(now, liar));
        expected = std::min<duration>(3 * expected, limits::distrust_time_max);
    }
    CHECK(expected == limits::distrust_time_max);
    now += limits::distrust_time_max;
    const auto believed = now;
    now += limits::plain_relay_time_max;   // in vain: that is no good conduct
    of.strike(now, liar, believed);
    CHECK(of.of(now + limits::distrust_time_max - 1ms, liar));
    now += 2 * limits::distrust_time_max + 1s;   // and that is
    of.strike(now, liar);
    CHECK(of.of(now + limits::distrust_time_min - 1ms, liar));
    CHECK_FALSE(of.of(now + limits::distrust_time_min, liar));
}

TEST_CASE("so many are distrusted, and who has paid his time goes first", "[limits][REQ-SEC-3]") {
    distrust of;
    time_point now{std::chrono::hours(1)};
    const auto worst = numbered_id(0);
    of.strike(now, worst);
    of.strike(now, worst);
    for (std::size_t number = 1; number <= limits::distrusted_peers_max + 5; ++number) of.strike(now += 1ms, numbered_id(number));
    std::set<client_id> passed_over;
    of.add_to(passed_over, now);
    CHECK(passed_over.size() == limits::distrusted_peers_max);
    CHECK(passed_over.contains(worst));
    CHECK(passed_over.contains(numbered_id(limits::distrusted_peers_max + 5)));
    for (std::size_t number = 1; number <= 6; ++number) CHECK_FALSE(passed_over.contains(numbered_id(number)));
}

TEST_CASE("so many are asked at once whether one acts, and nobody's silence is waited for", "[limits][REQ-RVP-1]") {
    lonely_node one;
    std::vector<peer_info> candidates{one.shared.self_info()};
    for (std::size_t number = 0; number <= limits::polled_peers_max; ++number) {
        const auto who = identity_from_secret(crypto(), key_of(800 + number));
        const peer_info peer{who.id, who.key, ip_address::v4(0x0a010020u + static_cast<std::uint32_t>(number))};
        candidates.push_back(peer);
        candidates.push_back(peer);
    }
    poll_round round(one.shared, one.peers);
    int ended = 0;
    round.start(one.now, want_request{}, candidates, [&](time_point, const interview_outcome& got) {
        ++ended;
        CHECK_FALSE(got.found);
    });
    CHECK(one.shared.messages.open_requests() == limits::polled_peers_max);
    REQUIRE(round.running());
    round.on_timer(round.deadline());
    CHECK(ended == 1);
    CHECK_FALSE(round.running());
}

TEST_CASE("outputs that nobody polls lose notices, and nothing else", "[limits][client]") {
    lonely_node one;
    auto& out = one.shared.out;
    for (std::size_t number = 0; number <= limits::client_events_max; ++number) one.shared.notice(log_level::info, std::to_string(number));
    CHECK(out.size() == limits::client_events_max);
    const auto progress = [&](std::uint64_t verified) {
        transfer_progress shown;
        shown.content.id = id_of_text("app");
        shown.verified_bytes = verified;
        one.shared.emit(client_event{client_progress{shown}});
    };
    progress(1);
    one.shared.emit(client_event{command_done{{1}, {}, {}, {}, {}}});
    one.shared.emit(client_output{fallback_cancel{7}});
    progress(2);   // in the place of the first
    REQUIRE(out.size() == limits::client_events_max + 3);
    CHECK(std::holds_alternative<fallback_cancel>(out.back()));
    CHECK(std::get<client_progress>(std::get<client_event>(out[limits::client_events_max])).transfer.verified_bytes == 2);
    for (int taken = 0; taken < 4; ++taken) out.pop_front();
    one.shared.notice(log_level::info, "heard again");
    CHECK(std::get<client_notice>(std::get<client_event>(out.back())).text == "heard again");
}

TEST_CASE("so many blamed peers wait to be reported, the first first, and there is room again once the server hears", "[limits][REQ-SEC-3]") {
    blame_reports reports;
    const auto blame = [&](std::size_t number) { reports.add({numbered_id(number), {}, number, "a chunk that does not fit"}); };
    for (std::size_t number = 0; number <= limits::peer_reports_max; ++number) blame(number);
    CHECK(reports.size() == limits::peer_reports_max);
    CHECK(reports.next().peer == numbered_id(0));
    reports.heard();
    CHECK(reports.next().peer == numbered_id(1));
    blame(1000);
    CHECK(reports.size() == limits::peer_reports_max);
    while (reports.size() > 1) reports.heard();
    CHECK(reports.next().peer == numbered_id(1000));
    reports.heard();
    CHECK(reports.empty());
}

TEST_CASE("peers that claim a newer revocation list and are silent stand in the others' way for moments only", "[hostile][limits][REQ-SEC-2]") {
    lonely_node alone;
    papers of(alone.shared, {});
    const auto greeted = [&](std::size_t number) {
        const auto identity = identity_from_secret(crypto(), key_of(number));
        const message_peer peer{identity.id, role::client, ip_address::v4(0x0a010000 + static_cast<std::uint32_t>(number))};
        (void)alone.shared.seal.add_peer(peer.id, identity.key);
        of.on_list_heard(alone.now, peer, 7);
        bool out = false;
        while (auto said = alone.shared.seal.poll()) {
            const auto* datagram = std::get_if<send_datagram>(&*said);
            out = out || (datagram != nullptr && datagram->to.address == peer.address);
        }
        return out;
    };
    for (std::size_t number = 0; number < limits::list_peers_asked_max; ++number) CHECK(greeted(800 + number));
    CHECK_FALSE(greeted(899));
    alone.now += limits::list_peer_turn;
    CHECK(greeted(899));
    alone.now += limits::list_peer_pause;
    CHECK_FALSE(greeted(800));   // it has not answered yet: it has one turn at a time
}

TEST_CASE("contents that nothing has come of are not remembered for the link's ledger", "[hostile][limits][REQ-OBS-1]") {
    lonely_node alone;
    office_view offices(address("10.1.0.10"), 24);
    membership member(alone.shared, offices, {});
    client_room::link_ledger ledger(alone.shared, member, offices);
    for (std::size_t number = 0; number < 1000; ++number) {   // as they are shown while a liar asks for them
        content_info invented{id_of_text("invented-" + std::to_string(number)), 1, {}};
        ledger.received(invented.key(), 0);
    }
    CHECK(ledger.counting() == 0);
    const content_info real{id_of_text("real"), 1000, {}};
    ledger.received(real.key(), 10);
    CHECK(ledger.counting() == 1);
    ledger.received_all(alone.now, real.key(), 1000);
    CHECK(ledger.counting() == 0);
}
