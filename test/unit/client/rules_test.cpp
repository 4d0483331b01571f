// Who may have what: activation, directions, limits of the store, and what the commands answer.

#include <catch2/catch.hpp>

#include <algorithm>

#include "client_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

const char* const rules_offices = R"(Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/16
Boston,Default,Central,10.1.0.0/24
Chicago,Default,Central,10.3.0.0/24
)";

world_options rules_options() {
    world_options out;
    out.topology = rules_offices;
    return out;
}

/// The server comes back with this one.
void import_topology(client_world& world, const std::string& spreadsheet) {
    world.durable.topology = {++world.durable.versions.topology, spreadsheet, true};
    world.start_server();
}

/// Two sites that are one office until a topology splits it; some may hear of that late.
struct split_office {
    static constexpr auto joined = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/15\n";
    static constexpr auto split = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";

    explicit split_office(world_options options) : world(std::move(options)) {
        import_topology(world, joined);
        world.loses = [this](const ip_address& from, const send_datagram& what) {
            const auto& to = what.to.address;
            if (from == world.server_address() && !what.broadcast && deaf && deaf->contains(to)) return true;
            const bool crosses = central.contains(from) != central.contains(to);
            if (crosses && what.to.port == port_plan()[port_use::content_fg] && !what.payload.view.empty()) last_crossed = world.now();
            return false;
        };
    }
    /// Runs until each of them has the topology that splits it.
    bool heard_by(const std::vector<const device*>& all) {
        static constexpr std::string_view fresh = "Boston";
        const auto has_it = [](const device* one) {
            const auto& kept = *one->config.saved_credentials;
            return std::search(kept.begin(), kept.end(), fresh.begin(), fresh.end()) != kept.end();
        };
        return world.run_until([&] { return std::ranges::all_of(all, has_it); }, 60s);
    }

    client_world world;
    subnet central = subnet::of(address("10.0.0.0"), 16), boston = subnet::of(address("10.1.0.0"), 24);
    std::optional<subnet> deaf;   ///< to the server
    time_point last_crossed{};    ///< Foreground content, from one site to the other
};

bool mentions(const explanation& what, const std::string& words) {
    for (const auto& note : what.notes) {
        if (note.find(words) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("an unknown content id fails at once, in words", "[REQ-CLI-6]") {
    client_world world(rules_options());
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("nothing");
    REQUIRE(world.run_until([&] { return one.done(fetched) != nullptr; }, 3s));
    REQUIRE(one.done(fetched)->failure);
    CHECK(one.done(fetched)->failure->code == errc::not_found);
    CHECK(one.done(fetched)->failure->message.find("nothing") != std::string::npos);
}

TEST_CASE("before activation nobody receives content, from then on all do", "[REQ-ACT-1]") {
    auto options = rules_options();
    options.activated = false;
    client_world world(options);
    const auto data = some_bytes(mib, 1);
    world.publish("app", data);
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    world.run_for(20s);
    CHECK_FALSE(one.done(fetched));
    REQUIRE(one.progress.contains("app"));
    CHECK(one.progress["app"].reason == "waiting: the server has not activated distribution yet");
    world.set_activated(true);
    CHECK(world.run_until([&] { return one.complete(fetched); }, 60s));
}

TEST_CASE("what is imported spreads within the office and below, never up or sideways", "[REQ-OFF-2]") {
    client_world world(rules_options());
    const auto data = some_bytes(2 * mib, 2);
    world.publish("app", data, false);
    auto& central = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    auto& c = world.add("10.3.0.10", 20);
    REQUIRE(world.run_until_registered());
    b.store.files()["/in/app"] = data;
    const auto imported = b.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return b.complete(imported); }));
    world.run_for(1s);
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    CHECK(a.share(of_a, source_kind::office) == data.size());
    CHECK(world.content_in("Boston") == 0);

    const auto of_c = c.fetch("app");
    const auto of_central = central.fetch("app");
    world.run_for(30s);
    CHECK_FALSE(c.done(of_c));
    CHECK_FALSE(central.done(of_central));
    const auto told = central.core().explain(id_of_text("app"));
    REQUIRE(told);
    CHECK(mentions(*told, "never travels up or sideways"));
}

TEST_CASE("an import in the central office reaches the offices below", "[REQ-OFF-2][REQ-SRC-1]") {
    client_world world(rules_options());
    const auto data = some_bytes(2 * mib, 3);
    world.publish("app", data, false);
    auto& central = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    REQUIRE(world.run_until_registered());
    central.store.files()["/in/app"] = data;
    const auto imported = central.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return central.complete(imported); }));
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    CHECK(a.share(of_a, source_kind::ancestor) == data.size());
}

