// The small parts of the flow room alone.

#include <catch2/catch.hpp>
#include <set>

#include "../../../src/flow/feedback_schedule.hpp"
#include "../../../src/flow/flow_receiver.hpp"
#include "../../../src/flow/flow_sender.hpp"
#include "../../../src/flow/packet_ledger.hpp"
#include "../../../src/flow/range_set.hpp"
#include "../../../src/flow/supply.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/random.hpp"
#include "support/seeded_crypto.hpp"

using namespace p2pdist;
using namespace p2pdist::detail::flow;
using namespace std::chrono_literals;
using p2pdist::test::seeded_entropy;

namespace {

constexpr time_point start{1000s};

data_header packet(std::uint32_t number, std::uint64_t offset) {
    data_header header;
    header.packet_number = number;
    header.offset = offset;
    return header;
}

}  // namespace

TEST_CASE("a range set behaves like a set of numbers", "[flow]") {
    random_source random(11);
    range_set ranges;
    std::set<std::uint64_t> numbers;
    for (int step = 0; step < 4000; ++step) {
        const index_range range{random.below(200), random.below(20)};
        if (random.below(2) == 0) {
            ranges.add(range);
            for (auto n = range.first; n < range.end(); ++n) numbers.insert(n);
        } else {
            ranges.subtract(range);
            for (auto n = range.first; n < range.end(); ++n) numbers.erase(n);
        }
        const auto& list = ranges.ranges();
        std::uint64_t total = 0;
        for (std::size_t n = 0; n < list.size(); ++n) {
            total += list[n].length;
            REQUIRE(list[n].length > 0);
            if (n > 0) REQUIRE(list[n - 1].end() < list[n].first);
        }
        REQUIRE(total == numbers.size());
        const auto probe = random.below(220);
        REQUIRE(ranges.contains(probe) == numbers.contains(probe));
        const index_range window{random.below(200), random.below(30)};
        std::vector<index_range> missing;
        std::vector<index_range> present;
        ranges.missing_in(window, missing);
        ranges.present_in(window, present);
        std::uint64_t lacking = 0;
        std::uint64_t here = 0;
        for (const auto& part : missing) lacking += part.length;
        for (const auto& part : present) here += part.length;
        REQUIRE(lacking + here == window.length);
        REQUIRE(here == ranges.covered(window));
        REQUIRE((here > 0) == ranges.intersects(window));
    }
}

TEST_CASE("packets are lost after three later ones or in time, and late ones teach patience", "[flow]") {
    packet_ledger ledger;
    rtt_estimator rtt;
    rtt.add(40ms);
    for (std::uint64_t n = 0; n < 10; ++n) CHECK(ledger.on_sent({start + n * 1ms, {n * 100, 100}, 128}) == n);
    ledger_change change;
    ledger.acknowledge({{2, 1}}, change);
    ledger.detect_losses(start + 42ms, rtt, change);
    CHECK(change.acknowledged_packets == 1);
    CHECK(change.lost_packets == 0);
    CHECK(ledger.loss_time() == start + 45ms);  // nine eighths of the round trip after the first was sent
    change.clear();
    ledger.acknowledge({{3, 1}}, change);
    ledger.detect_losses(start + 43ms, rtt, change);
    CHECK(change.lost == std::vector<index_range>{{0, 100}});  // three later
    change.clear();
    ledger.acknowledge({{0, 1}}, change);
    CHECK(change.acknowledged == std::vector<index_range>{{0, 100}});
    CHECK(change.acknowledged_bytes == 0);  // it was no longer under way
    change.clear();
    ledger.acknowledge({{4, 1}}, change);
    ledger.detect_losses(start + 44ms, rtt, change);
    CHECK(change.lost_packets == 0);  // 1 is overtaken by three, but this path reorders
    CHECK(ledger.bytes_in_flight() == 6 * 128);
    change.clear();
    ledger.acknowledge({{0, 1000}, {5000, 3}}, change);
    CHECK(ledger.bytes_in_flight() == 0);
    ledger.detect_losses(start + 60ms, rtt, change);
    CHECK(ledger.size() == 0);
}

