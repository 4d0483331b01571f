// Loss, partitions, restarts and busy sources.

#include <algorithm>

#include <catch2/catch.hpp>

#include "client_world.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

const char* const faults_offices = R"(Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/16
Boston,Default,Central,10.1.0.0/24
Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/24
Remote,VPN,Central,10.200.0.0/24
)";

world_options faults_options() {
    world_options out;
    out.topology = faults_offices;
    return out;
}

double copies_to(const client_world& world, const std::string& office, std::size_t size) {
    return static_cast<double>(world.content_in(office)) / static_cast<double>(size);
}

}  // namespace

TEST_CASE("lossy links cost a few bytes, never a second copy", "[REQ-RVP-2][REQ-MSG-1]") {
    auto options = faults_options();
    options.wan_loss = 0.02;
    options.lan_loss = 0.002;
    client_world world(options);
    const auto data = some_bytes(4 * mib, 1);
    world.publish("app", data);
    world.add("10.0.0.20");
    std::vector<std::pair<device*, command_handle>> fetches;
    for (int number = 10; number < 16; ++number) world.add("10.1.0." + std::to_string(number), 40 - static_cast<std::uint64_t>(number));
    REQUIRE(world.run_until_registered());
    for (std::size_t at = world.devices.size(); at-- > 1;) fetches.emplace_back(world.devices[at].get(), world.devices[at]->fetch("app"));
    REQUIRE(world.run_until([&] {
        for (const auto& [one, handle] : fetches) {
            if (!one->complete(handle)) return false;
        }
        return true;
    }));
    CHECK(copies_to(world, "Boston", data.size()) < 1.12);
}

TEST_CASE("discovery is broadcast in wired and VPN offices, never over Wi-Fi", "[REQ-OFF-3][REQ-MSG-3]") {
    client_world world(faults_options());
    world.publish("app", some_bytes(mib, 2));
    world.add("10.0.0.20");
    auto& wired = world.add("10.1.0.10");
    auto& wireless = world.add("10.1.128.10");
    auto& remote = world.add("10.200.0.10");
    std::set<ip_address> broadcasters;
    world.loses = [&](const ip_address& from, const send_datagram& datagram) {
        if (datagram.broadcast) {
            CHECK(datagram.to.port == 34329);
            broadcasters.insert(from);
        }
        return false;
    };
    REQUIRE(world.run_until_registered());
    std::vector<std::pair<device*, command_handle>> fetches;
    for (auto* one : {&wired, &wireless, &remote}) fetches.emplace_back(one, one->fetch("app"));
    REQUIRE(world.run_until([&] {
        for (const auto& [one, handle] : fetches) {
            if (!one->complete(handle)) return false;
        }
        return true;
    }));
    CHECK(broadcasters.contains(wired.where));
    CHECK(broadcasters.contains(remote.where));
    CHECK_FALSE(broadcasters.contains(wireless.where));
}

TEST_CASE("every datagram leaves from and goes to a port of the plan", "[REQ-MSG-4]") {
    client_world world(faults_options());
    world.publish("app", some_bytes(2 * mib, 3));
    world.add("10.0.0.20");
    world.add("10.1.0.10", 30);
    world.add("10.1.0.11", 20);
    const port_plan ports;
    std::set<std::pair<std::uint16_t, std::uint16_t>> pairs;
    world.loses = [&](const ip_address&, const send_datagram& datagram) {
        pairs.emplace(datagram.from_port, datagram.to.port);
        return false;
    };
    REQUIRE(world.run_until_registered());
    const auto a = world.devices[1]->fetch("app");
    const auto b = world.devices[2]->fetch("app");
    REQUIRE(world.run_until([&] { return world.devices[1]->complete(a) && world.devices[2]->complete(b); }));
    for (const auto& [from, to] : pairs) {
        INFO(from << " to " << to);
        CHECK(ports.use_of(from));
        CHECK(ports.use_of(to));
    }
    CHECK(pairs.contains({34545, 34760}));  // the server to the central office
    CHECK(pairs.contains({34546, 34750}));  // to a child office
    CHECK(pairs.contains({34546, 34760}));  // within one
    CHECK(pairs.contains({34324, 34323}));
    CHECK(pairs.contains({34324, 34325}));
    CHECK(pairs.contains({34324, 34329}));
}

