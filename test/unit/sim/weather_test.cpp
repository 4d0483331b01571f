// What comes and goes on lines: their long-run figures are those that were set.

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include "p2pdist/sim/link_model.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{std::chrono::seconds(1000)};

double milliseconds(duration value) { return std::chrono::duration<double, std::milli>(value).count(); }

}  // namespace

TEST_CASE("bursts of loss have the length and the frequency that were set") {
    link_settings settings;
    settings.bursts = {0.01, 0.25, 0.9};
    settings.loss = 0.001;
    link_model way(settings, 5);
    constexpr int count = 400'000;
    int lost = 0, after_lost = 0, lost_twice = 0;
    bool last = false;
    for (int i = 0; i < count; ++i) {
        const bool now = way.offer(start + i * 1ms, 100).what == link_passage::fate::lost;
        lost += now;
        after_lost += last;
        lost_twice += last && now;
        last = now;
    }
    const double bad = 0.01 / (0.01 + 0.25);
    CHECK(lost == Approx((bad * 0.9 + (1 - bad) * 0.001) * count).epsilon(0.05));
    // A loss is in a burst but for one in 36; then the next one is lost too with 0.75 * 0.9.
    const double in_burst = bad * 0.9 / (bad * 0.9 + (1 - bad) * 0.001);
    CHECK(static_cast<double>(lost_twice) / after_lost == Approx(in_burst * 0.75 * 0.9).epsilon(0.03));
    CHECK(way.counters().lost == static_cast<std::uint64_t>(lost));
}

