// Every oracle is shown something that is broken, once.
#include <catch2/catch.hpp>

#include "oracles.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
namespace oracles = p2pdist::sim::oracles;

namespace {

/// A frame of data from one address to another, as the network tells of it.
sim::datagram_note data_frame(const std::string& from, const std::string& to, std::size_t payload_bytes = 1000) {
    static const bytes header{static_cast<std::uint8_t>(frame_type::data)};
    const auto port = port_plan()[port_use::content_bg];
    return {sim::datagram_note::kind::sent, {}, {*ip_address::parse(from), port}, {*ip_address::parse(to), port}, payload_bytes, header};
}

}  // namespace

TEST_CASE("an oracle sees a datagram that is too long") {
    CHECK(oracles::fits_the_path(data_frame("10.0.0.2", "10.1.0.2", limits::datagram_bytes_max)).empty());
    CHECK(!oracles::fits_the_path(data_frame("10.0.0.2", "10.1.0.2", limits::datagram_bytes_max + 1)).empty());
}

TEST_CASE("an oracle sees content that flows against the hierarchy", "[REQ-OFF-2]") {
    const auto offices = demo_offices();
    const auto server = *ip_address::parse("10.0.0.1");
    const auto verdict = [&](const std::string& from, const std::string& to) {
        return oracles::follows_the_hierarchy(data_frame(from, to), offices, server).empty();
    };
    CHECK(verdict("10.0.0.2", "10.1.0.2"));
    CHECK(verdict("10.1.0.2", "10.1.0.3"));
    CHECK(verdict("10.0.0.1", "10.0.0.2"));
    CHECK(!verdict("10.1.0.2", "10.0.0.2"));   // upwards
    CHECK(!verdict("10.1.0.2", "10.2.0.2"));   // across
    CHECK(!verdict("10.0.0.1", "10.1.0.2"));   // the server serves its own office
}

TEST_CASE("an oracle sees wrong bytes in a file") {
    demo_world demo;
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 100'000);
    w.publish(app);
    w.fetch({0}, app, "/out");
    REQUIRE(w.run_until([&] { return w.all_fetched(); }, 1min));
    auto& store = w.store({0});
    CHECK(oracles::only_right_bytes(store, app, "/out").empty());
    store.files()["/out"][77'777] ^= 1;
    CHECK(!oracles::only_right_bytes(store, app, "/out").empty());
}

TEST_CASE("an oracle sees wrong bytes in a store") {
    demo_world demo;
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 100'000);
    // What is published under the name is something else than what the store has under it.
    const auto other = w.make_content("app-1", 100'000);
    w.store({0}).files()["a file"] = *other.data();
    REQUIRE(w.store({0}).execute({1, store_import{other.info().id, std::nullopt, "a file"}}).ok());
    CHECK(oracles::only_right_bytes(w.store({0}), other, {}).empty());
    CHECK(oracles::only_right_bytes(w.store({0}), app, {}).empty());   // of that it has nothing
}

TEST_CASE("an oracle sees a fetch that does not account for its bytes", "[REQ-OBS-1]") {
    sim::fetch_record fetched;
    fetched.content.size_bytes = 100;
    fetched.ended = time_point(1s);
    fetched.split[0] = 40;
    fetched.split[1] = 60;
    CHECK(oracles::split_adds_up(fetched).empty());
    fetched.split[2] = 1;
    CHECK(!oracles::split_adds_up(fetched).empty());
    CHECK(oracles::came_over_the_network(1000, 1200).empty());
    CHECK(!oracles::came_over_the_network(1201, 1200).empty());
    CHECK(!oracles::fetched_once(1).empty());
}

TEST_CASE("an oracle sees tables, queues and events without bounds") {
    client_status client;
    client.downloads.resize(limits::client_jobs_max);
    CHECK(oracles::within_limits(client, limits::client_peers_max).empty());
    CHECK(!oracles::within_limits(client, limits::client_peers_max + 1).empty());
    client.downloads.resize(limits::client_jobs_max + 1);
    CHECK(!oracles::within_limits(client, 0).empty());
    server_statistics server;
    CHECK(oracles::within_limits(server).empty());
    server.catalogue_pending = limits::server_commits_pending_max + 1;
    CHECK(!oracles::within_limits(server).empty());
    sim::link_counters counters;
    counters.queue_bytes_max = 200'000;
    CHECK(!oracles::queue_is_bounded(sim::line(8, 1ms, 100ms), counters).empty());
    CHECK(oracles::queue_is_bounded(sim::line(8, 1ms, 200ms), counters).empty());
    CHECK(oracles::events_are_bounded(1000, 2).empty());
    CHECK(!oracles::events_are_bounded(1'000'000, 2).empty());
    CHECK(oracles::no_livelock(1000, 1000).empty());
    CHECK(!oracles::no_livelock(1001, 1000).empty());
}

TEST_CASE("an oracle sees datagrams that vanish") {
    sim::network_ledger all{100, 1, 9, 2, 90, 10, 8};
    CHECK(oracles::ledger_adds_up(all).empty());
    --all.delivered;
    CHECK(!oracles::ledger_adds_up(all).empty());
    sim::link_counters line;
    line.offered = 10;
    line.carried = 8;
    line.queue_dropped = 2;
    CHECK(oracles::line_adds_up(line).empty());
    ++line.carried;
    CHECK(!oracles::line_adds_up(line).empty());
}

TEST_CASE("the network's own ledger adds up in the middle of a roll-out") {
    auto options = demo_world::options_of(3);
    options.network.wan_down.duplicate = options.network.wan_down.loss = 0.02;
    demo_world demo(options);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 4 << 20);
    w.publish(app);
    demo.fetch_all(app);
    for (int i = 0; i < 40; ++i) {
        w.run_for(100ms);
        CHECK(oracles::ledger_adds_up(w.net().ledger()) == "");
    }
    CHECK(w.net().ledger().copied > 10);
    CHECK(w.net().ledger().spread > 0);
}

TEST_CASE("an oracle sees a second copy", "[REQ-RVP-2][REQ-SRC-5]") {
    sim::wan_traffic wan;
    wan.office = "Boston";
    wan.down.data_bytes = 10'500'000;
    CHECK(oracles::one_copy(wan, 10'000'000).empty());
    wan.down.data_bytes = 11'500'000;
    CHECK(!oracles::one_copy(wan, 10'000'000).empty());
    CHECK(oracles::read_once(10'000'000, 10'000'000).empty());
    CHECK(!oracles::read_once(20'000'000, 10'000'000).empty());
}

TEST_CASE("an oracle sees what is left, and noise where there should be rest") {
    client_status client;
    CHECK(oracles::nothing_left(client).empty());
    client.uploads.resize(1);
    CHECK(!oracles::nothing_left(client).empty());
    client.uploads.clear();
    client.downloads.resize(1);
    CHECK(!oracles::nothing_left(client).empty());
    CHECK(oracles::at_rest(100, 0, 10, 60s, 20s).empty());
    CHECK(!oracles::at_rest(10'000, 0, 10, 60s, 20s).empty());
    CHECK(!oracles::at_rest(100, 1, 10, 60s, 20s).empty());
}