TEST_CASE("two that act after a partition become one, the better-ranked", "[REQ-RVP-1]") {
    auto options = faults_options();
    options.wan_bits_per_second = 4e6;
    client_world world(options);
    const auto data = some_bytes(12 * mib, 4);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    bool apart = true;
    world.loses = [&](const ip_address& from, const send_datagram& datagram) {
        const auto between = [&](const device& x, const device& y) { return from == x.where && (datagram.broadcast || datagram.to.address == y.where); };
        return apart && (between(a, b) || between(b, a));
    };
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    const auto acting = [](device& one) {
        const auto told = one.core().explain(id_of_text("app"));
        return told && told->acting_is_self;
    };
    REQUIRE(world.run_until([&] { return acting(a) && acting(b); }, 15s));
    apart = false;
    REQUIRE(world.run_until([&] { return acting(a) && !acting(b); }, 30s));
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(copies_to(world, "Boston", data.size()) < 1.9);
}

TEST_CASE("an upstream that dies is replaced from its office", "[REQ-RVP-3][REQ-SRC-1]") {
    auto options = faults_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(8 * mib, 5);
    world.publish("app", data);
    auto& c1 = world.add("10.0.0.20", 30);
    auto& c2 = world.add("10.0.0.21", 20);
    auto& a = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > 2 * mib; }));
    REQUIRE_FALSE(c1.core().contents().empty());
    c1.stop();
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    CHECK(c2.core().contents().size() == 1);
    CHECK(copies_to(world, "Boston", data.size()) < 1.12);
}

TEST_CASE("a link that is cut and comes back only delays", "[REQ-SRC-4]") {
    auto options = faults_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(8 * mib, 6);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > 2 * mib; }));
    world.cut("Boston", true);
    world.run_for(40s);
    CHECK_FALSE(a.done(of_a));
    world.cut("Boston", false);
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(copies_to(world, "Boston", data.size()) < 1.12);
}

TEST_CASE("a client that is switched off in the middle resumes with what it verified", "[REQ-CLI-4]") {
    auto options = faults_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(8 * mib, 7);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    (void)a.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > 4 * mib; }));
    const auto had = a.progress["app"].verified_bytes;
    a.stop();
    world.run_for(5s);
    a.start();
    REQUIRE(world.run_until_registered());
    world.run_for(5s);
    CHECK(a.core().status().downloads.empty());  // only when it is asked for again
    const auto again = a.fetch("app", "/out/app");
    REQUIRE(world.run_until([&] { return a.complete(again); }));
    CHECK(a.share(again, source_kind::store) >= had);
    CHECK(a.share(again, source_kind::store) + a.share(again, source_kind::ancestor) == data.size());
    CHECK(a.store.files().at("/out/app") == data);
}

TEST_CASE("several commands for one content share one download", "[REQ-CLI-6]") {
    client_world world(faults_options());
    const auto data = some_bytes(2 * mib, 8);
    world.publish("app", data);
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    const auto first = one.fetch("app", "/out/1");
    const auto second = one.fetch("app", "/out/2");
    const auto third = one.fetch("app");
    one.core().cancel(world.now(), third);
    REQUIRE(world.run_until([&] { return one.complete(first) && one.complete(second); }));
    CHECK(one.store.files().at("/out/1") == data);
    CHECK(one.store.files().at("/out/2") == data);
    const auto fourth = one.fetch("app", "/out/4");
    REQUIRE(world.run_until([&] { return one.complete(fourth); }, 1s));
    CHECK(one.share(fourth, source_kind::store) == data.size());
}

TEST_CASE("empty and tiny contents arrive too", "[REQ-XFER-4]") {
    client_world world(faults_options());
    world.publish("empty", {});
    world.publish("tiny", bytes{42});
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const auto empty = a.fetch("empty", "/out/empty");
    const auto tiny = a.fetch("tiny", "/out/tiny");
    REQUIRE(world.run_until([&] { return a.complete(empty) && a.complete(tiny); }));
    CHECK(a.store.files().at("/out/empty").empty());
    CHECK(a.store.files().at("/out/tiny") == bytes{42});
}

TEST_CASE("more commands than the limit are refused in words", "[limits]") {
    client_world world(faults_options());
    world.stop_server();
    auto& one = world.add("10.0.0.20");
    for (std::size_t at = 0; at < limits::client_commands_max; ++at) (void)one.core().fetch(world.now(), id_of_text("app"));
    const auto last = one.fetch("app");
    REQUIRE(one.done(last));
    CHECK(one.done(last)->failure->code == errc::limit_reached);
}

TEST_CASE("the same inputs give the same world", "[determinism]") {
    const auto play = [] {
        auto options = faults_options();
        options.wan_loss = 0.01;
        client_world world(options);
        world.publish("app", some_bytes(2 * mib, 9));
        world.add("10.0.0.20");
        auto& a = world.add("10.1.0.10", 30);
        auto& b = world.add("10.1.0.11", 20);
        REQUIRE(world.run_until_registered());
        const auto of_b = b.fetch("app");
        const auto of_a = a.fetch("app");
        REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
        return std::tuple{world.datagrams, a.done(of_a)->took, b.done(of_b)->took, world.content_in("Boston")};
    };
    CHECK(play() == play());
}

