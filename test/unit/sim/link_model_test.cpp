#include <catch2/catch.hpp>

#include <vector>

#include "p2pdist/sim/link_model.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{std::chrono::seconds(1000)};

link_settings plain(std::uint64_t bytes_per_second, duration delay = {}) {
    link_settings settings;
    settings.bytes_per_second = bytes_per_second;
    settings.delay = delay;
    return settings;
}

}  // namespace

TEST_CASE("a line takes exactly bytes / rate, then its delay") {
    link_model way(plain(1'250'000, 10ms), 1);   // 10 Mbit/s: 800 ns a byte
    CHECK(way.line_time(1228) == 982'400ns);
    const auto first = way.offer(start, 1228);
    const auto second = way.offer(start, 1228);
    CHECK(first.arrives == start + 982'400ns + 10ms);
    CHECK(second.arrives == start + 2 * 982'400ns + 10ms);
    CHECK(way.queue_delay(start) == 2 * 982'400ns);
    CHECK(way.queue_bytes(start) == 2 * 1228);
    // The line is free again: no memory of idle time.
    const auto third = way.offer(start + 5ms, 125);
    CHECK(third.arrives == start + 5ms + 100us + 10ms);
    CHECK(way.counters().carried_bytes == 2 * 1228 + 125);
}

TEST_CASE("a rate that does not divide is rounded up, never faster than it says") {
    link_model way(plain(3), 1);
    CHECK(way.line_time(1) == 333'333'334ns);
    CHECK(way.line_time(3) == 1s);
    link_model fast(plain(125'000'000'000), 1);
    CHECK(fast.line_time(1) == 1ns);
}

TEST_CASE("a line without a rate only delays") {
    link_model way(plain(0, 3ms), 1);
    CHECK(way.offer(start, 1'000'000).arrives == start + 3ms);
    CHECK(way.offer(start, 1'000'000).arrives == start + 3ms);
}

TEST_CASE("the queue drops its tail when it is full, and takes again when there is room") {
    auto settings = plain(1'000'000);
    settings.queue_bytes = 3000;
    link_model way(settings, 1);
    for (int i = 0; i < 3; ++i) CHECK(way.offer(start, 1000).what == link_passage::fate::carried);
    CHECK(way.offer(start, 1000).what == link_passage::fate::queue_full);
    CHECK(way.offer(start + 999us, 1000).what == link_passage::fate::queue_full);   // 1 byte of the first is still there
    CHECK(way.offer(start + 1ms, 1000).what == link_passage::fate::carried);
    CHECK(way.counters().queue_dropped == 2);
    CHECK(way.counters().queue_bytes_max == 3000);
    CHECK(way.counters().carried == 4);
    CHECK(way.counters().offered == 6);
}

TEST_CASE("loss, duplication and reordering have their probability, and lost ones take the line's time") {
    auto settings = plain(1'000'000'000);
    settings.loss = 0.05;
    settings.duplicate = 0.02;
    settings.reorder = 0.1;
    settings.reorder_delay = 7ms;
    link_model way(settings, 42);
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) {
        const auto now = start + i * 1ms;
        const auto passage = way.offer(now, 1000);
        if (passage.what == link_passage::fate::lost) continue;
        const bool late = passage.arrives == now + 1us + 7ms;
        CHECK((late || passage.arrives == now + 1us));
        if (passage.copy_arrives) CHECK(*passage.copy_arrives > passage.arrives);
    }
    const auto& seen = way.counters();
    CHECK(seen.carried_bytes == std::uint64_t{count} * 1000);
    CHECK(seen.lost == Approx(0.05 * count).epsilon(0.15));
    CHECK(seen.duplicated == Approx(0.02 * 0.95 * count).epsilon(0.2));
    CHECK(seen.reordered == Approx(0.1 * 0.95 * count).epsilon(0.1));
}

TEST_CASE("jitter delays and never reorders") {
    auto settings = plain(0, 1ms);
    settings.jitter = 5ms;
    link_model way(settings, 7);
    auto last = start;
    bool varies = false;
    for (int i = 0; i < 1000; ++i) {
        const auto now = start + i * 100us;
        const auto arrives = way.offer(now, 100).arrives;
        CHECK(arrives >= last);
        CHECK(arrives >= now + 1ms);
        CHECK(arrives < now + 6ms);
        varies = varies || arrives - last > 100us;
        last = arrives;
    }
    CHECK(varies);
}

TEST_CASE("a line that is down drops, and changes take effect at once") {
    auto settings = plain(1'000'000, 1ms);
    link_model way(settings, 1);
    settings.down = true;
    way.change(settings);
    CHECK(way.offer(start, 100).what == link_passage::fate::down);
    CHECK(way.counters().down_dropped == 1);
    CHECK(way.counters().carried_bytes == 0);
    settings.down = false;
    settings.bytes_per_second = 2'000'000;
    way.change(settings);
    CHECK(way.offer(start, 100).arrives == start + 50us + 1ms);
}

TEST_CASE("the same seed makes the same line") {
    auto settings = plain(1'000'000, 1ms);
    settings.loss = settings.reorder = settings.duplicate = 0.2;
    settings.jitter = 1ms;
    const auto run = [&](std::uint64_t seed) {
        link_model way(settings, seed);
        std::vector<time_point> arrivals;
        for (int i = 0; i < 200; ++i) arrivals.push_back(way.offer(start + i * 1ms, 500).arrives);
        return arrivals;
    };
    CHECK(run(3) == run(3));
    CHECK(run(3) != run(4));
}

TEST_CASE("line() converts units") {
    const auto settings = line(50, 10ms, 100ms);
    CHECK(settings.bytes_per_second == 6'250'000);
    CHECK(settings.queue_bytes == 625'000);
    CHECK(line(0.1, 1ms, 10ms).queue_bytes == 12'280);   // never less than a few datagrams
}
