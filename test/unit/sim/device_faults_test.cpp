#include <catch2/catch.hpp>

#include "node_clock.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/sim/disk.hpp"
#include "p2pdist/sim/generated_content.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {
constexpr auto start = sim::event_queue::start_time;
}

TEST_CASE("a node's clock is the world's until something befalls it") {
    const sim::node_clock clock;
    for (const auto time : {0ns, 1ns, 999'999'999ns, std::chrono::nanoseconds(100h)}) {
        CHECK(clock.local(start + time) == start + time);
        CHECK(clock.world(start + time) == start + time);
    }
    CHECK(clock.world(never) == never);
}

TEST_CASE("a clock that drifts, jumps and stands still says when it will show a time") {
    sim::node_clock clock;
    clock.drift(start + 10s, 100'000);   // a tenth fast
    CHECK(clock.local(start + 20s) == start + 21s);
    CHECK(clock.world(start + 21s) == start + 20s);
    clock.jump(start + 20s, 9s);
    CHECK(clock.local(start + 20s) == start + 30s);
    clock.drift(start + 20s, -500'000);
    CHECK(clock.local(start + 30s) == start + 35s);
    CHECK(clock.world(start + 35s) == start + 30s);
    clock.stop(start + 30s);
    CHECK(clock.local(start + 100s) == start + 35s);
    CHECK(clock.world(start + 36s) == never);
    CHECK(clock.world(start + 35s) <= start + 30s);
    clock.go_on(start + 100s);
    CHECK(clock.local(start + 102s) == start + 36s);
    CHECK(clock.world(start + 36s) == start + 102s);
    // Whatever the rate, it has come to a time when it said it would, and not before.
    sim::node_clock odd;
    odd.drift(start, 12'347);
    for (auto time = 1ns; time < 5s; time = time * 3 + 1ns) {
        const auto when = odd.world(start + time);
        CHECK(odd.local(when) >= start + time);
        CHECK(odd.local(when - 1ns) < start + time);
    }
}

TEST_CASE("a disk is full, fails, alters what it has and is slow as it is told", "[REQ-CLI-3]") {
    const auto crypto = make_openssl_crypto();
    sim::disk disk(*crypto, {}, {}, 1);
    const sim::generated_content app(*crypto, "app-1", 600'000, 7);
    disk.store().files()["file"] = *app.data();
    const auto now = start;
    const auto run = [&](decltype(store_request::operation) what) { return disk.take_effect(disk.submit(now, {1, std::move(what)}).slot); };

    disk.trouble().full = true;
    auto imported = run(store_import{app.info().id, std::nullopt, "file"});
    REQUIRE(imported.failure);
    CHECK(imported.failure->code == errc::no_space);
    disk.trouble().full = false;
    REQUIRE(run(store_import{app.info().id, std::nullopt, "file"}).ok());

    disk.trouble().failing = 1;
    const auto failed = run(store_read_chunk{app.info().key(), 0});
    REQUIRE(failed.failure);
    CHECK(failed.failure->code == errc::io_failed);
    CHECK(run(store_list{}).ok());
    disk.trouble().failing = 0;
    REQUIRE(run(store_read_chunk{app.info().key(), 0}).ok());

    disk.trouble().corrupt = 1;
    const auto altered = run(store_read_chunk{app.info().key(), 0});
    REQUIRE(altered.failure);
    CHECK(altered.failure->code == errc::integrity_failed);
    disk.trouble().corrupt = 0;
    CHECK(run(store_read_chunk{app.info().key(), 0}).failure->code == errc::not_found);   // missing from then on
    CHECK(run(store_read_chunk{app.info().key(), 1}).ok());

    const auto usual = disk.submit(now + 1h, {1, store_measure{}}).done - (now + 1h);
    disk.trouble().slowness = 50;
    CHECK(disk.submit(now + 2h, {1, store_measure{}}).done - (now + 2h) == 50 * usual);
}
