// CDN and file store, and what happens where the server or an office is away.

#include <catch2/catch.hpp>

#include "client_world.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/tree_file.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

const char* const offices = R"(Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/16
Boston,Default,Central,10.1.0.0/24
)";

world_options with_topology() {
    world_options out;
    out.topology = offices;
    return out;
}

const std::string base = "http://cdn.example/packages";

void set_fallback(device& one, bool cdn, bool file_store) {
    one.stop();
    if (cdn) one.config.cdn = base;
    one.config.has_file_store = file_store;
    one.start();
}

}  // namespace

TEST_CASE("what nobody has is read from the CDN once per hierarchy", "[REQ-SRC-2][REQ-SRC-3][REQ-SRC-5]") {
    client_world world(with_topology());
    const auto data = some_bytes(4 * mib + 5, 1);
    world.publish("app 1", data, false);
    world.cdn[base + "/app%201"] = data;
    const bool with_tree = GENERATE(true, false);
    if (with_tree) world.cdn[base + "/app%201.tree"] = encode_tree_file(make_tree(crypto(), data));
    auto& central = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    for (auto* one : {&central, &a, &b}) set_fallback(*one, true, false);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app 1");
    const auto of_b = b.fetch("app 1");
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(world.cdn_read["app 1"] < data.size() + data.size() / 10);
    CHECK(a.share(of_a, source_kind::cdn) == 0);
    CHECK(a.share(of_a, source_kind::ancestor) == data.size());
    CHECK(b.share(of_b, source_kind::office) == data.size());
}

TEST_CASE("the file store takes the place of a CDN that fails", "[REQ-SRC-2][REQ-SRC-4]") {
    client_world world(with_topology());
    const auto data = some_bytes(2 * mib, 2);
    world.publish("app", data, false);
    world.files["app"] = data;
    const bool cdn_configured = GENERATE(true, false);
    auto& one = world.add("10.0.0.20");
    set_fallback(one, cdn_configured, true);
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }));
    CHECK(one.share(fetched, source_kind::file_store) == data.size());
}

TEST_CASE("an office that is cut off from its parent reads its own fallback source", "[REQ-SRC-4][REQ-SRC-5]") {
    client_world world(with_topology());
    const auto data = some_bytes(2 * mib, 3);
    world.publish("app", data, false);
    world.cdn[base + "/app"] = data;
    auto& a = world.add("10.1.0.10", 30);   // no client in the central office
    auto& b = world.add("10.1.0.11", 20);
    set_fallback(a, true, false);
    set_fallback(b, true, false);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(world.cdn_read["app"] <= data.size() + data.size() / 4);
    CHECK(a.share(of_a, source_kind::cdn) == data.size());
    CHECK(b.share(of_b, source_kind::office) == data.size());
}

TEST_CASE("with nothing to read from it waits, says why, and makes no error loop", "[REQ-SRC-4][REQ-OBS-1]") {
    client_world world(with_topology());
    const auto data = some_bytes(mib, 4);
    world.publish("app", data, false);
    auto& one = world.add("10.0.0.20");
    set_fallback(one, true, false);  // the CDN has nothing
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    world.run_for(60s);
    CHECK_FALSE(one.done(fetched));
    CHECK(one.progress["app"].state == transfer_state::waiting);
    CHECK(one.progress["app"].reason.find("CDN") != std::string::npos);
    CHECK(one.notices.size() < 10);
    const auto before = world.datagrams;
    world.run_for(60s);
    CHECK(world.datagrams - before < 200);

    world.cdn[base + "/app"] = data;
    CHECK(world.run_until([&] { return one.complete(fetched); }, 700s));
}

TEST_CASE("bad bytes of a fallback source harm nobody", "[REQ-XFER-4][REQ-SRC-3]") {
    client_world world(with_topology());
    const auto data = some_bytes(2 * mib, 5);
    auto bad = data;
    bad[mib + 3] ^= 1;
    world.publish("app", data, false);
    world.cdn[base + "/app"] = bad;
    world.files["app"] = data;
    auto& one = world.add("10.0.0.20");
    set_fallback(one, true, true);
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app", "/out/app");
    REQUIRE(world.run_until([&] { return one.complete(fetched); }, 600s));
    CHECK(one.store.files().at("/out/app") == data);
}

TEST_CASE("a CDN that gives bad bytes is read less and less often", "[hostile][REQ-SRC-3][REQ-SEC-3]") {
    client_world world(with_topology());
    const auto data = some_bytes(2 * chunk_bytes, 55);
    auto bad = data;
    bad.back() ^= 1;   // it is all there before it shows
    world.publish("app", data, false);
    world.cdn[base + "/app"] = bad;
    world.cdn[base + "/app.tree"] = encode_tree_file(make_tree(crypto(), data));
    auto& one = world.add("10.0.0.20");
    set_fallback(one, true, false);
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app");
    world.run_for(3600s);
    CHECK_FALSE(one.complete(fetched));
    CHECK(world.cdn_read["app"] > 0);
    CHECK(world.cdn_read["app"] < 40 * data.size());
}

TEST_CASE("a plain SHA-256 content is verified whole, then shared", "[REQ-XFER-4]") {
    client_world world(with_topology());
    const auto data = some_bytes(2 * mib + 9, 6);
    world.publish("app", data, false, hash_kind::sha256);
    world.cdn[base + "/app"] = data;
    auto& central = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    for (auto* one : {&central, &a}) set_fallback(*one, true, false);
    REQUIRE(world.run_until_registered());
    const auto of_a = a.fetch("app", "/out/app");
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    CHECK(a.store.files().at("/out/app") == data);
    CHECK(a.share(of_a, source_kind::ancestor) == data.size());
}

TEST_CASE("a download goes on while the server is away", "[REQ-SEC-1][REQ-SRC-1]") {
    auto options = with_topology();
    options.wan_bits_per_second = 16e6;
    client_world world(options);
    const auto data = some_bytes(6 * mib, 7);
    world.publish("app", data);
    auto& central = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_c = central.fetch("app");
    REQUIRE(world.run_until([&] { return central.complete(of_c); }));
    const auto of_a = a.fetch("app");
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return a.progress["app"].verified_bytes > mib; }));
    world.stop_server();
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(world.run_until([&] { return !a.core().status().server_reachable; }, 60s));
    world.start_server();
    CHECK(world.run_until([&] { return a.core().status().server_reachable; }, 150s));
    CHECK(world.run_until([&] {
        std::size_t complete = 0;
        for (const auto& held : world.durable.holdings) complete += held.what.state == holding_state::complete ? 1U : 0U;
        return complete == 3;
    }, 150s));
}

TEST_CASE("after a restart without the server, a neighbour found by broadcast gives the rest", "[REQ-CLI-4][REQ-MSG-3]") {
    auto options = with_topology();
    options.wan_bits_per_second = 16e6;
    client_world world(options);
    const auto data = some_bytes(6 * mib, 8);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    (void)b.fetch("app");
    REQUIRE(world.run_until([&] { return b.progress["app"].verified_bytes > 2 * mib; }));
    const auto had = b.progress["app"].verified_bytes;
    b.stop();
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(of_a); }));
    world.stop_server();
    b.start();
    const auto of_b = b.fetch("app");
    REQUIRE(world.run_until([&] { return b.complete(of_b); }));
    CHECK(b.share(of_b, source_kind::store) >= had);
    CHECK(b.share(of_b, source_kind::store) + b.share(of_b, source_kind::office) == data.size());
}
