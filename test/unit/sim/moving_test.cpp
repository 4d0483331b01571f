// Hosts that move, partitions, and lines that change.

#include <catch2/catch.hpp>

#include "small_network.hpp"

using namespace small_network;

namespace {

/// Why datagrams were dropped, in order.
struct drops {
    explicit drops(fixture& w) {
        w.net.watch([this](const watched_datagram& seen) {
            if (seen.note.what == datagram_note::kind::dropped) why.emplace_back(seen.note.why);
        });
    }
    std::vector<std::string> why;
};

}  // namespace

TEST_CASE("a host that moves to another office is reached there, at its new address only") {
    fixture w(exact());
    drops seen(w);
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.0.0.6");
    REQUIRE(w.net.move(ann.self, ip_address::parse("10.2.0.9").value(), 24));
    CHECK(w.net.office_of(ann.self) == "Delft");
    CHECK(w.net.find(ip_address::parse("10.2.0.9").value()) == ann.self);
    CHECK_FALSE(w.net.find(ip_address::parse("10.1.0.5").value()));
    w.send(bob, "10.1.0.5", "old");
    w.send(bob, "10.2.0.9", "?new");
    w.run();
    REQUIRE(ann.got.size() == 1);
    CHECK(ann.got[0].text == "?new");
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].from.to_string() == "10.2.0.9:2000");
    CHECK(seen.why == std::vector<std::string>{"no such host"});
    CHECK(w.net.wan_down("Boston").counters().offered == 0);
    CHECK(w.net.wan_down("Delft").counters().offered == 1);
    CHECK(w.net.move(bob.self, ip_address::parse("10.2.0.9").value(), 24).error().code == errc::already_exists);
    CHECK(w.net.office_of(bob.self) == "Central");
}

TEST_CASE("what is under way to an address when its host leaves goes to whoever has the address then") {
    fixture w(exact());
    drops seen(w);
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.0.0.6");
    auto& eve = w.add("10.2.0.9");
    const auto away = ip_address::parse("10.1.0.77").value();
    const auto address = ip_address::parse("10.1.0.5").value();
    const auto start = w.queue.now();

    SECTION("nobody: dropped at the switch") {
        w.send(bob, "10.1.0.5", "x");
        w.queue.at(start + 1ms, [&] { CHECK(w.net.move(ann.self, away, 24)); });
        w.run();
        CHECK(seen.why == std::vector<std::string>{"no such host"});
    }
    SECTION("on the host's own line already: dropped at its end") {
        w.send(bob, "10.1.0.5", std::string(972, 'x'));   // comes to the switch after 1.01 ms + 15 ms, to the host 1.01 ms later
        w.queue.at(start + 16'500us, [&] { CHECK(w.net.move(ann.self, away, 24)); });
        w.run();
        CHECK(seen.why == std::vector<std::string>{"detached"});
    }
    SECTION("another host that took it meanwhile") {
        w.send(bob, "10.1.0.5", "x");
        w.queue.at(start + 1ms, [&] {
            w.net.detach(ann.self);
            CHECK(w.net.move(eve.self, address, 24));
        });
        w.run();
        CHECK(seen.why.empty());
        CHECK(eve.got.size() == 1);
    }
    CHECK(ann.got.empty());
}

TEST_CASE("a detached host neither sends nor receives, and a moved one sends nothing from its old address") {
    fixture w(exact());
    drops seen(w);
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.0.0.6");
    auto& near = w.add("10.1.0.6");
    CHECK(w.net.attached(ann.self));
    w.net.detach(ann.self);
    w.net.detach(ann.self);
    CHECK_FALSE(w.net.attached(ann.self));
    w.send(ann, "10.0.0.6", "x");
    w.send(bob, "10.1.0.5", "x");
    w.send(near, "10.1.0.255", "x", true);
    REQUIRE(w.net.move(ann.self, ip_address::parse("10.1.0.7").value(), 24));
    w.run();
    CHECK(seen.why == std::vector<std::string>{"detached", "no such host"});
    CHECK(bob.got.empty());
    CHECK(ann.got.size() == 1);   // the broadcast: it was back before that came to the switch
    w.send(ann, "10.0.0.6", "x");
    w.run();
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].from.address.to_string() == "10.1.0.7");
}