TEST_CASE("a new key epoch makes every client renew its certificate, each in its turn", "[REQ-SEC-2]") {
    client_world world(faults_options());
    const auto data = some_bytes(mib, 10);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    const auto before = a.config.saved_credentials;
    world.set_key_epoch(2);
    REQUIRE(world.run_until([&] { return a.config.saved_credentials != before && a.core().status().server_reachable; }, limits::renewal_spread + 30s));
    CHECK(a.core().status().key_epoch == 2);
    const auto fetched = a.fetch("app");
    CHECK(world.run_until([&] { return a.complete(fetched); }, 200s));
}

TEST_CASE("who takes the server's place with the enrolment key alone gets no member; a server that was set up anew has another",
          "[hostile][REQ-SEC-1][REQ-SEC-2]") {
    client_world world(faults_options());
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    if (GENERATE(false, true)) {   // its program was replaced by one that remembers the key
        a.stop();
        a.config.saved_credentials = in_format_2(*a.config.saved_credentials);
        a.start();
        REQUIRE(world.run_until_registered());
    }
    const auto before = a.config.saved_credentials;
    world.stop_server();
    world.durable.clients.clear();
    world.server_keys = 3000;   // of a member that knows the enrolment key, at the server's address
    world.start_server();
    CHECK_FALSE(world.run_until([&] { return a.config.saved_credentials != before; }, 1200s));
    CHECK_FALSE(a.core().status().server_reachable);
    CHECK(std::ranges::any_of(a.notices, [](const std::string& text) {
        return text.find("another server") != std::string::npos && text.find("key rotate --enrolment") != std::string::npos;
    }));

    SECTION("the true one is found again") {
        world.stop_server();
        world.server_keys = 2000;
        world.start_server();
        CHECK(world.run_until([&] { return a.core().status().server_reachable; }, 300s));
    }
    SECTION("the administrator has set it up anew, and hands out its key") {
        world.stop_server();
        world.enrolment = key_of(1001);
        world.start_server();
        a.stop();
        a.config.enrolment = world.enrolment;
        a.start();
        CHECK(world.run_until([&] { return a.core().status().server_reachable; }, 300s));
    }
    SECTION("a key that was rotated is no new server") {
        world.stop_server();
        world.server_keys = 2000;
        world.enrolment = key_of(1001);
        world.start_server();
        a.stop();
        a.config.enrolment = world.enrolment;
        a.start();
        REQUIRE(world.run_until([&] { return a.core().status().server_reachable; }, 300s));
        world.stop_server();
        world.durable.clients.clear();
        world.server_keys = 3000;
        world.start_server();
        const auto registered = a.config.saved_credentials;
        CHECK_FALSE(world.run_until([&] { return a.config.saved_credentials != registered; }, 1200s));
    }
}

TEST_CASE("who has no enrolment key any more goes on with what an older program kept", "[REQ-SEC-1][REQ-CLI-4]") {
    client_world world(faults_options());
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    a.stop();
    a.config.saved_credentials = in_format_2(*a.config.saved_credentials);
    a.config.enrolment = {};
    world.stop_server();
    a.start();
    CHECK(a.core().status().office == "Boston");
    world.start_server();
    CHECK(world.run_until([&] { return a.core().status().registered; }, 60s));
}

TEST_CASE("a device that moves before the server has answered registers as what it is now", "[REQ-OFF-1][REQ-OFF-6]") {
    client_world world(faults_options());
    bool silent = false;
    world.loses = [&](const ip_address&, const send_datagram& what) { return silent && what.to.address == world.server_address(); };
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    silent = true;
    const auto move_to = [&](const char* where, std::uint8_t prefix_bits) {
        a.where = address(where);
        a.with([&](client_core& core) {
            core.set_address(world.now(), a.where, prefix_bits, std::nullopt);
            return 0;
        });
    };
    move_to("10.1.0.11", 32);
    world.run_for(500ms);
    move_to("10.1.0.12", 22);
    silent = false;
    const auto record = [&] { return *std::ranges::find(world.durable.clients, a.id(), &client_record::id); };
    REQUIRE(world.run_until([&] { return record().address == a.where; }, 60s));
    CHECK(record().prefix_bits == 22);
}

TEST_CASE("the CDN can be a setting of the organisation", "[REQ-SRC-2]") {
    client_world world(faults_options());
    const auto data = some_bytes(mib, 11);
    world.publish("app", data, false);
    world.cdn["https://cdn.example/app"] = data;
    world.set_setting("cdn", "https://cdn.example");
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    world.run_for(1s);
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    CHECK(one.share(fetched, source_kind::cdn) == data.size());
}