TEST_CASE("a burst lasts 1 / leave datagrams on average") {
    link_settings settings;
    settings.bursts = {0.002, 0.1, 1};
    link_model way(settings, 9);
    int bursts = 0, lost = 0;
    bool last = false;
    for (int i = 0; i < 500'000; ++i) {
        const bool now = way.offer(start, 100).what == link_passage::fate::lost;
        bursts += now && !last;
        lost += now;
        last = now;
    }
    CHECK(static_cast<double>(lost) / bursts == Approx(10).epsilon(0.08));
    CHECK(bursts == Approx(500'000 * 0.002 * 0.1 / 0.102).epsilon(0.1));
}

TEST_CASE("jitter with a memory is as wide as without, and forgets in its time") {
    link_settings settings;
    settings.jitter = 10ms;
    settings.jitter_memory = 200ms;
    link_model way(settings, 3);
    std::vector<double> extra;
    constexpr int count = 60'000;
    for (int i = 0; i < count; ++i) {
        const auto now = start + i * 20ms;   // rarer than the jitter is wide: none waits for another
        extra.push_back(milliseconds(way.offer(now, 100).arrives - now));
    }
    double mean = 0, square = 0;
    for (const auto each : extra) mean += each / count;
    for (const auto each : extra) square += (each - mean) * (each - mean) / count;
    CHECK(mean == Approx(5).epsilon(0.03));
    CHECK(square == Approx(100.0 / 12).epsilon(0.04));   // of a uniform one
    const auto correlation = [&](std::size_t steps) {
        double sum = 0;
        for (std::size_t i = 0; i + steps < extra.size(); ++i) sum += (extra[i] - mean) * (extra[i + steps] - mean) / count;
        return sum / square;
    };
    // Ranks of a normal process: 6 / pi * asin(r / 2) where the process has r.
    const auto expected = [](double r) { return 6 / 3.14159265 * std::asin(r / 2); };
    CHECK(correlation(1) == Approx(expected(std::exp(-0.1))).margin(0.02));
    CHECK(correlation(10) == Approx(expected(std::exp(-1.0))).margin(0.04));
    CHECK(correlation(100) == Approx(0).margin(0.06));
}

TEST_CASE("in a suspension nothing is lost, all is delayed, and then comes at once and in order") {
    link_settings settings;
    settings.bytes_per_second = 1'000'000;
    settings.delay = 2ms;
    settings.fades = {1s, 100ms, 0};
    link_model way(settings, 11);
    constexpr int count = 200'000;
    auto last = start;
    int bunches = 0, held = 0;
    for (int i = 0; i < count; ++i) {
        const auto now = start + i * 1ms;
        const auto passage = way.offer(now, 100);
        REQUIRE(passage.what == link_passage::fate::carried);
        REQUIRE(passage.arrives >= last);
        const bool late = passage.arrives > now + 2100us;
        held += late;
        bunches += late && passage.arrives != last;
        last = passage.arrives;
    }
    CHECK(held == Approx(count * 0.1 / 1.1).epsilon(0.15));
    CHECK(bunches == Approx(200 / 1.1).epsilon(0.2));
    CHECK(way.counters().carried == count);
}

TEST_CASE("in a fade a line is slower") {
    link_settings settings;
    settings.bytes_per_second = 1'000'000;
    settings.fades = {1s, 1s, 0.25};
    link_model way(settings, 12);
    auto now = start;
    int slow = 0;
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i, now += 5ms) {
        const auto took = way.offer(now, 1000).arrives - now;
        REQUIRE((took == 1ms || took == 4ms));
        slow += took == 4ms;
    }
    CHECK(slow == Approx(count / 2).epsilon(0.15));
}

TEST_CASE("a policer passes a burst, then its rate, and drops the rest") {
    link_settings settings;
    settings.bytes_per_second = 10'000'000;
    settings.policer = {100'000, 5000};
    link_model way(settings, 1);
    for (int i = 0; i < 5; ++i) CHECK(way.offer(start, 1000).what == link_passage::fate::carried);
    CHECK(way.offer(start, 1000).what == link_passage::fate::policed);
    CHECK(way.offer(start + 9'900us, 1000).what == link_passage::fate::policed);
    CHECK(way.offer(start + 10ms, 1000).what == link_passage::fate::carried);
    for (int i = 0; i < 10'000; ++i) (void)way.offer(start + 20ms + i * 1ms, 1000);
    CHECK(way.counters().carried_bytes == Approx(100'000 * 10.02 + 5000).epsilon(0.002));
    CHECK(way.counters().policed + way.counters().carried == way.counters().offered);
}

TEST_CASE("what is longer than the MTU is dropped, and counted") {
    link_settings settings;
    settings.mtu_bytes = 1400;
    link_model way(settings, 1);
    CHECK(way.offer(start, 1400).what == link_passage::fate::carried);
    CHECK(way.offer(start, 1401).what == link_passage::fate::too_long);
    CHECK(way.counters().too_long == 1);
    CHECK(way.counters().carried == 1);
}

TEST_CASE("the counters give the mean queue") {
    link_settings settings;
    settings.bytes_per_second = 1'000'000;
    for (const auto kind : {queue_kind::tail_drop, queue_kind::codel}) {
        settings.queue.kind = kind;
        link_model way(settings, 1);
        std::vector<link_departure> gone;
        auto due = never;
        for (int i = 0; i < 3; ++i) {
            const auto passage = way.offer(start, {1000}, gone);
            if (passage.what == link_passage::fate::waiting && passage.arrives != never) due = passage.arrives;
        }
        while (due != never) due = way.depart(due, gone);
        // Two wait for the first millisecond, one for the second.
        CHECK(way.counters().waited_byte_seconds == Approx(3.0));
        CHECK(way.counters().queue_bytes_max == 3000);
    }
}

TEST_CASE("every preset has both directions, and unknown names have none") {
    for (const auto* name : {"lan", "office_wan", "wifi_lossy", "vpn_congested", "satellite"}) {
        INFO(name);
        const auto pair = line_preset(name);
        REQUIRE(pair);
        CHECK(pair->down.bytes_per_second > 0);
        CHECK(pair->up.bytes_per_second > 0);
        CHECK(line_preset_names().find(name) != std::string_view::npos);
    }
    CHECK_FALSE(line_preset("modem"));
    CHECK(line_preset("satellite")->down.delay > 200ms);
    CHECK(line_preset("wifi_lossy")->down.bursts.enter > 0);
    CHECK(line_preset("vpn_congested")->down.mtu_bytes < 1500);
}
