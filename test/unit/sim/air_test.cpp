// Wi-Fi: one transmission at a time, for whoever sends.

#include <catch2/catch.hpp>

#include <algorithm>

#include "small_network.hpp"

using namespace small_network;

namespace {

network_options wireless() {
    network_options out = exact();
    out.lan.delay = {};
    out.wan_down = out.wan_up = {};
    out.wifi = wifi_settings{10'000'000, 1'000'000, 100us, 10'000, 100'000};
    return out;
}

double seconds(duration value) { return std::chrono::duration<double>(value).count(); }

}  // namespace

TEST_CASE("between two hosts of a Wi-Fi a datagram takes the air twice, from outside once") {
    fixture w(wireless());
    auto& ann = w.add("10.1.128.5");
    auto& bob = w.add("10.1.128.6");
    auto& far = w.add("10.1.0.6");
    auto start = w.queue.now();
    w.send(ann, "10.1.128.6", std::string(972, 'x'));
    w.run();
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].at == start + 2 * (100us + 100us));
    start = w.queue.now();
    w.send(far, "10.1.128.6", std::string(972, 'x'));
    w.run();
    REQUIRE(bob.got.size() == 2);
    CHECK(bob.got[1].at == start + 1ms + 200us);   // the wired host's line, and the air
    CHECK(w.net.air_of("Boston Wi-Fi").transmissions == 3);
    CHECK(w.net.air_of("Boston Wi-Fi").busy == 600us);
}

TEST_CASE("what goes to one receiver shares a transmission") {
    fixture w(wireless());
    auto& ann = w.add("10.1.128.5");
    w.add("10.1.0.6");
    const auto start = w.queue.now();
    for (int i = 0; i < 21; ++i) w.send(ann, "10.1.0.6", std::string(972, 'x'));
    w.run();
    // One at once, then ten and ten.
    CHECK(w.net.air_of("Boston Wi-Fi").transmissions == 3);
    CHECK(w.net.air_of("Boston Wi-Fi").busy == 300us + 2100us);
    CHECK(w.hosts[1]->got.size() == 21);
    CHECK(w.queue.now() > start);
}

TEST_CASE("a broadcast goes up as any datagram, and down once for all at the basic rate") {
    fixture w(wireless());
    auto& ann = w.add("10.1.128.5");
    auto& bob = w.add("10.1.128.6");
    auto& eve = w.add("10.1.128.7");
    const auto start = w.queue.now();
    w.send(ann, "10.1.128.255", std::string(972, 'x'), true);
    w.run();
    REQUIRE(bob.got.size() == 1);
    CHECK(eve.got.size() == 1);
    CHECK(ann.got.empty());
    CHECK(bob.got[0].at == start + 200us + 100us + 1ms);
    CHECK(w.net.air_of("Boston Wi-Fi").transmissions == 2);
}

TEST_CASE("stations share the air alike, whatever they offer, and together with what comes down") {
    fixture w(wireless());
    auto& ann = w.add("10.1.128.5");
    auto& bob = w.add("10.1.128.6");
    auto& far = w.add("10.1.0.6");
    for (int i = 0; i < 20'000; ++i) {
        w.queue.at(w.queue.now() + i * 250us, [&, i] {
            w.send(ann, "10.1.0.6", "a" + std::string(971, 'x'));   // 4 MB/s
            w.send(bob, "10.1.0.6", "b" + std::string(971, 'x'));
            w.send(bob, "10.1.0.6", "b" + std::string(971, 'x'));   // 8 MB/s
            if (i % 5 == 0) w.send(far, "10.1.128.5", "f" + std::string(971, 'x'));
        });
    }
    auto lines = w.net.lan_down(far.self).settings();
    lines.bytes_per_second = 0;
    w.net.lan_down(far.self).change(lines);
    w.net.lan_up(far.self).change(lines);
    const auto end = w.queue.now() + 5s;
    while (w.queue.next_time() <= end) w.queue.step();
    const auto from = [&](char first) {
        return static_cast<double>(std::count_if(far.got.begin(), far.got.end(), [first](const auto& each) { return each.text[0] == first; }));
    };
    CHECK(from('a') / from('b') == Approx(1).epsilon(0.1));
    const auto& air = w.net.air_of("Boston Wi-Fi");
    CHECK(seconds(air.busy) == Approx(5).epsilon(0.01));
    CHECK(static_cast<double>(air.bytes) <= 5e7);
    CHECK(static_cast<double>(air.bytes) >= 4e7);
    CHECK(air.queue_dropped > 1000);
    CHECK(air.collisions > 100);
    CHECK(ann.got.size() >= 3900);   // what comes down slowly is not crowded out
}

TEST_CASE("a host that leaves a Wi-Fi takes what it had to send away") {
    fixture w(wireless());
    auto& ann = w.add("10.1.128.5");
    w.add("10.1.0.6");
    for (int i = 0; i < 30; ++i) w.send(ann, "10.1.0.6", std::string(972, 'x'));
    REQUIRE(w.net.move(ann.self, ip_address::parse("10.2.0.5").value(), 24));
    w.run();
    CHECK(w.hosts[1]->got.size() == 1);   // the one in the air
    w.send(ann, "10.1.0.6", "x");
    w.run();
    CHECK(w.hosts[1]->got.size() == 2);
}

TEST_CASE("without settings a Wi-Fi office is wired") {
    auto options = wireless();
    options.wifi.reset();
    fixture w(options);
    auto& ann = w.add("10.1.128.5");
    auto& bob = w.add("10.1.128.6");
    const auto start = w.queue.now();
    w.send(ann, "10.1.128.6", std::string(972, 'x'));
    w.run();
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].at == start + 2ms);
}
