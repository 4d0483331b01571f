// The congestion controllers in virtual time, with budgets: slower, less polite or less robust fails.

#include "flow_world.hpp"
#include "support/tcp_actor.hpp"

using namespace test_flow;

namespace {

constexpr std::uint64_t endless = std::uint64_t{1} << 40;

struct path_of {
    double megabits;
    duration round_trip;
    duration queue;
    double loss = 0;
};

test::link_config config_of(const path_of& path) {
    test::link_config config;
    config.bits_per_second = path.megabits * 1e6;
    config.delay = path.round_trip / 2;
    config.queue_bytes = std::max<std::uint64_t>(3000, static_cast<std::uint64_t>(path.megabits * 1e6 / 8 * std::chrono::duration<double>(path.queue).count()));
    config.loss = path.loss;
    return config;
}

/// One endless flow, maybe with a TCP beside it.
struct scenario {
    explicit scenario(const path_of& way, transfer_protocol law)
        : world(config_of(way), back_of(way)), protocol(law), bits_per_second(way.megabits * 1e6), tcp(world.clock, world.down, way.round_trip / 2) {
        world.sender.supply = blank_part;
        world.check_bytes = false;
        world.sender.object_bytes = endless;
    }
    static test::link_config back_of(const path_of& way) {
        auto config = config_of(way);
        config.queue_bytes = UINT64_MAX;
        config.loss = 0;
        return config;
    }
    void begin() { world.receiver.open(world.sender, open_of(protocol), {{0, endless}}); }
    /// Timers as on a busy virtual machine: up to 2 ms late, now and then 35 ms.
    void make_noisy() {
        const auto late = [this] { return random.unit() < 0.002 ? duration(35ms) : duration(static_cast<std::int64_t>(random.unit() * 2e6)); };
        world.sender.lateness = late;
        world.receiver.lateness = late;
    }
    void run(duration time) { world.clock.run_until(world.clock.now() + time); }
    /// The share of the line that was used in the next `time`.
    double utilisation(duration time) {
        const auto before = world.down.carried_bytes();
        run(time);
        return static_cast<double>(world.down.carried_bytes() - before) * 8 / bits_per_second / std::chrono::duration<double>(time).count();
    }
    double tcp_share(duration time) {
        const auto before = tcp.delivered_bytes();
        run(time);
        return static_cast<double>(tcp.delivered_bytes() - before) * 8 / bits_per_second / std::chrono::duration<double>(time).count();
    }
    [[nodiscard]] flow_statistics statistics() const { return *world.sender.flows->statistics(world.sender.requested.at(0).flow); }

    pair_of_nodes world;
    transfer_protocol protocol;
    double bits_per_second;
    test::tcp_actor tcp;
    random_source random{3};
};

constexpr auto background = transfer_protocol::background;
constexpr auto foreground = transfer_protocol::foreground;

}  // namespace

TEST_CASE("Foreground keeps its queue short where its node has Background under way too", "[REQ-XFER-3]") {
    const bool beside = GENERATE(false, true);
    scenario s({200, 1ms, 20ms}, foreground);
    s.begin();
    if (beside) s.world.receiver.open(s.world.sender, open_of(background), {{0, endless}});
    s.run(2s);
    s.world.down.forget_queue();
    CHECK(s.utilisation(3s) > 0.9);
    if (!beside) {
        CHECK(s.world.down.queue_quantile(0.5) > 5ms);
        return;
    }
    CHECK(s.world.down.queue_quantile(0.5) <= 3ms);
    CHECK(s.world.down.queue_quantile(0.95) <= 4ms);
    const auto other = *s.world.sender.flows->statistics(s.world.sender.requested.at(1).flow);
    CHECK_FALSE(other.paused);
    CHECK(other.rate_bytes_per_second > 2.5e6);   // a child office gets something, though the neighbours could take all
}

TEST_CASE("Background alone fills an idle link and keeps its queue short, late timers or not", "[REQ-XFER-2]") {
    const bool noisy = GENERATE(false, true);
    const auto path = GENERATE(path_of{10, 40ms, 50ms}, path_of{20, 40ms, 40ms}, path_of{50, 40ms, 50ms}, path_of{100, 20ms, 50ms});
    scenario s(path, background);
    if (noisy) s.make_noisy();
    CAPTURE(noisy, path.megabits);
    s.begin();
    s.run(1500ms);
    s.world.down.forget_queue();
    CHECK(s.utilisation(8s) >= 0.92);
    CHECK(s.world.down.queue_quantile(0.5) <= 2ms);
    CHECK(s.world.down.queue_quantile(0.95) <= (path.megabits < 20 ? 12ms : 8ms));
    CHECK(s.statistics().retransmitted_bytes <= s.world.down.dropped() * 1172);
    CHECK(s.statistics().controller_state != "floor");
}

TEST_CASE("Background on a gigabit LAN", "[REQ-XFER-2]") {
    scenario s({1000, 300us, 10ms}, background);
    s.begin();
    s.run(700ms);
    CHECK(s.utilisation(500ms) >= 0.9);
}

TEST_CASE("Background leaves a TCP download its share, first or second, and comes back when it is gone", "[REQ-XFER-2][REQ-XFER-3]") {
    const double bandwidth_delays = GENERATE(0.5, 1.0, 2.0, 4.0);
    const auto path = GENERATE(path_of{20, 40ms, 0ms}, path_of{10, 40ms, 0ms}, path_of{50, 20ms, 0ms});
    const bool background_first = GENERATE(true, false);
    auto way = path;
    way.queue = std::chrono::duration_cast<duration>(way.round_trip * bandwidth_delays);

    scenario solo(way, background);
    solo.run(5s);
    solo.tcp.start();
    if (!background_first) solo.run(3s);
    const auto alone = solo.tcp_share(16s);

    scenario s(way, background);
    if (background_first) s.begin();
    s.run(5s);
    s.tcp.start();
    if (!background_first) {
        s.run(3s);
        s.begin();
    }
    const auto beside = s.tcp_share(16s);
    CAPTURE(bandwidth_delays, path.megabits, background_first, alone, beside);
    CHECK(beside >= (bandwidth_delays < 1 ? 0.8 : 0.9) * alone);

    s.tcp.stop();
    s.run(5s);
    CHECK(s.utilisation(2s) >= 0.85);
}

