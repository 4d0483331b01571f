#include <catch2/catch.hpp>

#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

std::uint64_t verified(sim::world& w, sim::client_index who, const sim::generated_content& content) {
    const auto progress = w.is_up(who) ? w.core(who).progress(content.info().id) : std::nullopt;
    return progress ? progress->verified_bytes : 0;
}

/// The client of the office that takes most content over the WAN: its acting rendezvous point.
std::optional<sim::client_index> acting_of(sim::world& w, const std::vector<sim::client_index>& members, const sim::generated_content& content) {
    for (const auto who : members) {
        if (!w.is_up(who)) continue;
        const auto told = w.core(who).explain(content.info().id);
        if (told && told->acting_is_self) return who;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("the next in rank takes over from an acting rendezvous point that dies", "[REQ-RVP-3]") {
    demo_world demo(GENERATE(from_range(test::seeds())));
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 32 << 20);
    w.publish(app);
    demo.fetch_all(app);
    const auto& boston = demo.clients["Boston"];
    std::optional<sim::client_index> acting;
    REQUIRE(w.run_until([&] {
        acting = acting_of(w, boston, app);
        return acting && verified(w, *acting, app) >= app.info().size_bytes / 2;
    }, 5min));
    w.kill(*acting);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    for (const auto who : boston) {
        if (who == *acting) continue;
        CHECK(w.fetch_of(who, app.info())->complete());
        CHECK(w.has_right_bytes(who, app));
    }
    const auto wan = w.wan("Boston");
    INFO("down " << wan.down.carried_bytes << ", up " << wan.up.carried_bytes);
    CHECK(wan.copies(app.info().size_bytes) <= 1.12);
}

TEST_CASE("a client that dies goes on where it was, and no verified chunk is fetched again", "[REQ-CLI-4]") {
    demo_world demo(GENERATE(from_range(test::seeds())));
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 16 << 20);
    w.publish(app);
    demo.fetch_all(app);
    const auto victim = demo.clients["Delft"].front();
    REQUIRE(w.run_until([&] { return verified(w, victim, app) >= app.info().size_bytes / 2; }, 5min));
    w.kill(victim);
    w.run_for(3s);
    // What its disk has by now, it keeps.
    const auto had = w.store(victim).execute({1, store_open{app.info(), false}});
    REQUIRE(had.ok());
    const auto chunks = std::get<store_opened>(had.value).verified;
    REQUIRE(w.store(victim).execute({2, store_close{app.info().key()}}).ok());
    CHECK(chunks.count() >= 30);
    const auto written = w.chunks_written(victim, app.info().key());
    w.restart(victim);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    CHECK(w.has_right_bytes(victim, app));
    const auto total = chunk_geometry(app.info().size_bytes).chunk_count();
    CHECK(w.chunks_written(victim, app.info().key()) - written == total - chunks.count());
    const auto& split = w.fetch_of(victim, app.info())->split;
    CHECK(split[static_cast<std::size_t>(source_kind::store)] == chunks.content_bytes(chunk_geometry(app.info().size_bytes)));
}

TEST_CASE("a roll-out survives the server's death, and what was acknowledged survives it too", "[REQ-SRV-6][REQ-SRV-2]") {
    demo_world demo(GENERATE(from_range(test::seeds())));
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 16 << 20);
    w.publish(app);
    demo.fetch_all(app);
    const auto central = demo.clients["Central"].front();
    REQUIRE(w.run_until([&] { return verified(w, central, app) >= app.info().size_bytes / 4; }, 5min));
    const auto clients = w.catalogue().clients.size();
    w.kill_server();
    w.run_for(20s);
    w.restart_server();
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    CHECK(w.catalogue().clients.size() == clients);
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
    // Clients tell the restarted server what they hold.
    CHECK(w.run_until([&] {
        std::size_t complete = 0;
        for (const auto& each : w.catalogue().holdings) complete += each.what.state == holding_state::complete ? 1u : 0u;
        return complete == w.clients();
    }, 5min));
}

TEST_CASE("clients that know their sources finish while the server is away", "[REQ-SRV-6]") {
    demo_world demo(5);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 8 << 20);
    w.publish(app);
    for (const auto who : demo.clients["Central"]) w.fetch(who, app);
    REQUIRE(w.run_until([&] { return w.all_fetched(); }, 5min));
    for (const auto who : demo.clients["Delft"]) w.fetch(who, app);
    const auto first = demo.clients["Delft"].front();
    REQUIRE(w.run_until([&] { return verified(w, first, app) > 0; }, 5min));
    w.kill_server();
    const bool done = w.run_until([&] { return w.all_fetched(); }, 5min);
    INFO(unfinished(w));
    CHECK(done);
}

TEST_CASE("everybody is served over lines that lose, reorder and duplicate", "[REQ-MSG-1]") {
    auto options = demo_world::options_of(GENERATE(from_range(test::seeds())));
    for (auto* line : {&options.network.wan_down, &options.network.wan_up}) {
        line->loss = 0.02;
        line->reorder = 0.05;
        line->duplicate = 0.01;
        line->jitter = 3ms;
    }
    options.network.lan.loss = 0.005;
    demo_world demo(options);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 8 << 20);
    w.publish(app);
    demo.fetch_all(app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
    for (const auto& wan : w.wans()) {
        INFO(wan.office << ": data " << wan.down.data_bytes << ", down " << wan.down.carried_bytes << ", up " << wan.up.carried_bytes);
        CHECK(static_cast<double>(wan.down.data_bytes) <= 1.15 * static_cast<double>(app.info().size_bytes));
    }
}
