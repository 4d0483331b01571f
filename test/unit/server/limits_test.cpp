// What the server remembers of devices stays bounded, whatever they do, and what it has to know outlives the flood.

#include <catch2/catch.hpp>

#include "blame_book.hpp"
#include "clone_watch.hpp"
#include "p2pdist/base/limits.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

constexpr time_point first_seen{1000s};

client_id nth_device(std::size_t n) {
    client_id id;
    for (std::size_t i = 0; i < 4; ++i) id.value[i] = static_cast<std::uint8_t>(n >> (8 * i));
    return id;
}

ip_address nth_place(std::uint32_t n) { return ip_address::v4(0x0a000000 + n); }

/// Two processes of one client speak in turns, so many times each.
void speak_in_turns(clone_watch& watch, time_point& now, const client_id& id, int times) {
    for (int i = 0; i < times; ++i) {
        for (const std::uint32_t process : {1u, 2u}) {
            now += 1s;
            watch.on_restart(now, id, process);
            (void)watch.on_heard(now, id, nth_place(process));
        }
    }
}

}  // namespace

TEST_CASE("two devices of one identity are noticed when a former process has come back often enough, and forgotten after a while",
          "[REQ-SEC-2]") {
    clone_watch watch;
    auto now = first_seen;
    watch.on_restart(now, nth_device(1), 1);
    CHECK_FALSE(watch.on_heard(now, nth_device(1), nth_place(1)));
    watch.on_restart(now, nth_device(1), 2);
    CHECK_FALSE(watch.on_heard(now, nth_device(1), nth_place(2)));
    for (int i = 1; i < limits::clone_returns; ++i) {
        watch.on_restart(now, nth_device(1), static_cast<std::uint64_t>(1 + (i + 1) % 2));
        CHECK_FALSE(watch.on_heard(now, nth_device(1), nth_place(1)));
        CHECK(watch.findings(now).empty());
    }
    watch.on_restart(now, nth_device(1), static_cast<std::uint64_t>(1 + (limits::clone_returns + 1) % 2));
    CHECK(watch.on_heard(now, nth_device(1), nth_place(2)));
    REQUIRE(watch.findings(now).size() == 1);
    CHECK(watch.findings(now)[0].addresses == std::vector{nth_place(1), nth_place(2)});
    CHECK_FALSE(watch.on_heard(now, nth_device(1), nth_place(2)));   // told once
    CHECK(watch.findings(now + limits::clone_window).size() == 1);
    CHECK(watch.findings(now + limits::clone_window + 1s).empty());
}

TEST_CASE("a client that only restarts is never taken for two, however often", "[REQ-SEC-2]") {
    clone_watch watch;
    for (std::uint64_t boot = 1; boot <= 100; ++boot) {
        watch.on_restart(first_seen, nth_device(1), boot);
        CHECK_FALSE(watch.on_heard(first_seen, nth_device(1), nth_place(1)));
    }
    CHECK(watch.findings(first_seen).empty());
}

TEST_CASE("restarts of more clients than are remembered push out those that were silent longest", "[REQ-SEC-2]") {
    clone_watch watch;
    auto now = first_seen;
    speak_in_turns(watch, now, nth_device(0), limits::clone_returns + 1);
    speak_in_turns(watch, now, nth_device(1), limits::clone_returns + 1);
    REQUIRE(watch.findings(now).size() == 2);
    now += 1s;
    for (std::size_t i = 2; i < limits::clone_suspects_max; ++i) watch.on_restart(now, nth_device(i), 1);
    now += 1s;
    (void)watch.on_heard(now, nth_device(0), nth_place(1));
    CHECK(watch.findings(now).size() == 2);
    watch.on_restart(now, nth_device(limits::clone_suspects_max), 1);   // one too many
    REQUIRE(watch.findings(now).size() == 1);
    CHECK(watch.findings(now)[0].id == nth_device(0));   // it was heard since
}

TEST_CASE("so many reporters of a bad peer are remembered, each once a day", "[REQ-SEC-3]") {
    blame_book book;
    const auto report = [](std::size_t reporter, std::int64_t seconds) {
        peer_report_record out;
        out.peer = nth_device(1'000'000);
        out.reporter = nth_device(reporter);
        out.at = wall_time{seconds};
        return out;
    };
    for (std::size_t i = 0; i < limits::server_reporters_max; ++i) {
        REQUIRE(book.takes(report(i, 0), true));
        book.put(report(i, 0), true);
    }
    CHECK_FALSE(book.takes(report(limits::server_reporters_max, 0), true));
    CHECK_FALSE(book.takes(report(0, 24 * 3600 - 1), true));
    CHECK(book.takes(report(0, 24 * 3600), true));
    auto other = report(limits::server_reporters_max, 0);
    other.peer = nth_device(2'000'000);
    CHECK(book.takes(other, true));
    book.on_left(nth_device(0));
    CHECK(book.takes(report(limits::server_reporters_max, 0), true));
}
