// Rival traffic over simulated lines: full lines, fair shares, answers to loss, marks and silence.

#include <catch2/catch.hpp>

#include "small_network.hpp"

using namespace small_network;

namespace {

/// Boston's line down from the central office, of so much Mbit/s and with such a queue; round trips of 40 ms.
struct contest {
    explicit contest(double megabits, duration queue, void (*change)(link_settings&) = nullptr) : w(options_of(megabits, queue, change)), megabits_(megabits) {}

    static network_options options_of(double megabits, duration queue, void (*change)(link_settings&)) {
        network_options out;
        out.lan = {};
        auto down = line(megabits, 20ms, queue);
        if (change) change(down);
        out.offices["Boston"].wan_down = down;
        out.offices["Boston"].wan_up = line(1000, 20ms);
        return out;
    }
    rival_index add(rival_kind kind, duration starts = {}, bool ecn = false) {
        rival_options what;
        what.kind = kind;
        what.from = {"Central"};
        what.to = {"Boston"};
        what.starts = starts;
        what.ecn = ecn;
        what.seed = 7 + seed_++;
        return w.net.add_rival(what);
    }
    void run(duration time) {
        const auto end = w.queue.now() + time;
        while (w.queue.next_time() <= end) w.queue.step();
        w.queue.advance_to(end);
    }
    /// Of the line, in the next `time`.
    double share(rival_index which, duration time) {
        const auto before = w.net.rival(which).delivered_bytes;
        run(time);
        return static_cast<double>(w.net.rival(which).delivered_bytes - before) * 8 / (megabits_ * 1e6 * std::chrono::duration<double>(time).count());
    }
    /// In bytes, without what is on the line.
    double mean_queue(duration time) {
        const auto before = w.net.wan_down("Boston").counters().waited_byte_seconds;
        run(time);
        return (w.net.wan_down("Boston").counters().waited_byte_seconds - before) / std::chrono::duration<double>(time).count();
    }

    fixture w;
    double megabits_;
    std::uint64_t seed_ = 0;
};

constexpr double product_bytes = 20e6 / 8 * 0.04;   // of 20 Mbit/s and 40 ms

}  // namespace

TEST_CASE("every TCP alone fills a line") {
    const auto kind = GENERATE(rival_kind::cubic, rival_kind::reno, rival_kind::bbr, rival_kind::bbr3);
    CAPTURE(static_cast<int>(kind));
    contest c(20, 40ms);
    const auto tcp = c.add(kind);
    c.run(5s);
    CHECK(c.share(tcp, 20s) >= 0.93);
    const auto report = c.w.net.rival(tcp);
    CHECK(report.delay_min >= 40ms);
    CHECK(report.delay_min < 42ms);
    CHECK(report.timeouts == 0);
    CHECK(report.sent_packets >= report.delivered_bytes / 1500);
}

TEST_CASE("loss-based TCPs fill a deep queue, BBR keeps it short") {
    contest loss_based(20, 160ms);
    loss_based.add(rival_kind::cubic);
    loss_based.run(5s);
    CHECK(loss_based.mean_queue(30s) >= 2 * product_bytes);
    const auto kind = GENERATE(rival_kind::bbr, rival_kind::bbr3);
    contest model_based(20, 160ms);
    const auto bbr = model_based.add(kind);
    model_based.run(5s);
    CHECK(model_based.mean_queue(30s) <= 0.35 * product_bytes);
    CHECK(model_based.w.net.rival(bbr).lost_packets <= 200);
}

TEST_CASE("two of a kind share a line") {
    const auto kind = GENERATE(rival_kind::cubic, rival_kind::reno, rival_kind::bbr);
    CAPTURE(static_cast<int>(kind));
    contest c(20, 40ms);
    const auto first = c.add(kind);
    const auto second = c.add(kind, 2s);
    c.run(30s);
    const auto before = c.w.net.rival(second).delivered_bytes;
    const auto share = c.share(first, 60s);
    const auto other = static_cast<double>(c.w.net.rival(second).delivered_bytes - before) * 8 / 20e6 / 60;
    CHECK(share + other >= 0.93);
    CHECK(share / (share + other) > 0.25);
    CHECK(share / (share + other) < 0.75);
}

TEST_CASE("random loss slows CUBIC and Reno, and not BBR") {
    const auto lossy = [](link_settings& way) { way.loss = 0.01; };
    const auto speed = [&](rival_kind kind) {
        contest c(20, 80ms, lossy);
        const auto tcp = c.add(kind);
        c.run(5s);
        return c.share(tcp, 20s);
    };
    CHECK(speed(rival_kind::bbr) >= 0.85);
    // sqrt(1.5 / 0.01) is a window of 12 segments: 12 * 1500 * 8 / 40 ms = 3.7 Mbit/s with each segment acknowledged, less with every second one.
    CHECK(speed(rival_kind::reno) == Approx(0.16).epsilon(0.35));
    CHECK(speed(rival_kind::cubic) <= 0.4);
}

TEST_CASE("CoDel keeps a CUBIC's queue near its target, and marks instead of dropping where that is agreed") {
    const auto codel = [](link_settings& way) {
        way.queue.kind = queue_kind::codel;
        way.queue_bytes = 1'000'000;
    };
    contest c(20, 100ms, codel);
    const auto tcp = c.add(rival_kind::cubic);
    c.run(5s);
    CHECK(c.mean_queue(20s) <= 0.012 * 20e6 / 8);
    CHECK(c.share(tcp, 10s) >= 0.85);
    contest marked(20, 100ms, codel);
    const auto agreed = marked.add(rival_kind::cubic, {}, true);
    marked.run(25s);
    CHECK(marked.w.net.rival(agreed).resent_packets == 0);
    CHECK(marked.w.net.rival(agreed).congestion_events >= 5);
    CHECK(marked.w.net.wan_down("Boston").counters().marked >= 5);
    CHECK(marked.share(agreed, 10s) >= 0.85);
}

