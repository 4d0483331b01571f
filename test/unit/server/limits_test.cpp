// What the server remembers of devices stays bounded, whatever they do, and what it has to know outlives the flood.

#include <catch2/catch.hpp>

#include "blame_book.hpp"
#include "clone_watch.hpp"
#include "p2pdist/base/limits.hpp"
#include "push_desk.hpp"
#include "server_context.hpp"

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

client_record member_at(std::size_t number, const ip_address& where, std::uint8_t prefix_bits) {
    client_record out;
    out.id = nth_device(number);
    out.address = where;
    out.prefix_bits = prefix_bits;
    return out;
}

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
        book.put(report(i, 0), true, {});
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

TEST_CASE("old reports of a bad peer, that nobody is shown any more, make room for new ones", "[hostile][REQ-SEC-3]") {
    blame_book book;
    const auto report = [](std::size_t reporter, std::int64_t seconds) {
        return peer_report_record{nth_device(1'000'000), nth_device(reporter), content_id::parse("app").value(), wall_time{seconds}};
    };
    // Of its accomplices, or of a fault that was mended long ago.
    for (std::size_t i = 0; i < limits::server_reporters_max; ++i) book.put(report(i, static_cast<std::int64_t>(i)), true, {});
    const auto late = report(limits::server_reporters_max, blame_book::shown_seconds);
    REQUIRE(book.takes(late, true));
    book.put(late, true, late.at);
    const auto& kept = book.all().begin()->second;
    CHECK(kept.size() == limits::server_reporters_max);
    CHECK(kept.contains(late.reporter));
    CHECK_FALSE(kept.contains(nth_device(0)));
    CHECK_FALSE(book.takes(report(limits::server_reporters_max + 1, blame_book::shown_seconds), true));   // the others are shown yet
    // As a database gives them, in any order.
    book.put(report(0, 0), true, late.at);
    CHECK(kept.contains(late.reporter));
    CHECK_FALSE(kept.contains(nth_device(0)));
    constexpr std::int64_t later = 10 * blame_book::shown_seconds;
    for (std::size_t i = 0; i < limits::server_reporters_max; ++i) book.put(report(i, later), true, wall_time{later});
    book.put(report(limits::server_reporters_max + 1, 0), true, wall_time{later});
    for (std::size_t i = 0; i < limits::server_reporters_max; ++i) CHECK(kept.contains(nth_device(i)));
    CHECK(kept.size() == limits::server_reporters_max);
}

TEST_CASE("reports made while the server's clock was ahead are not shown, and make room, once it is right", "[REQ-SEC-3]") {
    constexpr std::int64_t right = 1'800'000'000, ahead = right + 9 * 365 * std::int64_t{24 * 3600};
    blame_book book;
    const auto report = [](std::size_t reporter, std::int64_t seconds) {
        return peer_report_record{nth_device(1'000'000), nth_device(reporter), content_id::parse("app").value(), wall_time{seconds}};
    };
    for (std::size_t i = 0; i < limits::server_reporters_max; ++i) book.put(report(i, ahead), true, wall_time{ahead});
    CHECK(blame_book::is_shown(report(0, ahead), wall_time{ahead}));
    CHECK_FALSE(blame_book::is_shown(report(0, ahead), wall_time{right}));
    CHECK(blame_book::is_shown(report(0, right + 30), wall_time{right}));   // a clock that is corrected all the time
    for (const std::size_t reporter : {std::size_t{0}, limits::server_reporters_max}) {   // it says so again; another does
        const auto said = report(reporter, right);
        REQUIRE(book.takes(said, true));
        book.put(said, true, said.at);
    }
    const auto& kept = book.all().begin()->second;
    CHECK(kept.size() == limits::server_reporters_max);
    CHECK(kept.at(nth_device(0)).at.seconds == right);
    CHECK(kept.contains(nth_device(limits::server_reporters_max)));
    // Strangers of that time make room for others.
    blame_book strangers;
    for (std::size_t i = 0; i < limits::server_strangers_blamed_max; ++i) {
        strangers.put({nth_device(i), nth_device(1'000'000 + i), content_id::parse("app").value(), wall_time{ahead}}, false, wall_time{ahead});
    }
    const auto next = nth_device(limits::server_strangers_blamed_max);
    CHECK(strangers.in_the_way_of(next, wall_time{ahead}) == next);
    CHECK(strangers.in_the_way_of(next, wall_time{right}) != next);
}