TEST_CASE("a number that is left out is neither lost nor a later packet, and whoever acknowledges it is known", "[flow][REQ-SEC-3]") {
    packet_ledger ledger;
    rtt_estimator rtt;
    rtt.add(40ms);
    for (std::uint64_t n = 0; n < 2; ++n) CHECK(ledger.on_sent({start, {n * 100, 100}, 128}) == n);
    ledger.skip(start);
    for (std::uint64_t n = 3; n < 6; ++n) CHECK(ledger.on_sent({start, {n * 100, 100}, 128}) == n);
    CHECK(ledger.bytes_in_flight() == 5 * 128);
    CHECK(ledger.all_sent({0, 2}));
    CHECK(ledger.all_sent({3, 3}));
    CHECK_FALSE(ledger.all_sent({0, 3}));
    CHECK_FALSE(ledger.all_sent({2, 1}));
    CHECK_FALSE(ledger.all_sent({5, 2}));
    ledger_change change;
    ledger.acknowledge({{0, 1}, {3, 1}, {4, 1}}, change);
    ledger.detect_losses(start + 41ms, rtt, change);
    CHECK(change.lost_packets == 0);   // two came after 1, and the gap between is nobody's
    ledger.acknowledge({{5, 1}}, change);
    ledger.detect_losses(start + 41ms, rtt, change);
    CHECK(change.lost == std::vector<index_range>{{100, 100}});
    ledger.detect_losses(start + 10s, rtt, change);
    CHECK(change.lost_packets == 1);
    CHECK(ledger.size() == 0);
    CHECK_FALSE(ledger.all_sent({2, 1}));   // remembered beyond what is in doubt
}

TEST_CASE("a sender that has asked for much in vain says when it asks again", "[REQ-XFER-5]") {
    seeded_entropy secrets(1);
    flow_sender sender(make_foreground_controller(1200, start), 1200, secrets);
    sender.set_object_bytes(std::uint64_t{1} << 40);
    flow_feedback feedback;
    std::uint64_t asked = 0;
    for (std::uint32_t n = 1; n <= 10; ++n) {
        feedback.sequence = n;
        feedback.wanted = {{std::uint64_t{n} << 30, 1u << 20}};
        REQUIRE(sender.on_feedback(start, feedback));
        while (const auto need = sender.next_need()) asked += need->length;
    }
    CHECK(asked == 2 * limits::flow_supply_ahead_bytes_min);
    const auto when = sender.deadline(start);
    CHECK(when > start);
    CHECK(when <= start + 1s);
    sender.on_timer(when - 10ms);
    CHECK_FALSE(sender.next_need());
    sender.on_timer(when);
    CHECK(sender.next_need());
}

TEST_CASE("a receiver remembers no more ranges than its limits", "[limits]") {
    flow_receiver receiver(transfer_protocol::foreground);
    receiver.want({{0, 1u << 30}});
    std::uint64_t given = 0;
    for (std::uint32_t n = 0; n < 2 * limits::flow_received_ranges_max; ++n)
        if (receiver.on_data(start, start, packet(2 * n, n * 2000), 1000, false)) ++given;
    CHECK(given == limits::flow_received_ranges_max);
    CHECK(receiver.remembered_ranges() == limits::flow_received_ranges_max);
    const auto feedback = receiver.make_feedback(start);
    CHECK(feedback.wanted.size() == flow_ranges_max);
    CHECK(feedback.acknowledged.size() <= flow_ranges_max);
    // What is listed covers all that is missing.
    range_set listed;
    for (const auto& range : feedback.wanted) listed.add(range);
    for (std::uint64_t n = 0; n < given; ++n) CHECK(listed.covered({n * 2000 + 1000, 1000}) == 1000);
    // Filling a hole always works and makes room.
    CHECK(receiver.on_data(start, start, packet(1'000'001, 1000), 1000, false));
    CHECK(receiver.remembered_ranges() < limits::flow_received_ranges_max);
}