TEST_CASE("a partition between hosts or offices can be of one direction") {
    fixture w;
    drops seen(w);
    auto& ann = w.add("10.1.0.5");
    auto& near = w.add("10.1.0.6");
    auto& bob = w.add("10.2.0.6");
    SECTION("offices") {
        w.net.block("Boston", "Delft", true);
        w.send(ann, "10.2.0.6", "x");
        w.send(bob, "10.1.0.5", "y");
        w.send(ann, "10.1.0.6", "z");
        w.run();
        CHECK(bob.got.empty());
        CHECK(ann.got.size() == 1);
        CHECK(near.got.size() == 1);
        CHECK(seen.why == std::vector<std::string>{"blocked"});
        w.net.block("Boston", "Delft", false);
    }
    SECTION("hosts, and their broadcasts") {
        w.net.block(ann.self, near.self, true);
        w.net.block(ann.self, bob.self, true);
        w.send(ann, "10.1.0.255", "x", true);
        w.send(ann, "10.2.0.6", "x");
        w.send(near, "10.1.0.255", "y", true);
        w.run();
        CHECK(near.got.empty());
        CHECK(bob.got.empty());
        CHECK(ann.got.size() == 1);
        w.net.unblock_all();
    }
    w.send(ann, "10.2.0.6", "x");
    w.run();
    CHECK(bob.got.size() == 1);
}

TEST_CASE("an office's line is replaced by another to another parent") {
    fixture w(exact());
    auto& wifi = w.add("10.1.128.9");
    auto& delft = w.add("10.2.0.1");
    auto& central = w.add("10.0.0.1");
    CHECK(w.net.parent_of("Boston") == "Central");
    link_settings slow;
    slow.bytes_per_second = 10'000;
    slow.delay = 300ms;
    const auto start = w.queue.now();
    w.send(central, "10.1.128.9", std::string(72, 'x'));   // is on the old line when that is replaced
    w.queue.at(start + 2ms, [&] { w.net.reroute("Boston", "Delft", slow, slow); });
    w.run();
    CHECK(w.net.parent_of("Boston") == "Delft");
    REQUIRE(wifi.got.size() == 1);
    CHECK(wifi.got[0].at == start + 2 * 110us + 12ms);

    const auto later = w.queue.now();
    w.send(wifi, "10.2.0.1", std::string(72, 'x'));
    w.send(wifi, "10.0.0.1", std::string(72, 'x'));
    w.run();
    REQUIRE(delft.got.size() == 1);
    CHECK(delft.got[0].at == later + 2 * 110us + 9ms + 310ms);
    CHECK(central.got.size() == 1);                                       // through Delft, which is its line up
    CHECK(w.net.wan_up("Delft").counters().carried == 1);
    CHECK(w.net.wan_up("Boston").counters().carried == 2);                // counters go on
    CHECK(w.net.wan_down("Boston").counters().carried == 1);
}

TEST_CASE("a line that is replaced has an empty queue") {
    link_settings slow;
    slow.bytes_per_second = 1000;
    link_model way(slow, 1);
    const time_point now{1000s};
    CHECK(way.offer(now, 1000).arrives == now + 1s);
    slow.bytes_per_second = 10'000;
    way.change(slow);
    CHECK(way.offer(now, 1000).arrives == now + 1100ms);
    std::vector<link_departure> dropped;
    way.replace(slow, dropped);
    CHECK(dropped.empty());
    CHECK(way.offer(now, 1000).arrives == now + 100ms);
    CHECK(way.counters().carried == 3);
}