TEST_CASE("fq_codel gives two different TCPs the same") {
    contest c(20, 100ms, [](link_settings& way) { way.queue.kind = queue_kind::fq_codel; });
    const auto bbr = c.add(rival_kind::bbr);
    c.add(rival_kind::reno);
    c.run(10s);
    CHECK(c.share(bbr, 20s) == Approx(0.5).margin(0.06));
}

TEST_CASE("a TCP survives an outage, and backs off in it") {
    contest c(20, 40ms);
    const auto tcp = c.add(rival_kind::cubic);
    c.run(5s);
    auto& way = c.w.net.wan_down("Boston");
    auto settings = way.settings();
    settings.down = true;
    way.change(settings);
    const auto sent = c.w.net.rival(tcp).sent_packets;
    c.run(10s);
    CHECK(c.w.net.rival(tcp).sent_packets - sent <= 300);   // a window, and then one each time
    CHECK(c.w.net.rival(tcp).timeouts >= 4);
    CHECK(c.w.net.rival(tcp).timeouts <= 8);
    settings.down = false;
    way.change(settings);
    c.run(12s);
    CHECK(c.share(tcp, 5s) >= 0.9);
}

TEST_CASE("a TCP with so many bytes ends, whatever is lost") {
    contest c(20, 40ms, [](link_settings& way) {
        way.loss = 0.05;
        way.reorder = 0.02;
    });
    rival_options what;
    what.kind = GENERATE(rival_kind::cubic, rival_kind::bbr, rival_kind::bbr3);
    what.from = {"Central"};
    what.to = {"Boston"};
    what.bytes = 1'000'000;
    const auto tcp = c.w.net.add_rival(what);
    CHECK(c.w.net.rival(tcp).open_flows == 0);
    c.run(1ms);
    CHECK(c.w.net.rival(tcp).open_flows == 1);
    c.run(60s);
    CHECK(c.w.net.rival(tcp).open_flows == 0);
    CHECK(c.w.net.rival(tcp).delivered_bytes == (1'000'000 + 1447) / 1448 * 1500);
}

TEST_CASE("pages come with their load and end") {
    contest c(100, 40ms);
    rival_options what;
    what.kind = rival_kind::web;
    what.from = {"Central"};
    what.to = {"Boston"};
    what.megabits_per_second = 20;
    what.page_bytes = 500'000;
    const auto web = c.w.net.add_rival(what);
    c.run(120s);
    const auto report = c.w.net.rival(web);
    CHECK(report.pages == Approx(120 * 20e6 / 8 / 500'000).epsilon(0.15));
    CHECK(static_cast<double>(report.delivered_bytes) * 8 / 120 == Approx(20e6).epsilon(0.4));   // of so heavy a tail
    CHECK(report.mean_page_time() > 80ms);
    CHECK(report.mean_page_time() < 1s);
    c.w.net.stop_rival(web);
    const auto pages = c.w.net.rival(web).pages;
    c.run(10s);
    CHECK(c.w.net.rival(web).pages == pages);
    CHECK(c.w.net.rival(web).open_flows == 0);
}

TEST_CASE("a constant rate is that rate, with silences half of it, and says what it lost") {
    contest c(20, 40ms);
    rival_options what;
    what.kind = rival_kind::constant;
    what.from = {"Central"};
    what.to = {"Boston"};
    what.megabits_per_second = 5;
    what.stops = 10s;
    const auto rate = c.w.net.add_rival(what);
    c.run(11s);
    CHECK(static_cast<double>(c.w.net.rival(rate).delivered_bytes) * 8 == Approx(50e6).epsilon(0.001));
    CHECK(c.w.net.rival(rate).lost_packets == 0);
    CHECK(c.w.net.rival(rate).mean_delay() == 20'600us);
    what.kind = rival_kind::on_off;
    what.stops = 400s;
    const auto bursts = c.w.net.add_rival(what);
    c.run(400s);
    CHECK(static_cast<double>(c.w.net.rival(bursts).delivered_bytes) * 8 == Approx(400 * 2.5e6).epsilon(0.2));
    what.kind = rival_kind::constant;
    what.megabits_per_second = 25;
    what.stops.reset();
    const auto flood = c.w.net.add_rival(what);
    c.run(20s);
    const auto report = c.w.net.rival(flood);
    CHECK(static_cast<double>(report.lost_packets) / static_cast<double>(report.sent_packets) == Approx(0.2).epsilon(0.05));
}

TEST_CASE("a rival can share a host's own line, and respects partitions") {
    contest c(100, 40ms);
    auto& ann = c.w.add("10.1.0.5");
    rival_options what;
    what.from = {"Central"};
    what.to.host = ann.self;
    const auto tcp = c.w.net.add_rival(what);
    c.run(1s);
    CHECK(c.w.net.lan_down(ann.self).counters().carried > 100);
    c.w.net.block("Central", "Boston", true);
    c.run(100ms);
    const auto delivered = c.w.net.rival(tcp).delivered_bytes;
    c.run(1s);
    CHECK(c.w.net.rival(tcp).delivered_bytes == delivered);
}
