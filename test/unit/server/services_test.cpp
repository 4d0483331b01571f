// The server's parts, where a whole world would be too slow to reach their limits.

#include <catch2/catch.hpp>

#include "commit_desk.hpp"
#include "content_catalogue.hpp"
#include "holdings_index.hpp"
#include "link_ledger.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "roster_service.hpp"
#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

client_record numbered(std::uint32_t number) {
    client_record out;
    for (int byte = 0; byte < 4; ++byte)
        out.id.value[static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    out.address = ip_address::v4(0x0a000000u + number);
    out.profile.free_storage_bytes = std::uint64_t{number} << 30;
    return out;
}

topology one_office() { return *parse_spreadsheet("Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/8\r\n"); }

}  // namespace

TEST_CASE("a frozen ranking has a limit, and goes on when all of it are gone", "[REQ-RANK-7][REQ-RVP-3][limits]") {
    const auto offices = one_office();
    const auto order = ranking::standard();
    registry clients(60s);
    time_point now(1000s);
    for (std::uint32_t number = 1; number <= 200; ++number) {
        clients.put(numbered(number), offices.central());
        clients.hear(numbered(number).id, now, {});
    }
    roster_service rosters;
    const roster_service::place where{offices, clients, order, offices.central()};
    const auto first = rosters.roster(now, content("a").key(), where);
    REQUIRE(first.size() == limits::locate_roster_max);
    CHECK(first[0].peer.id == numbered(200).id);

    // Everybody of the frozen ones falls silent; the next in rank take over, and are frozen too.
    now += 200s;
    const auto survivors = static_cast<std::uint32_t>(200 - limits::server_roster_members_max);
    for (std::uint32_t number = 1; number <= survivors; ++number) clients.hear(numbered(number).id, now, {});
    const auto later = rosters.roster(now, content("a").key(), where);
    REQUIRE(later.size() == limits::locate_roster_max);
    CHECK(later[0].peer.id == numbered(survivors).id);
    CHECK(rosters.size() == 1);
}

