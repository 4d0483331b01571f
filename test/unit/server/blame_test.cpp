// Reports of peers that served bad chunks, and of those among them that are not registered: they never did, or left (SEC-3).

#include <catch2/catch.hpp>

#include "blame_book.hpp"
#include "members.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Contains;

namespace {

constexpr wall_time long_ago{1'000'000};

client_id numbered_device(std::size_t number) {
    client_id out;
    for (std::size_t byte = 0; byte < 4; ++byte) out.value[byte] = static_cast<std::uint8_t>(number >> (8 * byte));
    return out;
}

peer_report_record said_of(std::size_t peer, std::size_t reporter, wall_time at = long_ago) {
    return {numbered_device(peer), numbered_device(1'000'000 + reporter), content("a").id, at};
}

/// Full of strangers, by as few reporters as may be.
blame_book book_of_strangers() {
    blame_book out;
    for (std::size_t i = 0; i < limits::server_strangers_blamed_max; ++i) {
        const auto report = said_of(i, i / limits::server_strangers_of_reporter_max);
        REQUIRE(out.takes(report, false));
        REQUIRE_FALSE(out.in_the_way_of(report.peer, long_ago));
        out.put(report, false, report.at);
    }
    return out;
}

}  // namespace

TEST_CASE("who leaves after it served bad chunks is named all the same, and can be shut out", "[REQ-SEC-3][REQ-SEC-2][REQ-INS-3]") {
    server_world world;
    auto& liar = world.join("10.0.0.5", 1);
    auto& good = world.join("10.0.0.6", 2);
    (void)world.asked<accepted>(good, peer_report{liar.identity.id, content("a").key(), 3, "a chunk that does not fit its hash"});
    (void)world.asked<accepted>(liar, unregister{});
    const auto id = liar.identity.id.to_string();
    CHECK_THAT(findings(world), Contains(id) && Contains("not registered"));
    CHECK(world.administer<licences_reply>(licences_request{}).used == 1);
    world.restart_server();
    world.run_for(1s);
    CHECK_THAT(findings(world), Contains(id));

    CHECK_THAT(world.administer<error_reply>(revoke_request{liar.identity.id, "", false}).text, Contains("--unregistered"));
    (void)world.administer<accepted>(revoke_request{liar.identity.id, "it left", true});
    const auto list = decode_revocation_list(world.asked<revocations_reply>(good, revocations_request{}).list);
    REQUIRE(list);
    CHECK(list->revoked == std::vector<client_id>{liar.identity.id});
    register_request about;
    about.address = liar.where;
    CHECK(world.asked<error_reply>(liar, about).code == errc::revoked);

    (void)world.administer<accepted>(reinstate_request{liar.identity.id});
    CHECK(world.administer<clients_reply>(clients_request{}).rows.size() == 1);   // nothing is known of it, and it uses no licence
    (void)world.asked<register_reply>(liar, about);
    CHECK_THAT(findings(world), Contains(id) && !Contains("not registered"));
}

TEST_CASE("who serves bad chunks without having registered is named", "[REQ-SEC-3]") {
    server_world world;
    auto& good = world.join("10.0.0.6", 2);
    const auto liar = world.enrol("10.0.0.5", 1);
    REQUIRE(liar);
    (void)world.asked<accepted>(good, peer_report{(*liar)->identity.id, content("a").key(), 3, "a chunk that does not fit its hash"});
    CHECK_THAT(findings(world), Contains((*liar)->identity.id.to_string()));
}

TEST_CASE("a reporter that invents peers names so many, and takes no room from others", "[limits][REQ-SEC-3]") {
    server_world world;
    auto& inventor = world.join("10.0.0.5", 1);
    auto& good = world.join("10.0.0.6", 2);
    auto& bad = world.join("10.0.0.7", 3);
    const auto named = [&] { return world.durable.reports.size(); };
    for (std::size_t i = 0; i < limits::server_strangers_of_reporter_max + 2; ++i) {
        (void)world.asked<accepted>(inventor, peer_report{numbered_device(i), content("a").key(), 0, "it was a bad one"});
    }
    CHECK(named() == limits::server_strangers_of_reporter_max);
    (void)world.asked<accepted>(inventor, peer_report{bad.identity.id, content("a").key(), 0, "one that is there"});
    (void)world.asked<accepted>(good, peer_report{numbered_device(77), content("a").key(), 0, "a stranger indeed"});
    CHECK(named() == limits::server_strangers_of_reporter_max + 2);
    (void)world.asked<accepted>(inventor, unregister{});   // nothing that it said is believed
    CHECK(named() == 1);
}

TEST_CASE("of so many strangers that were blamed the oldest goes, when a week is over", "[limits]") {
    const auto book = book_of_strangers();
    const auto next = said_of(limits::server_strangers_blamed_max, 5000);
    CHECK(book.in_the_way_of(next.peer, long_ago) == next.peer);
    const wall_time in_a_week{long_ago.seconds + blame_book::shown_seconds};
    const auto oldest = book.in_the_way_of(next.peer, in_a_week);
    REQUIRE(oldest);
    CHECK(oldest != next.peer);
    CHECK_FALSE(book.in_the_way_of(numbered_device(0), in_a_week));   // it has its place
    auto fresh = book;
    fresh.put(said_of(0, 5001, in_a_week), false, in_a_week);
    CHECK(fresh.in_the_way_of(next.peer, in_a_week) != numbered_device(0));
    fresh.forget(*fresh.in_the_way_of(next.peer, in_a_week));
    CHECK_FALSE(fresh.in_the_way_of(next.peer, in_a_week));
}

TEST_CASE("who registers is a stranger no more, and who leaves is one if anything is said of it", "[limits]") {
    auto book = book_of_strangers();
    const auto next = said_of(limits::server_strangers_blamed_max, 5000);
    book.on_registered(numbered_device(0));
    CHECK_FALSE(book.in_the_way_of(next.peer, long_ago));
    book.on_left(numbered_device(limits::server_strangers_blamed_max + 1));   // nobody blamed it
    CHECK_FALSE(book.in_the_way_of(next.peer, long_ago));
    book.on_left(numbered_device(0));
    CHECK(book.in_the_way_of(next.peer, long_ago) == next.peer);
    book.on_left(numbered_device(1'000'000));   // a reporter takes what it said with it
    CHECK_FALSE(book.in_the_way_of(next.peer, long_ago));
}
