// Contents that a disk altered or no longer gives: noticed, not offered any more, and fetched again (CLI-4, XFER-4).

#include <catch2/catch.hpp>

#include "client_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options central_alone() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\n";
    return out;
}

/// A client whose disk alters a chunk when told to, once.
struct failing_disk {
    failing_disk(client_world& world, device& one) {
        one.stop();
        memory_store_options options;
        options.corrupt = [this](const content_key&, chunk_index chunk) { return chunk == 3 && std::exchange(damage, false); };
        one.store = memory_store(crypto(), std::move(options));
        one.start();
        REQUIRE(world.run_until_registered());
    }
    bool damage = false;
};

std::optional<holding_state> told_state(const client_world& world, const device& one) {
    for (const auto& each : world.durable.holdings) {
        if (each.client == one.id()) return each.what.state;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("a holder whose disk altered a chunk drops it, says so, and fetches it again", "[REQ-CLI-4][REQ-XFER-4][REQ-SRV-2]") {
    client_world world(central_alone());
    const auto data = some_bytes(2 * mib, 13);
    world.publish("app", data);
    auto& holder = world.add("10.0.0.20", 50);
    failing_disk disk(world, holder);
    REQUIRE(world.run_until([&, fetched = holder.fetch("app")] { return holder.complete(fetched); }));
    REQUIRE(world.run_until([&] { return told_state(world, holder) == holding_state::complete; }, 60s));

    world.stop_server();   // so that only the holder can give it, and nobody mends it at once
    disk.damage = true;
    auto& other = world.add("10.0.0.21");
    world.run_for(1s);
    world.start_server();
    REQUIRE(world.run_until_registered());
    const auto fetched = other.fetch("app", "/out");
    REQUIRE(world.run_until([&] { return other.complete(fetched); }));
    CHECK_FALSE(disk.damage);   // it was read
    CHECK(other.store.files().at("/out") == data);
    REQUIRE(world.run_until([&] { return told_state(world, holder) == holding_state::complete; }, 60s));
    CHECK(holder.core().contents().front().whole);
    bool said = false;
    for (const auto& notice : holder.notices) said = said || notice.find("the disk has lost chunks of app") != std::string::npos;
    CHECK(said);
}

TEST_CASE("a package whose chunk was altered on disk is delivered all the same", "[REQ-CLI-6][REQ-XFER-4]") {
    client_world world(central_alone());
    const auto data = some_bytes(2 * mib, 13);
    world.publish("app", data);
    auto& one = world.add("10.0.0.20");
    failing_disk disk(world, one);
    REQUIRE(world.run_until([&, fetched = one.fetch("app")] { return one.complete(fetched); }));
    disk.damage = true;
    const auto again = one.fetch("app", "/out");
    REQUIRE(world.run_until([&] { return one.done(again) != nullptr; }));
    CHECK(one.complete(again));
    CHECK_FALSE(disk.damage);
    CHECK(one.store.files().at("/out") == data);
    CHECK(one.share(again, source_kind::server) == chunk_bytes);
    CHECK(one.share(again, source_kind::store) == data.size() - chunk_bytes);
}