TEST_CASE("changes one after another, however quick, keep no client from being told of one", "[hostile][REQ-ACT-2][REQ-SEC-2]") {
    registry clients(60s);
    constexpr std::size_t many = 10 * push_desk::clients_per_interval;
    for (std::size_t n = 0; n < many; ++n) {
        client_record record;
        record.id = nth_device(n);
        clients.put(record, {});
        (void)clients.hear(record.id, first_seen, wall_time{1});
    }
    push_desk desk;
    std::set<client_id> told;
    auto now = first_seen;
    for (std::size_t round = 0; round < many / push_desk::clients_per_interval; ++round) {
        desk.begin(now, clients);   // e.g. a member that registers with another subnet each time
        for (const auto& id : desk.take(now)) told.insert(id);
        now += push_desk::interval;
    }
    CHECK(told.size() == many);
}

TEST_CASE("one client that moves on and on leaves no subnet behind in the detected topology", "[hostile][REQ-OFF-6][limits]") {
    server_state state{server_config{}};
    const auto comes = [&](std::size_t number, const ip_address& where) { state.apply(put_client{member_at(number, where, 64)}); };
    const auto network = [](std::size_t n) {
        const auto part = [n](int bits) { return static_cast<std::uint8_t>(n >> bits); };
        return ip_address::v6({0x20, 1, 0x0d, 0xb8, 0, part(16), part(8), part(0), 0, 0, 0, 0, 0, 0, 0, 1});
    };
    for (std::size_t n = 0; n < 8; ++n) comes(2 + n, network(100'000 + n));
    for (std::size_t n = 0; n < 100; ++n) comes(1, network(n));
    for (std::size_t n = 0; n < 8; ++n) CHECK(state.topology.detected().office_of(network(100'000 + n)));
    CHECK(state.topology.detected().size() == 1 + 8 + 1);
}

TEST_CASE("who was revoked has no say in the detected topology", "[hostile][REQ-OFF-6][REQ-SEC-2]") {
    server_state state{server_config{}};
    auto liar = member_at(1, nth_place(0x30009), 24);
    state.apply(put_client{liar});
    REQUIRE(state.topology.detected().size() == 2);
    liar.revoked = revocation_record{};
    state.apply(put_client{liar});
    CHECK(state.topology.detected().size() == 1);
    state.apply(remove_client{liar.id});
    CHECK(state.topology.detected().size() == 1);
    liar.revoked.reset();
    state.apply(put_client{liar});
    CHECK(state.topology.detected().size() == 2);
}

TEST_CASE("registrations and departures make no topology before it is put in force", "[hostile][REQ-OFF-6][limits]") {
    server_context server(server_config{}, first_seen, wall_time{1});
    constexpr std::size_t many = 3000;
    const auto before = server.state.topology.builds();
    for (std::size_t n = 0; n < many; ++n) {
        server.state.apply(put_client{member_at(n, nth_place(static_cast<std::uint32_t>(0x10009 + 256 * n)), 24)});
        server.note_growth(first_seen);
    }
    for (std::size_t n = 0; n < many; ++n) {   // one that comes and goes
        server.state.apply(remove_client{nth_device(0)});
        server.note_growth(first_seen);
        server.state.apply(put_client{member_at(0, nth_place(0x10009), 24)});
        server.note_growth(first_seen);
    }
    CHECK(server.state.topology.builds() == before);
    server.on_growth_timer(server.growth_deadline());
    CHECK(server.state.topology.builds() == before + 1);
    CHECK(server.state.topology.detected().size() == 1 + many);
}