TEST_CASE("a file that does not fit the catalogue's hash is not imported under that id", "[REQ-XFER-4][REQ-CLI-6]") {
    client_world world(rules_options());
    world.publish("app", some_bytes(mib, 4), false);
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    one.store.files()["/in/app"] = some_bytes(mib, 5);
    const auto imported = one.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return one.done(imported) != nullptr; }));
    REQUIRE(one.done(imported)->failure);
    CHECK(one.done(imported)->failure->code == errc::integrity_failed);
    CHECK(one.core().contents().empty());
}

TEST_CASE("explain tells the ranking, what decided it, and who acts", "[REQ-OBS-1][REQ-RANK-1]") {
    auto options = rules_options();
    options.wan_bits_per_second = 4e6;
    client_world world(options);
    world.publish("app", some_bytes(4 * mib, 6));
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    (void)b.fetch("app");
    REQUIRE(world.run_until([&] { return b.progress["app"].verified_bytes > mib; }));
    const auto told = b.core().explain(id_of_text("app"));
    REQUIRE(told);
    CHECK_FALSE(told->acting_is_self);
    CHECK(told->acting.find("10.1.0.10") != std::string::npos);
    REQUIRE(told->ranking.size() == 3);
    CHECK(told->ranking[0].office == "Boston");
    CHECK(told->ranking[0].peer.id == a.id());
    CHECK(told->ranking[0].acting);
    CHECK(told->ranking[1].peer.id == b.id());
    CHECK(told->ranking[1].decided_by == "free_storage");
    CHECK(told->ranking[2].office == "Central");
    CHECK(a.core().explain(id_of_text("app"))->acting_is_self);
    CHECK_FALSE(b.core().explain(id_of_text("other")));
    bool relation_told = false;
    for (const auto& peer : b.core().peers()) relation_told = relation_told || (peer.peer.id == a.id() && peer.relation == "office" && peer.acting);
    CHECK(relation_told);
}

TEST_CASE("an evicted content is not held any more, for the server either", "[REQ-CLI-3][REQ-SRV-2]") {
    client_world world(rules_options());
    const auto first = some_bytes(mib, 7);
    const auto second = some_bytes(mib + 5, 8);
    world.publish("first", first);
    world.publish("second", second);
    auto& one = world.add("10.0.0.20");
    one.stop();
    one.store = memory_store(crypto(), {.limit_bytes = mib + mib / 2, .volume_free_bytes = std::uint64_t{1} << 40, .pool = {}, .fault = {}, .corrupt = {}});
    one.start();
    REQUIRE(world.run_until_registered());
    const auto f = one.fetch("first");
    REQUIRE(world.run_until([&] { return one.complete(f); }));
    const auto s = one.fetch("second");
    REQUIRE(world.run_until([&] { return one.complete(s); }));
    REQUIRE(one.core().contents().size() == 1);
    CHECK(one.core().contents().front().content.id.text() == "second");
    CHECK(world.run_until([&] {
        std::vector<std::string> held;
        for (const auto& record : world.durable.holdings) {
            if (record.what.state != holding_state::none) held.push_back(record.what.content.id.text());
        }
        return held == std::vector<std::string>{"second"};
    }, 20s));
}

TEST_CASE("what was used least recently makes room, also after a restart", "[REQ-CLI-3]") {
    client_world world(rules_options());
    for (const std::string id : {"a", "b", "c"}) world.publish(id, some_bytes(mib, static_cast<std::uint64_t>(id.front())));
    auto& one = world.add("10.0.0.20");
    one.stop();
    memory_store_options small;
    small.limit_bytes = 2 * mib + mib / 2;
    one.store = memory_store(crypto(), std::move(small));
    one.start();
    REQUIRE(world.run_until_registered());
    for (const std::string id : {"b", "a"}) REQUIRE(world.run_until([&, fetched = one.fetch(id)] { return one.complete(fetched); }));
    one.stop();
    one.finished.clear();
    one.start();
    REQUIRE(world.run_until_registered());
    world.run_for(1s);
    REQUIRE(world.run_until([&, fetched = one.fetch("c")] { return one.complete(fetched); }));
    std::vector<std::string> left;
    for (const auto& entry : one.core().contents()) left.push_back(entry.content.id.text());
    CHECK(left == std::vector<std::string>{"a", "c"});
}

