// Queues that are more than tail drop, against what their RFCs say.

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "p2pdist/sim/link_model.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{std::chrono::seconds(1000)};

/// A line with its events: what is offered and what becomes of it.
struct driven_line {
    explicit driven_line(const link_settings& settings) : model(settings, 1) {}

    void run_until(time_point end) {
        while (due != never && due <= end) {
            const auto at = due;
            due = model.depart(at, gone);
            note(at);
        }
    }
    link_passage offer(time_point now, offered_datagram what) {
        run_until(now);
        what.id = next_id++;
        flows[what.id] = what.flow;
        const auto passage = model.offer(now, what, gone);
        if (passage.what == link_passage::fate::waiting && passage.arrives != never) due = passage.arrives;
        if (passage.what == link_passage::fate::queue_full) ++refused;
        note(now);
        return passage;
    }
    void note(time_point now) {
        for (const auto& each : gone) {
            if (each.passage.what == link_passage::fate::carried) {
                carried[flows[each.id]].push_back(each.passage.arrives);
                order.push_back(each.id);
                if (each.ecn == 3) marks.push_back(now);
            } else {
                drops[flows[each.id]].push_back(now);
            }
        }
        gone.clear();
    }

    link_model model;
    std::vector<link_departure> gone;
    time_point due = never;
    std::uint32_t next_id = 0;
    std::uint64_t refused = 0;
    std::map<std::uint32_t, std::uint64_t> flows;
    std::map<std::uint64_t, std::vector<time_point>> carried, drops;
    std::vector<std::uint32_t> order;
    std::vector<time_point> marks;
};

/// A millisecond for each datagram of 1000 bytes.
link_settings queued(queue_kind kind, std::uint64_t queue_bytes = 10'000'000) {
    link_settings out;
    out.bytes_per_second = 1'000'000;
    out.queue_bytes = queue_bytes;
    out.queue.kind = kind;
    return out;
}

/// Twice the line's rate for so long.
void overload(driven_line& way, duration time, std::uint8_t ecn = 0) {
    for (auto at = duration::zero(); at < time; at += 500us) way.offer(start + at, {1000, cargo::control, ecn});
}

/// The times that section 3.3's control law gives: the first, and each one interval / sqrt(n) after the former; seen when the line is free next.
std::vector<time_point> by_control_law(time_point first, std::size_t count) {
    std::vector<time_point> out{first};
    auto next = first + 100ms;
    for (std::size_t n = 2; out.size() < count; ++n) {
        const auto rest = (next - start) % duration(1ms);
        out.push_back(rest == duration::zero() ? next : next + (duration(1ms) - rest));
        next += duration(static_cast<std::int64_t>(100e6 / std::sqrt(static_cast<double>(n))));
    }
    return out;
}

}  // namespace

TEST_CASE("CoDel drops at the times of its control law") {
    driven_line way(queued(queue_kind::codel));
    overload(way, 1s);
    way.run_until(start + 1s);
    const auto& drops = way.drops[0];
    // The datagram of 0.5 ms + n / 2 ms goes onto the line at n ms: the one of the tenth millisecond is the first to have waited for 5 ms.
    REQUIRE(drops.size() >= 15);
    CHECK(drops[0] == start + 10ms + 100ms);
    CHECK(std::vector<time_point>(drops.begin(), drops.begin() + 15) == by_control_law(drops[0], 15));
    CHECK(way.model.counters().early_dropped == drops.size());
    CHECK(way.model.counters().queue_dropped == 0);
}

TEST_CASE("CoDel marks what is ECT, at the same times, and drops none of it") {
    driven_line way(queued(queue_kind::codel));
    overload(way, 1s, 2);
    way.run_until(start + 1s);
    REQUIRE(way.marks.size() >= 15);
    CHECK(std::vector<time_point>(way.marks.begin(), way.marks.begin() + 15) == by_control_law(start + 110ms, 15));
    CHECK(way.model.counters().marked == way.marks.size());
    CHECK(way.model.counters().early_dropped == 0);
}

TEST_CASE("CoDel leaves a short queue alone, and a burst that it drains in time") {
    driven_line way(queued(queue_kind::codel));
    for (int i = 0; i < 2000; ++i) {
        way.offer(start + i * 1100us, {1000});
        if (i % 500 == 0) {
            for (int k = 0; k < 4; ++k) way.offer(start + i * 1100us, {1000});
        }
    }
    way.run_until(start + 3s);
    CHECK(way.model.counters().carried == 2000 + 16);
    driven_line burst(queued(queue_kind::codel));
    for (int k = 0; k < 90; ++k) burst.offer(start, {1000});   // gone after 90 ms, less than an interval
    burst.run_until(start + 1s);
    CHECK(burst.model.counters().carried == 90);
}