TEST_CASE("feedback is exact as long as it can be, and its packet ranges are repeated four times", "[flow]") {
    flow_receiver receiver(transfer_protocol::background);
    receiver.want({{5000, 1000}, {0, 3000}, {2000, 2000}});
    CHECK(receiver.make_feedback(start).wanted == std::vector<index_range>{{5000, 1000}, {0, 3000}, {3000, 1000}});
    CHECK(receiver.on_data(start, start, packet(7, 500), 1000, false) == index_range{500, 1000});
    CHECK(receiver.on_data(start, start, packet(8, 4500), 1000, false) == index_range{5000, 500});  // the part that is wanted
    CHECK_FALSE(receiver.on_data(start, start, packet(8, 0), 500, false));                          // the number came already
    CHECK_FALSE(receiver.on_data(start, start, packet(9, 600), 400, false));                        // the bytes did
    auto feedback = receiver.make_feedback(start);
    CHECK(feedback.wanted == std::vector<index_range>{{5500, 500}, {0, 500}, {1500, 1500}, {3000, 1000}});
    CHECK(feedback.acknowledged == std::vector<index_range>{{7, 3}});
    (void)receiver.on_data(start, start, packet(20, 0), 10, false);
    for (int n = 0; n < 3; ++n) CHECK(receiver.make_feedback(start).acknowledged == std::vector<index_range>{{20, 1}, {7, 3}});
    CHECK(receiver.make_feedback(start).acknowledged == std::vector<index_range>{{20, 1}});
}

TEST_CASE("supply keeps what is needed and lets go of the rest", "[flow]") {
    supply held;
    const auto data = std::make_shared<const bytes>(1000, std::uint8_t{1});
    std::weak_ptr<const bytes> alive;
    {
        const auto own = std::make_shared<const bytes>(500, std::uint8_t{2});
        alive = own;
        held.provide(5000, own);
    }
    held.on_asked({0, 1000});
    held.provide(100, shared_bytes(data, byte_span(*data).first(300)));
    held.provide(0, data);  // overlaps
    CHECK(held.provided_bytes() == 1500);
    CHECK(held.first_provided(0, 10) == 0u);
    CHECK(held.first_provided(1000, 5000) == std::nullopt);
    CHECK(held.first_provided(1000, 6000) == 5000u);
    CHECK(held.view(350, 1000).view.size() == 50);  // up to the end of its piece
    range_set needed;
    needed.add({0, 50});
    held.retain(needed);
    CHECK(alive.expired());
    CHECK(held.provided_bytes() == 100);
    std::vector<index_range> open;
    held.unasked_in({0, 200}, open);
    CHECK(open == std::vector<index_range>{{100, 100}});
}

TEST_CASE("a sender holds a bounded number of bytes, however much is wanted", "[limits]") {
    seeded_entropy secrets(1);
    flow_sender sender(make_foreground_controller(1200, start), 1200, secrets);
    sender.set_object_bytes(std::uint64_t{1} << 40);
    flow_feedback feedback;
    feedback.sequence = 1;
    feedback.wanted = {{0, std::uint64_t{1} << 40}};
    REQUIRE(sender.on_feedback(start, feedback));
    CHECK_FALSE(sender.on_feedback(start, feedback));  // not newer
    const auto block = std::make_shared<const bytes>(1u << 20);
    std::uint64_t asked = 0;
    for (int round = 0; round < 100; ++round)
        while (const auto need = sender.next_need()) {
            asked += need->length;
            sender.provide(need->first, shared_bytes(block, byte_span(*block).first(need->length)));
        }
    CHECK(asked >= limits::flow_supply_ahead_bytes_min);
    CHECK(asked <= limits::flow_supply_ahead_bytes_max + (1u << 20));
    std::uint64_t sent = 0;
    while (const auto piece = sender.next_piece(start)) sent += piece->payload.view.size();
    CHECK(sent <= 32 * 1172);  // the initial window
    // Nothing is wanted any more: everything is let go but what is under way.
    feedback.sequence = 2;
    feedback.wanted.clear();
    REQUIRE(sender.on_feedback(start + 1ms, feedback));
    CHECK(sender.provided_bytes() <= 1u << 20);
}

