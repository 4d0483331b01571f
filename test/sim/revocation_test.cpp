// How long a revoked client is still served, and what its revocation costs the others (SEC-2).

#include <catch2/catch.hpp>

#include "p2pdist/base/limits.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

client_id id_of(sim::world& w, sim::client_index who) { return w.core(who).status().id; }

std::uint64_t verified(sim::world& w, sim::client_index who, const sim::generated_content& content) {
    const auto progress = w.core(who).progress(content.info().id);
    return progress ? progress->verified_bytes : 0;
}

/// Content bytes that the peers of `who` are sending it: what counts is what they do, not what it says of itself.
bool served(sim::world& w, sim::client_index who, const client_id& id) {
    for (std::size_t i = 0; i < w.clients(); ++i) {
        const sim::client_index other{i};
        if (other == who || !w.is_up(other)) continue;
        for (const auto& upload : w.core(other).status().uploads) {
            if (upload.peer == id) return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a revoked client with a download running is served by nobody within five seconds", "[REQ-SEC-2]") {
    demo_world demo(GENERATE(from_range(test::seeds())));
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 64 << 20);
    w.publish(app);
    const auto& delft = demo.clients["Delft"];
    demo.fetch_all(app);
    // The acting rendezvous point of a branch: it fetches over the WAN and serves its office.
    std::optional<sim::client_index> lost;
    REQUIRE(w.run_until([&] {
        for (const auto who : delft) {
            const auto told = w.core(who).explain(app.info().id);
            if (told && told->acting_is_self && verified(w, who, app) > app.info().size_bytes / 4) lost = who;
        }
        return lost.has_value();
    }, 2min));
    const auto id = id_of(w, *lost);
    REQUIRE(served(w, *lost, id));
    const auto began = w.now();
    REQUIRE(w.ask(revoke_request{id, "stolen"}).has_value());
    REQUIRE(w.run_until([&] { return !served(w, *lost, id); }, 60s));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(w.now() - began);
    WARN("no peer serves it after " << took.count() << " ms");
    CHECK(took <= 5s);
    w.run_for(1s);
    const auto had = verified(w, *lost, app);
    const auto done = w.run_until([&] {
        for (const auto& each : w.fetches()) {
            if (each.client != *lost && !each.complete()) return false;
        }
        return true;
    }, 10min);
    INFO(unfinished(w));
    CHECK(done);  // without it
    CHECK_FALSE(served(w, *lost, id));
    CHECK(verified(w, *lost, app) <= had);
    CHECK_FALSE(w.fetch_of(*lost, app.info())->complete());
    CHECK(w.core(*lost).status().revoked);
    for (std::size_t i = 0; i < w.clients(); ++i) {
        CHECK((w.core(sim::client_index{i}).status().revocations == 0) == (i == lost->value));
    }
}

TEST_CASE("a new key epoch under running downloads disturbs nobody", "[REQ-SEC-2]") {
    demo_world demo(7);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 32 << 20);
    w.publish(app);
    demo.fetch_all(app);
    w.run_for(2s);
    REQUIRE(w.ask(rotate_epoch_request{false}).has_value());
    const auto renewed = [&] {
        std::size_t out = 0;
        for (std::size_t i = 0; i < w.clients(); ++i) out += w.core(sim::client_index{i}).status().key_epoch == 2 ? 1 : 0;
        return out;
    };
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    for (const auto& each : w.fetches()) CHECK(each.attempts == 1);
    REQUIRE(w.run_until([&] { return renewed() == w.clients(); }, limits::renewal_spread + 1min));

    // The grace ends at once by the administrator's word; what runs goes on then too.
    const auto tool = w.make_content("tool-1", 32 << 20);
    w.publish(tool);
    demo.fetch_all(tool);
    w.run_for(2s);
    REQUIRE(w.ask(rotate_epoch_request{true}).has_value());
    CHECK(w.run_until([&] { return w.all_fetched() && renewed() == 0; }, 10min));
    INFO(unfinished(w));
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.core(sim::client_index{i}).status().key_epoch == 3);
}

TEST_CASE("a database restored from a backup heals: the revoked stay out, new revocations act, all others go on", "[REQ-SEC-2][REQ-SRV-6]") {
    demo_world demo(GENERATE(from_range(test::seeds())));
    auto& w = demo.w;
    w.set_up();
    const auto lost = demo.clients["Delft"][2];
    const auto lost_id = id_of(w, lost);
    const auto app = w.make_content("app-1", 4 << 20);
    w.publish(app);
    w.run_for(5s);
    const auto backup = w.catalogue();

    // Since then: two epochs that began at once, a revocation, and members that have renewed.
    REQUIRE(w.ask(rotate_epoch_request{true}).has_value());
    REQUIRE(w.ask(rotate_epoch_request{true}).has_value());
    w.run_for(3min);
    REQUIRE(w.ask(revoke_request{lost_id, "stolen"}).has_value());
    const auto others = [&](const std::function<bool(client_core&)>& holds) {
        for (std::size_t i = 0; i < w.clients(); ++i) {
            if (i != lost.value && !holds(w.core(sim::client_index{i}))) return false;
        }
        return true;
    };
    const auto known = w.catalogue().versions;
    REQUIRE(known.key_epoch == 4);
    REQUIRE(w.run_until([&] {
        return others([&](client_core& core) { return core.status().revocations == known.revocations && core.status().key_epoch >= 3; });
    }, 10min));

    w.restore_server(backup);
    REQUIRE(w.catalogue().versions.key_epoch == 1);
    // Before it has heard of anything: revokes another one.
    const auto second = demo.clients["Boston"][2];
    const auto second_id = id_of(w, second);
    REQUIRE(w.ask(revoke_request{second_id, "stolen, too"}).has_value());
    const bool healed = w.run_until([&] {
        const auto& now = w.catalogue().versions;
        if (now.key_epoch < known.key_epoch || !w.core(lost).status().revoked || !w.core(second).status().revoked) return false;
        for (std::size_t i = 0; i < w.clients(); ++i) {
            const auto status = w.core(sim::client_index{i}).status();
            const bool out = i == lost.value || i == second.value;
            if (!out && (status.revocations != now.revocations || !status.server_reachable)) return false;
        }
        return true;
    }, 10min);
    CHECK(healed);
    CHECK(w.catalogue().versions.revocations > known.revocations);
    std::size_t revoked = 0;
    for (const auto& record : w.catalogue().clients) revoked += record.revoked ? 1 : 0;
    CHECK(revoked == 2);

    demo.fetch_all(app);
    const bool done = w.run_until([&] {
        for (const auto& each : w.fetches()) {
            if (each.client != lost && each.client != second && !each.complete()) return false;
        }
        return true;
    }, 10min);
    INFO(unfinished(w));
    CHECK(done);
    CHECK_FALSE(w.fetch_of(lost, app.info())->complete());
    CHECK_FALSE(w.fetch_of(second, app.info())->complete());
}