TEST_CASE("where there is no space the download fails in words, and the next in rank acts", "[REQ-CLI-3][REQ-RVP-3]") {
    client_world world(rules_options());
    const auto data = some_bytes(2 * mib, 9);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    a.stop();
    a.store = memory_store(crypto(), {.limit_bytes = mib, .volume_free_bytes = std::uint64_t{1} << 40, .pool = {}, .fault = {}, .corrupt = {}});
    a.start();
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_b = b.fetch("app");
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.done(of_a) && b.complete(of_b); }));
    REQUIRE(a.done(of_a)->failure);
    CHECK(a.done(of_a)->failure->code == errc::no_space);
    CHECK(b.share(of_b, source_kind::ancestor) == data.size());
}

TEST_CASE("pause stops downloads and says so; another rendezvous point takes over meanwhile", "[REQ-RVP-3][REQ-OBS-1]") {
    auto options = rules_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(8 * mib, 10);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > 2 * mib; }));
    a.pause(true);
    world.run_for(2s);
    const auto paused_at = a.progress["app"].verified_bytes;
    CHECK(a.progress["app"].state == transfer_state::paused);
    CHECK(a.progress["app"].reason == "paused by the user");
    REQUIRE(world.run_until([&] { return b.complete(of_b); }));
    CHECK(a.progress["app"].verified_bytes == paused_at);
    a.pause(false);
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    CHECK(static_cast<double>(world.content_in("Boston")) < 1.12 * static_cast<double>(data.size()));
}

TEST_CASE("pin, remove, verify and cancel end with an answer", "[REQ-CLI-3]") {
    client_world world(rules_options());
    const auto data = some_bytes(mib, 11);
    world.publish("app", data);
    world.publish("absent", some_bytes(mib, 12), false);
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    auto& core = one.core();
    const auto now = [&] { return world.now(); };
    const auto pinned = one.with([&](client_core& c) { return c.pin(now(), id_of_text("app"), true); });
    const auto verified = one.with([&](client_core& c) { return c.verify(now()); });
    REQUIRE(world.run_until([&] { return one.complete(pinned) && one.complete(verified); }, 5s));
    CHECK(core.contents().front().pinned);
    const auto missing = one.with([&](client_core& c) { return c.remove(now(), id_of_text("other")); });
    REQUIRE(one.done(missing));
    CHECK(one.done(missing)->failure->code == errc::not_found);
    const auto removed = one.with([&](client_core& c) { return c.remove(now(), id_of_text("app")); });
    REQUIRE(world.run_until([&] { return one.done(removed) != nullptr; }, 5s));
    CHECK(one.complete(removed));
    CHECK(core.contents().empty());

    const auto waiting = one.fetch("absent");
    world.run_for(3s);
    CHECK_FALSE(one.done(waiting));
    one.core().cancel(world.now(), waiting);
    (void)one.with([](client_core&) { return 0; });
    REQUIRE(one.done(waiting));
    CHECK(one.done(waiting)->failure->code == errc::cancelled);
    CHECK(world.run_until([&] { return core.status().downloads.empty(); }, 120s));
}

TEST_CASE("a content that goes before it is written out is fetched again", "[REQ-CLI-3][REQ-CLI-6]") {
    client_world world(rules_options());
    const auto data = some_bytes(mib, 15);
    const auto content = world.publish("app", data);
    auto& one = world.add("10.0.0.20");
    REQUIRE(world.run_until_registered());
    REQUIRE(world.run_until([&, fetched = one.fetch("app")] { return one.complete(fetched); }));
    REQUIRE(one.store.execute({1, store_remove{content.key()}}).ok());   // evicted, and the client has not heard of it yet
    const auto again = one.fetch("app", "/out");
    std::vector<std::size_t> known;
    REQUIRE(world.run_until([&] {
        known.push_back(one.core().contents().size());
        return one.done(again) != nullptr;
    }));
    REQUIRE(one.complete(again));
    CHECK(one.store.files()["/out"] == data);
    CHECK(one.share(again, source_kind::server) == data.size());
    CHECK(std::find(known.begin(), known.end(), 0u) != known.end());
}

TEST_CASE("a content is removed while others fetch it", "[REQ-CLI-3]") {
    client_world world(rules_options());
    const auto data = some_bytes(8 * mib, 14);
    world.publish("app", data, false);
    auto& holder = world.add("10.0.0.20", 30);
    auto& child = world.add("10.1.0.10");   // over a slow line
    REQUIRE(world.run_until_registered());
    holder.store.files()["/in/app"] = data;
    REQUIRE(world.run_until([&, imported = holder.import("/in/app", "app")] { return holder.complete(imported); }));
    const auto fetched = child.fetch("app");
    REQUIRE(world.run_until([&] { return child.progress["app"].verified_bytes > mib; }));
    REQUIRE_FALSE(child.done(fetched));
    const auto removed = holder.with([&](client_core& c) { return c.remove(world.now(), id_of_text("app")); });
    REQUIRE(world.run_until([&] { return holder.done(removed) != nullptr; }, 5s));
    CHECK(holder.complete(removed));
    CHECK(holder.core().contents().empty());
    CHECK(holder.core().status().uploads.empty());
}

