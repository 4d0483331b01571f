#include <catch2/catch.hpp>

#include "small_network.hpp"

using namespace small_network;

TEST_CASE("within an office a datagram crosses two access lines") {
    fixture w(exact());
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.1.1.6");   // the other subnet of the same office
    const auto start = w.queue.now();
    w.send(ann, "10.1.1.6", std::string(72, 'x'));   // 100 bytes on the line
    w.run();
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].at == start + 2 * (100us + 10us));
    CHECK(bob.got[0].text == std::string(72, 'x'));
    CHECK(bob.got[0].from.to_string() == "10.1.0.5:1000");
    CHECK(w.net.wan_up("Boston").counters().offered == 0);
}

TEST_CASE("between offices a datagram follows the hierarchy, up and down") {
    fixture w(exact());
    auto& wifi = w.add("10.1.128.9");
    auto& delft = w.add("10.2.0.1");
    const auto start = w.queue.now();
    w.send(wifi, "10.2.0.1", "?" + std::string(71, 'x'));
    w.run();
    REQUIRE(delft.got.size() == 1);
    // access, two lines up (2 ms + 7 ms each), one down (1 ms + 5 ms), access
    CHECK(delft.got[0].at == start + 2 * 110us + 2 * 9ms + 6ms);
    REQUIRE(wifi.got.size() == 1);
    CHECK(wifi.got[0].text == "!");
    for (const auto* office : {"Boston Wi-Fi", "Boston"}) {
        CHECK(w.net.wan_up(office).counters().carried_bytes == 100);
        CHECK(w.net.wan_down(office).counters().carried_bytes == 29);
    }
    CHECK(w.net.wan_down("Delft").counters().carried_bytes == 100);
    CHECK(w.net.wan_up("Delft").counters().carried_bytes == 29);
}

TEST_CASE("a broadcast reaches its subnet in the office and nothing else") {
    fixture w;
    auto& sender = w.add("10.1.0.5");
    auto& near = w.add("10.1.0.6");
    auto& other_subnet = w.add("10.1.1.6");
    auto& wifi = w.add("10.1.128.6");
    auto& central = w.add("10.0.0.6");
    w.send(sender, "10.1.0.255", "hello", true);
    w.run();
    CHECK(near.got.size() == 1);
    CHECK(sender.got.empty());
    CHECK(other_subnet.got.empty());
    CHECK(wifi.got.empty());
    CHECK(central.got.empty());
}

TEST_CASE("a client in no office has a line of its own to the central office") {
    fixture w(exact());
    auto& stray = w.add("192.168.7.7");
    auto& central = w.add("10.0.0.6");
    w.send(stray, "10.0.0.6", "x");
    w.run();
    CHECK(central.got.size() == 1);
    CHECK(w.net.office_of(stray.self) == "192.168.7.7");
    CHECK(w.net.wan_up("192.168.7.7").counters().carried == 1);
}

TEST_CASE("unknown addresses, hosts that are down and filtered datagrams are dropped, and seen") {
    fixture w;
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.1.0.6");
    std::vector<std::string> fates;
    w.net.watch([&](const watched_datagram& seen) {
        if (seen.note.what == datagram_note::kind::dropped) fates.emplace_back(seen.note.why);
    });
    w.send(ann, "10.1.0.99", "x");
    w.run();
    bob.up = false;
    w.send(ann, "10.1.0.6", "x");
    w.run();
    w.net.set_filter([](time_point, const datagram_note&) { return false; });
    w.send(ann, "10.1.0.6", "x");
    w.run();
    auto line = w.net.lan_down(bob.self).settings();
    line.down = true;
    w.net.lan_down(bob.self).change(line);
    w.net.set_filter({});
    w.send(ann, "10.1.0.6", "x");
    w.run();
    CHECK(fates == std::vector<std::string>{"no such host", "host down", "filtered", "link down"});
    CHECK(bob.got.empty());
}

TEST_CASE("duplicates arrive twice") {
    auto options = exact();
    options.lan.duplicate = 1;
    fixture w(options);
    auto& ann = w.add("10.1.0.5");
    auto& bob = w.add("10.1.0.6");
    const auto start = w.queue.now();
    w.send(ann, "10.1.0.6", std::string(72, 'x'));
    w.run();
    REQUIRE(bob.got.size() == 4);   // two lines, each doubles
    CHECK(bob.got[0].at == start + 220us);
    for (const auto& each : bob.got) CHECK(each.text == std::string(72, 'x'));
}

TEST_CASE("an address is attached once") {
    fixture w;
    w.add("10.1.0.5");
    dummy second;
    CHECK(w.net.attach(second, ip_address::parse("10.1.0.5").value(), 24).error().code == errc::already_exists);
}

TEST_CASE("the trace has a line for each thing that happens, and its hash does not depend on being written") {
    const auto run = [](bool written, const char* text) {
        fixture w;
        std::vector<std::string> lines;
        if (written) w.record.write_to([&](std::string_view line) { lines.emplace_back(line); });
        auto& ann = w.add("10.1.0.5");
        w.add("10.1.0.6");
        w.record.add(w.queue.now(), "ann", "starts");
        w.send(ann, "10.1.0.6", text);
        w.run();
        return std::pair{w.record.hash(), lines};
    };
    const auto [hash, lines] = run(true, "abc");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "1000.000000000 event ann starts");
    CHECK(lines[1] == "1000.000000000 send 10.1.0.5:1000 > 10.1.0.6:2000 3 61");
    CHECK(lines[2].find(" deliver 10.1.0.5:1000 > 10.1.0.6:2000 3 61") != std::string::npos);
    CHECK(run(false, "abc").first == hash);
    CHECK(run(true, "abc").second == lines);
    CHECK(run(false, "xbc").first != hash);
}