TEST_CASE("CoDel's queue has a limit too, and all that leaves it is in order") {
    driven_line way(queued(queue_kind::codel, 5000));
    for (int k = 0; k < 20; ++k) way.offer(start, {1000});
    way.run_until(start + 1s);
    CHECK(way.refused == 14);   // one is on the line, five wait
    CHECK(way.model.counters().carried == 6);
    CHECK(way.order == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
    CHECK(way.carried[0].back() == start + 6ms);
}

TEST_CASE("fq_codel shares by bytes, whatever the flows offer, and lets a thin flow pass at once") {
    driven_line way(queued(queue_kind::fq_codel, 200'000));
    duration worst{};
    for (int i = 0; i < 20'000; ++i) {
        const auto now = start + i * 250us;
        way.offer(now, {1000, cargo::control, 0, 1});                    // four times the line's rate
        if (i % 2 == 0) way.offer(now, {500, cargo::control, 0, 2});     // the line's rate
        if (i % 80 == 0) way.offer(now, {100, cargo::control, 0, 3});    // a datagram each 20 ms
    }
    way.run_until(start + 5s);
    const auto bytes = [&](std::uint64_t flow, double each) {
        const auto& seen = way.carried[flow];
        return each * static_cast<double>(std::count_if(seen.begin(), seen.end(), [](time_point at) { return at > start + 1s && at <= start + 5s; }));
    };
    CHECK(bytes(1, 1000) == Approx(bytes(2, 500)).epsilon(0.02));
    CHECK(bytes(1, 1000) + bytes(2, 500) + bytes(3, 100) == Approx(4e6).epsilon(0.01));
    REQUIRE(way.carried[3].size() >= 240);
    for (std::size_t i = 0; i < way.carried[3].size(); ++i) worst = std::max(worst, way.carried[3][i] - (start + static_cast<int>(i) * 20ms));
    CHECK(worst <= 4600us);   // the one on the line and a turn of each of the others; in one queue for all it would be 200 ms
    CHECK(way.drops[3].empty());
}

TEST_CASE("a full fq_codel drops half of the fattest flow, 64 at most, from its head") {
    driven_line way(queued(queue_kind::fq_codel, 10'000));
    way.offer(start, {1000, cargo::control, 0, 7});   // on the line at once
    way.run_until(start);
    for (int k = 0; k < 2; ++k) way.offer(start, {1000, cargo::control, 0, 2});
    for (int k = 0; k < 8; ++k) way.offer(start, {1000, cargo::control, 0, 1});
    CHECK(way.model.counters().queue_dropped == 0);
    way.offer(start, {1000, cargo::control, 0, 2});
    CHECK(way.drops[1].size() == 4);
    CHECK(way.drops[2].empty());
    CHECK(way.refused == 0);
    way.run_until(start + 1s);
    CHECK(way.carried[1].size() == 4);
    CHECK(way.carried[2].size() == 3);
    CHECK(std::find(way.order.begin(), way.order.end(), 3) == way.order.end());   // the oldest of flow 1
}

TEST_CASE("a line keeps what waits when its queue changes its kind") {
    driven_line way(queued(queue_kind::codel));
    for (int k = 0; k < 5; ++k) way.offer(start, {1000});
    way.model.change(queued(queue_kind::fq_codel));
    for (int k = 0; k < 5; ++k) way.offer(start, {1000});
    way.model.change(queued(queue_kind::tail_drop));
    CHECK(way.offer(start, {1000}).what == link_passage::fate::waiting);   // behind the others
    way.run_until(start + 1s);
    CHECK(way.model.counters().carried == 11);
    CHECK(way.offer(start + 1s, {1000}).what == link_passage::fate::carried);
    way.model.change(queued(queue_kind::codel));
    for (int k = 0; k < 3; ++k) way.offer(start + 1s, {1000});
    way.run_until(start + 1s);
    way.model.replace(queued(queue_kind::codel), way.gone);
    CHECK(way.gone.size() == 3);
    CHECK(way.gone.front().passage.what == link_passage::fate::down);
}