TEST_CASE("verify finds what the disk altered, and the next fetch mends it", "[REQ-XFER-4][REQ-CLI-4]") {
    client_world world(rules_options());
    const auto data = some_bytes(2 * mib, 13);
    world.publish("app", data);
    auto& one = world.add("10.0.0.20");
    bool damage = false;
    one.stop();
    one.store = memory_store(crypto(), {.limit_bytes = UINT64_MAX,
                                        .volume_free_bytes = std::uint64_t{1} << 40,
                                        .pool = {},
                                        .fault = {},
                                        .corrupt = [&](const content_key&, chunk_index chunk) { return damage && chunk == 3; }});
    one.start();
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    damage = true;
    const auto verified = one.with([&](client_core& c) { return c.verify(world.now()); });
    REQUIRE(world.run_until([&] { return one.done(verified) != nullptr; }, 5s));
    REQUIRE(one.done(verified)->failure);
    CHECK(one.done(verified)->failure->code == errc::integrity_failed);
    const auto kept = one.with([&](client_core& c) { return c.contents(); });
    REQUIRE(kept.size() == 1);
    CHECK_FALSE(kept.front().whole);
    CHECK(kept.front().verified_bytes == data.size() - chunk_bytes);
    damage = false;
    const auto again = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.complete(again); }));
    CHECK(one.share(again, source_kind::server) == chunk_bytes);
}

TEST_CASE("what verify finds altered of a content that is arriving is fetched again before it is done", "[REQ-XFER-4][REQ-CLI-4]") {
    auto options = rules_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(4 * mib, 13);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& one = world.add("10.1.0.10");
    one.stop();
    bool damage = false;
    memory_store_options altering;
    altering.corrupt = [&](const content_key&, chunk_index) { return damage; };
    one.store = memory_store(crypto(), std::move(altering));
    one.start();
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.progress["app"].verified_bytes > mib; }));
    damage = true;
    const auto verified = one.with([&](client_core& c) { return c.verify(world.now()); });
    damage = false;
    REQUIRE(world.run_until([&] { return one.done(verified) != nullptr; }, 5s));
    CHECK(one.done(verified)->failure);
    CHECK_FALSE(one.done(fetched));
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    const auto kept = std::get<store_listing>(one.store.execute({1, store_list{}}).value);
    REQUIRE(kept.entries.size() == 1);
    CHECK(kept.entries.front().whole);
}

TEST_CASE("content and settings survive a topology that changes in the middle", "[REQ-OFF-5]") {
    auto options = rules_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(6 * mib, 16);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > mib; }));
    // The same offices under other names.
    world.durable.topology = {2, "Office,Type,Parent,Subnet\nHead,Default,,10.0.0.0/16\nEast,Default,Head,10.1.0.0/24\n", true};
    ++world.durable.versions.topology;
    world.start_server();
    REQUIRE(world.run_until([&] { return a.core().status().office == "East"; }, 60s));
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(static_cast<double>(world.content_in("Boston")) < 1.12 * static_cast<double>(data.size()));
}