TEST_CASE("a Background flow that stands aside says so, and says when it goes on", "[REQ-XFER-3]") {
    scenario s({20, 40ms, 80ms}, background);
    s.begin();
    s.run(4s);
    CHECK(s.world.receiver.statuses.empty());
    s.tcp.start();
    s.run(10s);
    REQUIRE_FALSE(s.world.receiver.statuses.empty());
    CHECK(s.world.receiver.statuses.back().paused);
    CHECK(s.statistics().paused);
    CHECK(s.statistics().controller_state == "floor");
    s.tcp.stop();
    s.run(8s);
    CHECK_FALSE(s.world.receiver.statuses.back().paused);
}

TEST_CASE("Background that meets congestion after a pause of its application goes on slowly, not without a limit", "[REQ-XFER-3]") {
    auto now = time_point(1h);
    const auto controller = make_background_controller(1200, now);
    feedback_sample sample;
    sample.has_rtt = sample.has_delay = true;
    sample.rtt = sample.rtt_min = sample.rtt_smoothed = 40ms;
    sample.delivered_bytes = 12'000;
    sample.delivered_over = 10ms;
    const auto feed = [&](std::uint64_t marked) {
        sample.now = now += 10ms;
        sample.acked_bytes = sample.delivered_bytes;
        sample.acked_packets = sample.delivered_bytes / 1200;
        sample.ce_packets = marked;
        controller->on_sent(now, 1200, sample.delivered_bytes);
        controller->on_feedback(sample);
    };
    for (int i = 0; i < 200; ++i) feed(i == 100 ? 3 : 0);
    REQUIRE(controller->state() == "run");
    const auto before = controller->pacing_rate();
    // Two seconds in which there was nothing to send: what arrives, and how fast, is not known any more.
    now += 2s;
    sample.delivered_over = 2s;
    feed(0);
    sample.delivered_over = 1ms;
    for (int i = 0; i < 4; ++i) {
        feed(3);
        CHECK(controller->pacing_rate() > before / 100);
        CHECK(controller->pacing_rate() < before);
    }
}

TEST_CASE("Background is not fooled by random loss, a longer way or a slower link", "[REQ-XFER-2]") {
    SECTION("one percent of loss") {
        scenario s({20, 40ms, 50ms, 0.01}, background);
        s.begin();
        s.run(4s);
        CHECK(s.utilisation(10s) >= 0.8);
    }
    SECTION("the way gets 20 ms longer: learnt within a quarter of a minute") {
        scenario s({20, 40ms, 50ms}, background);
        s.begin();
        s.run(4s);
        s.world.down.set_delay(40ms);
        s.run(16s);
        CHECK(s.utilisation(6s) >= 0.85);
    }
    SECTION("the link gets half as fast") {
        scenario s({20, 40ms, 50ms}, background);
        s.begin();
        s.run(4s);
        s.world.down.set_rate(10e6);
        s.bits_per_second = 10e6;
        s.run(5s);
        CHECK(s.utilisation(6s) >= 0.85);
    }
    SECTION("the link gets twice as fast") {
        scenario s({20, 40ms, 50ms}, background);
        s.begin();
        s.run(4s);
        s.world.down.set_rate(40e6);
        s.bits_per_second = 40e6;
        s.run(5s);
        CHECK(s.utilisation(6s) >= 0.85);
    }
}

TEST_CASE("a Background sender with little to send keeps what it knows of the path", "[REQ-XFER-2][REQ-RVP-4]") {
    scenario s({20, 40ms, 50ms}, background);
    bool starved = false;
    std::vector<flow_needs> kept;
    s.world.sender.on_need = [&](const flow_needs& need) {
        if (starved) kept.push_back(need);
        return starved;
    };
    s.begin();
    s.run(3s);
    starved = true;
    s.run(3s);
    starved = false;
    for (const auto& need : kept) s.world.sender.flows->provide(s.world.clock.now(), need.flow, need.range.first, blank_part(need.range));
    s.world.sender.pump();
    s.run(500ms);
    CHECK(s.utilisation(2s) >= 0.85);
}

TEST_CASE("Foreground fills the line as TCP does", "[REQ-XFER-1]") {
    const bool noisy = GENERATE(false, true);
    const auto path = GENERATE(path_of{1000, 300us, 10ms}, path_of{100, 5ms, 20ms}, path_of{20, 40ms, 40ms}, path_of{20, 40ms, 40ms, 0.00005});
    scenario s(path, foreground);
    if (noisy) s.make_noisy();
    CAPTURE(noisy, path.megabits, path.loss);
    s.begin();
    s.run(path.megabits > 500 ? 300ms : 1500ms);
    CHECK(s.utilisation(path.megabits > 500 ? 500ms : 6s) >= 0.9);
}

TEST_CASE("Foreground shares a line with TCP", "[REQ-XFER-1]") {
    scenario s({20, 20ms, 40ms}, foreground);
    s.begin();
    s.run(2s);
    s.tcp.start();
    s.run(10s);
    const auto share = s.tcp_share(20s);
    CHECK(share >= 0.2);
    CHECK(share <= 0.8);
}