TEST_CASE("a sender does not believe in the receipt of what it has not sent", "[REQ-SEC-3]") {
    seeded_entropy secrets(1);
    flow_sender sender(make_foreground_controller(1200, start), 1200, secrets);
    sender.set_object_bytes(1u << 20);
    flow_feedback feedback;
    feedback.sequence = 1;
    feedback.wanted = {{0, 1u << 20}};
    REQUIRE(sender.on_feedback(start, feedback));
    const auto block = std::make_shared<const bytes>(1u << 20);
    sender.provide(0, shared_bytes(block));
    std::uint32_t sent = 0;
    while (sender.next_piece(start)) ++sent;
    REQUIRE(sent > 3);
    feedback.sequence = 2;
    feedback.acknowledged = {{0, 2}};
    feedback.largest_packet = 1;
    feedback.received_packets = 2;
    feedback.received_bytes = 2400;
    auto lie = feedback;
    lie.largest_packet = sent;
    CHECK_FALSE(sender.on_feedback(start + 1ms, lie));
    lie = feedback;
    lie.received_packets = sent + 1;
    CHECK_FALSE(sender.on_feedback(start + 1ms, lie));
    lie = feedback;
    lie.received_bytes = sent * 1200 + 1;
    CHECK_FALSE(sender.on_feedback(start + 1ms, lie));
    CHECK(sender.on_feedback(start + 1ms, feedback));
}

TEST_CASE("a receiver takes no recording of a forgotten packet for news", "[REQ-SEC-2]") {
    flow_receiver receiver(transfer_protocol::foreground);
    receiver.want({{0, 1u << 30}});
    for (std::uint32_t n = 0; n < 3 * limits::flow_packet_ranges_max; ++n) (void)receiver.on_data(start, start, packet(2 * n, n * 1000), 1000, false);
    const auto before = receiver.received_bytes();
    CHECK(receiver.has_packet(0));
    CHECK_FALSE(receiver.on_data(start, start, packet(0, 900'000), 1000, false));
    CHECK(receiver.received_bytes() == before);
}

TEST_CASE("Background feedback is spaced by a quarter of a round trip or sixteen packets", "[REQ-XFER-5]") {
    feedback_schedule schedule(transfer_protocol::background);
    schedule.set_round_trip(40ms);
    auto now = start;
    for (int n = 0; n < 100; ++n) {
        schedule.on_packet(now, 1200);
        if (schedule.due(true) <= now) schedule.on_feedback(now, 120);
        now += 100us;
    }
    schedule.on_feedback(now, 120);
    for (int n = 0; n < 15; ++n) schedule.on_packet(now, 1200);
    CHECK(schedule.due(true) == now + 10ms);
    schedule.on_packet(now, 1200);
    CHECK(schedule.due(true) <= now);
    schedule.on_feedback(now, 120);
    schedule.on_packet(now, 1200);
    schedule.on_gap();
    CHECK(schedule.due(true) <= now);
    schedule.on_feedback(now, 120);
    CHECK(schedule.due(true) > now);
    CHECK(schedule.due(true) <= now + 1s);
    CHECK(schedule.due(false) == now + 3s);
}

TEST_CASE("delays that go on growing never turn round", "[REQ-SEC-3]") {
    delay_clock clock;
    std::uint32_t said = 0;
    duration before = clock.unwrap(0);
    for (int frame = 0; frame < 5'000'000; ++frame) {
        said += INT32_MAX;
        const auto now = clock.unwrap(static_cast<std::int32_t>(said));
        if (now < before) FAIL("after " << frame << " frames");
        before = now;
    }
    CHECK(before > std::chrono::hours(24));
}