TEST_CASE("an office is ranked once in a second, whatever is asked for, and anew when somebody comes or goes", "[hostile][REQ-RANK-7][limits]") {
    const auto offices = one_office();
    const auto order = ranking::standard();
    registry clients(60s);
    time_point now(1000s);
    const auto comes = [&](std::uint32_t number) {
        clients.put(numbered(number), offices.central());
        clients.hear(numbered(number).id, now, {});
    };
    for (std::uint32_t number = 1; number <= 500; ++number) comes(number);
    roster_service rosters;
    const roster_service::place where{offices, clients, order, offices.central()};
    const auto best = [&](int which) { return rosters.roster(now, content("c" + std::to_string(which)).key(), where).at(0).peer.id; };
    for (int which = 0; which < 1000; ++which) REQUIRE(best(which) == numbered(500).id);
    CHECK(rosters.rankings() == 1);
    comes(501);
    CHECK(best(1000) == numbered(501).id);
    CHECK(best(0) == numbered(500).id);   // frozen
    CHECK(rosters.rankings() == 2);
    clients.put(numbered(501), {});   // it moves, and comes back
    now += roster_service::ranked_for;
    CHECK(best(1001) == numbered(500).id);
    clients.put(numbered(501), offices.central());
    CHECK(best(1002) == numbered(501).id);
    clients.remove(numbered(501).id);
    CHECK(best(1003) == numbered(500).id);
    // A profile that a heartbeat tells counts in a second.
    auto larger = numbered(7).profile;
    larger.free_storage_bytes = std::uint64_t{10'000} << 30;
    clients.set_profile(numbered(7).id, larger);
    now += roster_service::ranked_for;
    CHECK(best(1004) == numbered(7).id);
    // Nobody is active but one, who comes back: it is ranked although it was not a moment ago.
    now += 1h;
    CHECK(rosters.roster(now, content("late").key(), where).empty());
    clients.hear(numbered(3).id, now, {});
    CHECK(best(1005) == numbered(3).id);
    const auto before = rosters.rankings();
    for (int round = 0; round < 1000; ++round) (void)best(1005);   // too few to fill an answer
    CHECK(rosters.rankings() == before);
}

TEST_CASE("the least recently used ranking makes room for another", "[limits]") {
    const auto offices = one_office();
    const auto order = ranking::standard();
    registry clients(60s);
    clients.put(numbered(1), offices.central());
    clients.hear(numbered(1).id, time_point(1s), {});
    roster_service rosters;
    for (std::size_t number = 0; number < limits::server_rosters_max + 3; ++number) {
        const auto asker = numbered(static_cast<std::uint32_t>(number / roster_service::rankings_of_client_max)).id;
        const roster_service::place where{offices, clients, order, offices.central(), asker};
        (void)rosters.roster(time_point(1s) + std::chrono::microseconds(number), content("c" + std::to_string(number)).key(), where);
    }
    CHECK(rosters.size() == limits::server_rosters_max);
    for (std::size_t number = 0; number < limits::server_rosters_max + 3; ++number) rosters.forget(content("c" + std::to_string(number)).id);
    CHECK(rosters.size() == 0);
}

TEST_CASE("a member that asks for more contents than there are rankings thaws its own", "[hostile][REQ-RANK-7][limits]") {
    const auto offices = one_office();
    const auto order = ranking::standard();
    registry clients(60s);
    time_point now(1s);
    for (const std::uint32_t number : {1u, 2u}) {
        clients.put(numbered(number), offices.central());
        clients.hear(numbered(number).id, now, {});
    }
    roster_service rosters;
    const roster_service::place honest{offices, clients, order, offices.central(), numbered(1).id};
    const roster_service::place liar{offices, clients, order, offices.central(), numbered(2).id};
    const auto best = [&](const char* id) { return rosters.roster(now, content(id).key(), honest).at(0).peer.id; };
    REQUIRE(best("kept") == numbered(2).id);
    auto larger = numbered(1).profile;
    larger.free_storage_bytes = std::uint64_t{10'000} << 30;
    clients.set_profile(numbered(1).id, larger);
    now += 2s;
    for (std::size_t number = 0; number <= limits::server_rosters_max; ++number) {
        (void)rosters.roster(now, content("c" + std::to_string(number)).key(), liar);
    }
    CHECK(rosters.size() == 1 + roster_service::rankings_of_client_max);
    CHECK(best("kept") == numbered(2).id);
    CHECK(best("new") == numbered(1).id);
}

TEST_CASE("holdings are found both ways through changes of office and content", "[REQ-SRV-2]") {
    random_source random(3);
    registry clients(60s);
    holdings_index index;
    std::map<std::pair<client_id, content_key>, holding_state> expected;
    std::map<client_id, office_slot> offices;
    const auto some_office = [&] {
        return random.below(3) == 0 ? office_slot{} : office_slot{office_index{static_cast<std::uint32_t>(random.below(3))}};
    };
    for (int round = 0; round < 3000; ++round) {
        const auto id = numbered(static_cast<std::uint32_t>(random.below(6))).id;
        const auto key = content("c" + std::to_string(random.below(4)), static_cast<std::uint8_t>(random.below(2))).key();
        switch (random.below(6)) {
            case 0:
                index.remove_client(id);
                std::erase_if(expected, [&](const auto& entry) { return entry.first.first == id; });
                break;
            case 1:
                index.remove_content(key.id);
                std::erase_if(expected, [&](const auto& entry) { return entry.first.second.id == key.id; });
                break;
            case 2:
                offices[id] = some_office();
                index.move_client(id, offices[id]);
                break;
            default: {
                const holding what{key, static_cast<holding_state>(random.below(3)), false};
                const bool all = random.below(5) == 0;
                if (all) std::erase_if(expected, [&](const auto& entry) { return entry.first.first == id; });
                index.put(id, offices[id], {what}, all);
                expected.erase({id, key});
                if (what.state != holding_state::none) expected[{id, key}] = what.state;
            }
        }
        std::size_t complete = 0, in_office = 0;
        for (const auto& [entry, state] : expected) {
            if (entry.second != key || state != holding_state::complete) continue;
            ++complete;
            if (offices[entry.first] == offices[id]) ++in_office;
        }
        REQUIRE(index.size() == expected.size());
        REQUIRE(index.complete_count(key) == complete);
        REQUIRE(index.complete(key, offices[id]).size() == in_office);
        REQUIRE(index.of_client(id).contains(key) == expected.contains({id, key}));
    }
}

TEST_CASE("the catalogue of contents has a limit", "[limits]") {
    content_catalogue contents;
    for (std::size_t number = 1; number < limits::server_contents_max; ++number) contents.put({content("c" + std::to_string(number)), {}});
    CHECK(contents.additions({content("one")}));
    const auto too_big = contents.additions({content("big", 1, limits::content_bytes_max + 1)});
    REQUIRE_FALSE(too_big);
    CHECK(too_big.error().code == errc::invalid_argument);
    const auto refused = contents.additions({content("one"), content("two")});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::limit_reached);
}

TEST_CASE("the link ledger has a limit", "[limits]") {
    link_ledger ledger;
    for (std::size_t number = 0; number < limits::server_links_max; ++number)
        ledger.add({"o" + std::to_string(number), content("a").key(), 1, 0});
    CHECK(ledger.takes({"o0", content("a").key()}));
    CHECK_FALSE(ledger.takes({"another", content("a").key()}));
}

TEST_CASE("clients in no office, at as many addresses as they like, leave room in the link ledger for offices", "[hostile][limits][REQ-OBS-1]") {
    link_ledger ledger;
    std::size_t taken = 0;
    for (std::uint32_t number = 0; number < limits::server_links_max; ++number) {
        const auto where = ip_address::v4(0x0a000000u + number).to_string();
        if (!ledger.takes({where, content("a").key()})) continue;
        ledger.add({where, content("a").key(), 1, 0});
        ++taken;
    }
    CHECK(taken == link_ledger::alone_max);
    CHECK(ledger.takes({"10.0.0.0", content("a").key()}));
    CHECK_FALSE(ledger.takes({"2001:db8::1", content("a").key()}));
    CHECK(ledger.takes({"10.0.0.0/24", content("a").key()}));
    CHECK(ledger.takes({"HQ", content("a").key()}));
}

TEST_CASE("link bytes of contents that are not published any more make room for others', and health says when there is none", "[limits][REQ-OBS-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<publish_reply>(publish_request{{content("a"), content("b"), content("c")}});
    (void)world.asked<accepted>(client, link_report{content("a").key(), 10, 0, "", 1, 1});
    (void)world.asked<accepted>(client, link_report{content("b").key(), 10, 0, "", 1, 2});
    for (std::size_t number = 2; number < limits::server_links_max; ++number) {
        world.durable.links.push_back({"o" + std::to_string(number), content("a").key(), 1, 0});
    }
    std::sort(world.durable.links.begin(), world.durable.links.end(), [](const link_record& left, const link_record& right) {
        return std::tie(left.office, left.content) < std::tie(right.office, right.content);
    });
    world.restart_server();
    const auto full = [&] {
        const auto found = world.administer<health_reply>(health_request{}).findings;
        return std::any_of(found.begin(), found.end(), [](const health_finding& one) { return one.subject == "links"; });
    };
    const auto counted = [&](const char* id) {
        return std::any_of(world.durable.links.begin(), world.durable.links.end(), [&](const link_record& row) { return row.content == content(id).key(); });
    };
    CHECK(full());
    (void)world.asked<accepted>(client, link_report{content("c").key(), 10, 0, "", 2, 1});
    CHECK_FALSE(counted("c"));
    (void)world.administer<accepted>(remove_content_request{content("b").id});
    CHECK(counted("b"));   // until its room is needed
    CHECK_FALSE(full());
    const bool restarted = GENERATE(false, true);
    if (restarted) world.restart_server();
    (void)world.asked<accepted>(client, link_report{content("c").key(), 10, 0, "", 2, 2});
    CHECK(counted("c"));
    CHECK_FALSE(counted("b"));
    CHECK(world.durable.links.size() == limits::server_links_max);
    CHECK(full());
}

TEST_CASE("a content that is published again keeps its link bytes, and rows of addresses make room for such", "[limits][REQ-OBS-1]") {
    link_ledger ledger;
    const auto where = [](std::uint32_t number) { return ip_address::v4(0x0a000000u + number).to_string(); };
    ledger.add({"HQ", content("a").key(), 1, 0});
    ledger.add({"HQ", content("b").key(), 1, 0});
    ledger.add({where(0), content("b").key(), 1, 0});
    for (std::uint32_t number = 1; number < link_ledger::alone_max; ++number) ledger.add({where(number), content("c").key(), 1, 0});
    const link_ledger::key next{where(0), content("d").key()};
    CHECK_FALSE(ledger.takes(next));
    ledger.on_removed(content("a").key());   // it has none of an address
    ledger.on_removed(content("never").key());
    CHECK_FALSE(ledger.in_the_way_of(next));
    ledger.on_removed(content("b").key());
    CHECK(ledger.in_the_way_of(next) == content("b").key());
    ledger.on_published(content("b").key());
    CHECK_FALSE(ledger.in_the_way_of(next));
    ledger.on_removed(content("b").key());
    CHECK_FALSE(ledger.in_the_way_of({"HQ", content("d").key()}));   // has room
    ledger.forget(content("b").key());
    CHECK(ledger.takes(next));
    CHECK(ledger.all().contains({"HQ", content("a").key()}));
    CHECK_FALSE(ledger.all().contains({"HQ", content("b").key()}));
}

TEST_CASE("requests to the catalogue have a limit", "[limits]") {
    server_state state(server_world::default_config());
    commit_desk desk(state);
    std::size_t refused = 0;
    for (std::size_t number = 0; number < limits::server_commits_pending_max + 5; ++number) {
        desk.submit(time_point(1s), {put_setting{"cdn", "http://x/"}}, [&](time_point, const result<void>& outcome) {
            if (!outcome && outcome.error().code == errc::limit_reached) ++refused;
        });
    }
    CHECK(refused == 5);
    CHECK(desk.pending() == limits::server_commits_pending_max);
    desk.complete(time_point(2s), {999'999, {}});  // nobody's
    CHECK(desk.pending() == limits::server_commits_pending_max);
    desk.complete(time_point(2s), {1, {}});
    desk.complete(time_point(2s), {1, {}});
    CHECK(desk.pending() == limits::server_commits_pending_max - 1);
    CHECK(state.settings.all().size() == 1);
}

TEST_CASE("the server has room for so many clients", "[limits]") {
    server_world world;
    for (std::uint32_t number = 1; number < limits::server_clients_max; ++number) {
        auto record = numbered(number);
        record.address = ip_address::v4(0x0b000000u + number);
        world.durable.clients.push_back(std::move(record));
    }
    world.restart_server();
    CHECK(world.server().statistics().clients_registered == limits::server_clients_max - 1);
    auto& early = *world.enrol("10.0.0.6", 2).value();
    auto& last = *world.enrol("10.0.0.5", 1).value();
    CHECK(std::holds_alternative<register_reply>(world.ask(last, register_request{{}, last.where, 24, "h", "1"}).value()));
    CHECK(world.asked<error_reply>(early, register_request{{}, early.where, 24, "h", "1"}).code == errc::limit_reached);
    CHECK_FALSE(world.enrol("10.0.0.7", 3));
}