TEST_CASE("where a topology splits an office, content that was flowing within it crosses to the new one once, by Background",
          "[REQ-OFF-5][REQ-OFF-2][REQ-RVP-2][REQ-XFER-2]") {
    auto options = rules_options();
    options.wan_bits_per_second = 4e6;
    split_office sites(options);
    auto& world = sites.world;
    const auto data = some_bytes(10 * mib, 17);
    world.publish("app", data, false);
    world.cdn["https://cdn.example/app"] = data;
    auto& holder = world.add("10.0.0.20", 30);
    auto& second = world.add("10.0.0.21", 20);
    auto& a = world.add("10.1.0.10", 15);
    auto& b = world.add("10.1.0.11", 10);
    for (auto* one : {&a, &b}) {
        one->config.cdn = "https://cdn.example";
        one->stop();
        one->start();
    }
    REQUIRE(world.run_until_registered());
    holder.store.files()["/in/app"] = data;
    REQUIRE(world.run_until([&, imported = holder.import("/in/app", "app")] { return holder.complete(imported); }));
    REQUIRE(world.run_until([&, fetched = second.fetch("app")] { return second.complete(fetched); }));
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > mib && b.progress["app"].verified_bytes > mib; }));
    CHECK(sites.last_crossed > world.now() - 1s);

    std::vector<const device*> informed{&holder, &second, &a, &b};
    SECTION("all hear of it") {}
    SECTION("those who serve hear of it late") {
        sites.deaf = sites.central;
        informed = {&a, &b};
    }
    SECTION("those who fetch hear of it late") {
        sites.deaf = sites.boston;
        informed = {&holder, &second};
    }
    import_topology(world, sites.split);
    REQUIRE(sites.heard_by(informed));
    const auto known_at = world.now();
    const auto before = world.content_in("Boston");
    const auto missing = data.size() - std::max(a.progress["app"].verified_bytes, b.progress["app"].verified_bytes);
    REQUIRE(missing > 2 * mib);
    world.run_for(15s);
    sites.deaf.reset();
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(sites.last_crossed < known_at + 3s);
    CHECK(static_cast<double>(world.content_in("Boston") - before) < 1.2 * static_cast<double>(missing));
    CHECK(world.cdn_read.empty());   // nobody is distrusted for a topology that it did not have yet, or had already
}

TEST_CASE("where a topology splits an office, nobody above goes on fetching from what is below now", "[REQ-OFF-5][REQ-OFF-2]") {
    auto options = rules_options();
    options.wan_bits_per_second = 4e6;
    split_office sites(options);
    auto& world = sites.world;
    const auto data = some_bytes(10 * mib, 18);
    world.publish("app", data, false);
    world.cdn["https://cdn.example/app"] = data;
    auto& holder = world.add("10.1.0.10", 30);
    auto& one = world.add("10.0.0.20", 20);
    one.config.cdn = "https://cdn.example";
    one.stop();
    one.start();
    REQUIRE(world.run_until_registered());
    holder.store.files()["/in/app"] = data;
    REQUIRE(world.run_until([&, imported = holder.import("/in/app", "app")] { return holder.complete(imported); }));
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.progress["app"].verified_bytes > mib; }));
    sites.deaf = sites.boston;   // and goes on serving
    import_topology(world, sites.split);
    REQUIRE(sites.heard_by({&one}));
    const auto known_at = world.now();
    REQUIRE_FALSE(one.done(fetched));
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    CHECK(sites.last_crossed < known_at + 1s);
    CHECK(one.share(fetched, source_kind::office) > mib);
    CHECK(one.share(fetched, source_kind::cdn) > mib);
}

TEST_CASE("clients rank with the steps of the server's settings", "[REQ-RANK-7]") {
    auto options = rules_options();
    options.wan_bits_per_second = 4e6;
    client_world world(options);
    world.set_setting("ranking.free_storage_step", "100 GiB");
    world.publish("app", some_bytes(4 * mib, 6));
    world.add("10.0.0.20");
    world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    (void)b.fetch("app");
    REQUIRE(world.run_until([&] { return b.progress["app"].verified_bytes > mib; }));
    const auto told = b.core().explain(id_of_text("app"));
    REQUIRE(told);
    REQUIRE(told->ranking.size() >= 2);
    REQUIRE(told->ranking[1].office == "Boston");
    CHECK_FALSE(told->ranking[1].decided_by.empty());
    CHECK(told->ranking[1].decided_by != "free_storage");  // 30 and 20 GiB are the same step
}

TEST_CASE("large messages too run under the configured congestion controllers", "[REQ-XFER-1]") {
    client_world world(rules_options());
    auto& one = world.add("10.1.0.10");
    for (std::uint64_t number = 0; number < 60; ++number) {
        const auto name = "app-" + std::to_string(number);
        one.store.files()["/in/" + name] = some_bytes(1000, 100 + number);
        world.publish(name, one.store.files()["/in/" + name], false);
    }
    REQUIRE(world.run_until_registered());
    std::vector<command_handle> imports;
    for (int number = 0; number < 60; ++number) imports.push_back(one.import("/in/app-" + std::to_string(number), "app-" + std::to_string(number)));
    REQUIRE(world.run_until([&] { return std::all_of(imports.begin(), imports.end(), [&](auto each) { return one.complete(each); }); }));
    one.stop();
    int made = 0;
    one.config.background = [&made](std::uint64_t datagram_bytes_max, time_point now) {
        ++made;
        return make_background_controller(datagram_bytes_max, now);
    };
    one.start();
    CHECK(world.run_until([&] { return made > 0; }, 30s));  // its list of holdings
}
