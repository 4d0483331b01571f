// Revocation, key epochs, renewal and clones, seen from the server (SEC-2).

#include <catch2/catch.hpp>

#include "p2pdist/envelope/revocation_list.hpp"
#include "members.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Contains;

namespace {

constexpr std::int64_t day = 24 * 3600;

revocation_list list_of(server_world& world, test_client& from) {
    const auto reply = world.asked<revocations_reply>(from, revocations_request{});
    const auto list = decode_revocation_list(reply.list);
    REQUIRE(list);
    CHECK(verify_revocations(crypto(), from.seal.held()->signing_key, *list));
    return *list;
}

void ask_for_renewals(server_world& world, test_client& who, std::size_t times) {
    seeded_entropy random(7);
    who.answers.clear();
    for (std::size_t n = 0; n < times; ++n) (void)world.send(who, renew_request{renewal(crypto(), random).ephemeral()});
}

/// Of those that it asked for, refused for now.
std::size_t refused_renewals(const test_client& who) {
    return static_cast<std::size_t>(std::count_if(who.answers.begin(), who.answers.end(), [](const auto& entry) {
        const auto* refused = entry.second ? std::get_if<error_reply>(&*entry.second) : nullptr;
        return refused != nullptr && refused->code == errc::limit_reached;
    }));
}

}  // namespace

TEST_CASE("a revocation is committed, told to all at once, and the client refused", "[REQ-SEC-2]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    auto& other = world.join("10.0.0.6", 2);
    CHECK(world.asked<error_reply>(other, revocations_request{}).code == errc::not_found);
    const auto began = world.now();
    (void)world.administer<accepted>(revoke_request{lost.identity.id, "stolen"});
    REQUIRE(world.run_until([&] { return !other.pushed.empty(); }, 5s));
    CHECK(world.now() - began < 1s);
    CHECK(other.pushed.back().revocations == wall_start);  // numbers follow the clock
    CHECK(other.pushed.back().key_epoch == 2);

    const auto list = list_of(world, other);
    CHECK(list.number == wall_start);
    CHECK(list.oldest_epoch == 1);
    CHECK(list.revoked == std::vector<client_id>{lost.identity.id});
    for (const message_body& body : {message_body(heartbeat{}), message_body(register_request{}), message_body(unregister{}),
                                     message_body(topology_request{}), message_body(revocations_request{}), message_body(renew_request{})}) {
        INFO(name_of(body));
        auto sent = body;
        if (auto* about = std::get_if<register_request>(&sent)) about->address = lost.where;
        CHECK(world.asked<error_reply>(lost, sent).code == errc::revoked);
    }
    CHECK_FALSE(world.enrol("10.0.0.7", 1));

    const auto rows = world.administer<clients_reply>(clients_request{}).rows;
    REQUIRE(rows.size() == 2);
    for (const auto& row : rows) {
        CHECK((row.revoked.since_s != 0) == (row.id == lost.identity.id));
        if (row.id == lost.identity.id) CHECK(row.revoked.reason == "stolen");
    }
    CHECK(world.administer<licences_reply>(licences_request{}).used == 1);  // its licence is free
    CHECK_THAT(findings(world), Contains("1 clients are revoked"));
    (void)world.administer<accepted>(revoke_request{lost.identity.id, "again"});   // changes nothing
    CHECK(list_of(world, other).number == wall_start);
    CHECK(std::get<error_reply>(world.admin(revoke_request{client_id{}, ""})).code == errc::not_found);
}

TEST_CASE("a revocation survives a restart of the server, and is not lost to a registration that overlaps it", "[REQ-SEC-2][REQ-SRV-6]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    auto& other = world.join("10.0.0.6", 2);
    auto& admin = world.connect();
    world.hold_commits = true;
    (void)admin.core->request(world.now(), revoke_request{lost.identity.id, ""});
    world.run_for(100ms);
    register_request about;
    about.address = lost.where;
    (void)world.send(lost, about);
    (void)world.send(lost, unregister{});
    world.run_for(100ms);
    world.hold_commits = false;
    world.release_commits();
    world.run_for(1s);
    REQUIRE(world.durable.clients.size() == 2);
    world.restart_server();
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
    CHECK(list_of(world, other).revoked.size() == 1);
}

TEST_CASE("the grace ends by itself, later revocations share the next epoch, and the list stays short", "[REQ-SEC-2]") {
    server_world world;
    std::vector<client_id> ids;
    for (std::uint8_t n = 1; n <= 5; ++n) ids.push_back(world.join(("10.0.0." + std::to_string(10 + n)).c_str(), n).identity.id);
    auto& stays = world.join("10.0.0.50", 50);
    const auto at = [&](std::int64_t seconds) {
        world.set_wall(wall_start + seconds);
        world.run_for(200ms);
        renew(world, stays);
        return list_of(world, stays);
    };
    (void)world.administer<accepted>(revoke_request{ids[0], ""});
    (void)world.administer<accepted>(revoke_request{ids[1], ""});
    auto list = at(day - 60);
    CHECK(list.revoked.size() == 2);
    CHECK(list.oldest_epoch == 1);
    CHECK(world.durable.versions.key_epoch == 2);
    // The grace of epoch 2 ends. The second was revoked while 2 was in force: one more epoch is needed for it, and begins at once.
    list = at(day + 10);
    CHECK(list.oldest_epoch == 2);
    CHECK(list.revoked == std::vector<client_id>{ids[1]});
    list = at(day + 20);
    CHECK(world.durable.versions.key_epoch == 3);
    CHECK(list.oldest_epoch == 2);
    for (int n = 2; n < 5; ++n) (void)world.administer<accepted>(revoke_request{ids[static_cast<std::size_t>(n)], ""});
    CHECK(world.durable.versions.key_epoch == 3);  // none of them begins an epoch of its own
    list = at(2 * day + 40);
    CHECK(list.oldest_epoch == 3);
    CHECK(list.revoked.size() == 3);
    (void)at(2 * day + 50);
    list = at(3 * day + 70);
    CHECK(list.oldest_epoch == 4);
    CHECK(list.revoked.empty());
    (void)at(4 * day + 100);
    CHECK(world.durable.versions.key_epoch == 4);  // nobody is listed any more: no further epoch
    CHECK(world.durable.epochs.oldest == 4);
}

TEST_CASE("a member of a former epoch is served in the grace, and may only renew after it", "[REQ-SEC-2]") {
    server_world world;
    auto& member = world.join("10.0.0.5", 1);
    (void)world.administer<rotate_epoch_reply>(rotate_epoch_request{false});
    CHECK(std::get<error_reply>(world.admin(rotate_epoch_request{false})).code == errc::refused);
    CHECK(world.asked<heartbeat_reply>(member, heartbeat{}).known);
    const auto reply = world.administer<rotate_epoch_reply>(rotate_epoch_request{true});
    CHECK(reply.key_epoch == 3);
    CHECK(reply.oldest_accepted == 3);
    CHECK(world.asked<error_reply>(member, heartbeat{}).code == errc::not_authorised);
    CHECK(world.asked<error_reply>(member, topology_request{}).code == errc::not_authorised);
    renew(world, member);
    CHECK(member.seal.held()->key_epoch == 3);
    CHECK(world.asked<heartbeat_reply>(member, heartbeat{}).known);
}

TEST_CASE("group keys of later epochs cannot be had from earlier ones, and the first stays what it was", "[REQ-SEC-2]") {
    server_world world;
    auto& member = world.join("10.0.0.5", 1);
    CHECK(member.seal.held()->group_key == server_world::default_config().group);  // a server that was set up before keeps its members
    (void)world.administer<rotate_epoch_reply>(rotate_epoch_request{false});
    const auto second = renewed(world, member);
    REQUIRE(second);
    CHECK(second->held.former_group_key == member.seal.held()->group_key);
    CHECK(second->held.group_key != second->held.former_group_key);
    bytes number;
    byte_writer(number).u16(2);
    CHECK(second->held.group_key != derive_key(crypto(), as_bytes("p2pdist group key"), member.seal.held()->group_key, {number}));
    world.restart_server();
    const auto again = renewed(world, member);
    REQUIRE(again);
    CHECK(again->held.group_key == second->held.group_key);
}

TEST_CASE("renewals come one after another", "[REQ-SEC-2]") {
    server_world world;
    constexpr std::uint32_t members = limits::renewals_per_second / limits::renewals_of_client_max + 5;
    std::vector<test_client*> all;
    for (std::uint32_t n = 0; n < members; ++n) {
        all.push_back(&world.join(("10.0.0." + std::to_string(20 + n)).c_str(), static_cast<std::uint8_t>(20 + n)));
    }
    for (auto* one : all) ask_for_renewals(world, *one, limits::renewals_of_client_max);
    const auto answered = [](const test_client* one) { return one->answers.size() >= limits::renewals_of_client_max; };
    REQUIRE(world.run_until([&] { return std::all_of(all.begin(), all.end(), answered); }, 5s));
    std::size_t later = 0;
    for (auto* one : all) later += refused_renewals(*one);
    CHECK(later >= 20);
    world.run_for(limits::renewal_window);
    CHECK(renewed(world, *all.front()));
}

TEST_CASE("a member that asks for renewals all the time keeps nobody else from one", "[hostile][REQ-SEC-2][limits]") {
    server_world world;
    auto& liar = world.join("10.0.0.5", 1);
    auto& honest = world.join("10.0.0.6", 2);
    ask_for_renewals(world, liar, limits::renewals_per_second);
    REQUIRE(world.run_until([&] { return liar.answers.size() >= limits::renewals_per_second; }, 5s));
    CHECK(refused_renewals(liar) == limits::renewals_per_second - limits::renewals_of_client_max);
    ask_for_renewals(world, liar, 20);
    CHECK(renewed(world, honest));
    world.run_for(1s);
    CHECK(refused_renewals(liar) == 20);
    world.run_for(limits::renewal_window);
    CHECK(renewed(world, liar));   // it may have been a fault
}

TEST_CASE("fifty members that ask for renewals all the time keep nobody else from one for long", "[hostile][REQ-SEC-2][limits]") {
    server_world world;
    constexpr std::uint32_t members = limits::renewals_per_second / limits::renewals_of_client_max;
    std::vector<test_client*> liars;
    for (std::uint32_t n = 0; n < members; ++n) {
        liars.push_back(&world.join(("10.0.0." + std::to_string(20 + n)).c_str(), static_cast<std::uint8_t>(20 + n)));
    }
    auto& honest = world.join("10.0.0.5", 1);
    const auto all_ask = [&] {
        for (auto* one : liars) {
            one->answers.clear();
            ask_for_renewals(world, *one, limits::renewals_of_client_max);
        }
        const auto answered = [](const test_client* one) { return one->answers.size() >= limits::renewals_of_client_max; };
        REQUIRE(world.run_until([&] { return std::all_of(liars.begin(), liars.end(), answered); }, 5s));
    };
    all_ask();
    for (int minute = 0; minute < 3; ++minute) {
        world.run_for(61s);
        all_ask();
        std::size_t refused = 0;
        for (auto* one : liars) refused += refused_renewals(*one);
        CHECK(refused == limits::renewals_per_second);
    }
    CHECK(renewed(world, honest));
}

TEST_CASE("a reinstated client is served again, and is in no list", "[REQ-SEC-2]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
    (void)world.administer<accepted>(reinstate_request{lost.identity.id});
    CHECK(world.asked<heartbeat_reply>(lost, heartbeat{}).known);
    CHECK(list_of(world, lost).revoked.empty());
    CHECK(list_of(world, lost).number == wall_start + 1);
}

TEST_CASE("the setting of the grace period is checked", "[REQ-SEC-2]") {
    server_world world;
    CHECK(std::holds_alternative<accepted>(world.admin(settings_set_request{"key_epoch_grace", "48h"})));
    CHECK(std::get<error_reply>(world.admin(settings_set_request{"key_epoch_grace", "5m"})).code == errc::invalid_argument);
    CHECK(std::get<error_reply>(world.admin(settings_set_request{"key_epoch_grace", "1000d"})).code == errc::invalid_argument);
    auto& one = world.join("10.0.0.5", 1);
    auto& lost = world.join("10.0.0.6", 2);
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    world.set_wall(wall_start + day + 60);
    world.run_for(200ms);
    CHECK(list_of(world, one).oldest_epoch == 1);
    world.set_wall(wall_start + 2 * day + 60);
    world.run_for(200ms);
    renew(world, one);
    CHECK(list_of(world, one).oldest_epoch == 2);
}

TEST_CASE("two devices with one identity are noticed, with both addresses and what to do", "[REQ-SEC-2]") {
    server_world world;
    auto& first = world.join("10.0.0.5", 1);
    auto& second = world.join("10.0.0.6", 1);
    for (int round = 0; round < 4; ++round) {
        world.run_for(30s);
        (void)world.ask(first, heartbeat{});
        world.run_for(30s);
        (void)world.ask(second, heartbeat{});
    }
    const auto text = findings(world);
    CHECK_THAT(text, Contains(first.identity.id.to_string()) && Contains("10.0.0.5") && Contains("10.0.0.6") && Contains("delete"));
    const auto told = std::count_if(world.events.begin(), world.events.end(), [](const server_event& event) {
        return event.text.find("two devices use the identity") != std::string::npos;
    });
    CHECK(told == 1);
}

TEST_CASE("a client that restarts and moves is no clone", "[REQ-SEC-2]") {
    server_world world;
    for (int round = 0; round < 8; ++round) {
        auto& one = world.join(round % 2 == 0 ? "10.0.0.5" : "10.0.0.6", 1);  // another process each time
        (void)world.ask(one, heartbeat{});
        world.run_for(20s);
    }
    CHECK_THAT(findings(world), !Contains("two devices"));
}

TEST_CASE("a server that was set back to a snapshot gives up its sessions and channels", "[REQ-SEC-2]") {
    server_world world;
    std::vector<std::uint64_t> ids;  // of its messages, which count from a random number
    world.loses = [&](const send_datagram& sent) {
        if (sent.from_port == server_world::default_config().ports[port_use::server_small_in] && frame_type_of(sent.header) == frame_type::message) {
            const auto payload = byte_span(sent.header).subspan(sealed_header::size_bytes, sent.header.size() - sealed_overhead_bytes);
            const auto said = decode_message(payload);
            if (said && said->id != 0) ids.push_back(said->id);
        }
        return false;
    };
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<health_reply>(health_request{});
    const auto before = client.seal.current_session(world.asked<pong>(client, ping{}) == pong{} ? identity_from_secret(crypto(), server_world::default_config().identity).id : client_id{});
    REQUIRE(before);
    world.server().on_wall_clock(world.now(), world.wall());
    world.server().on_wall_clock(world.now() + 1s, {world.wall().seconds + 7200});
    world.run_for(100ms);
    CHECK_FALSE(world.closed_by_server.empty());
    REQUIRE_FALSE(ids.empty());
    const auto last = std::exchange(ids, {}).back();
    CHECK(world.asked<heartbeat_reply>(client, heartbeat{}).known);  // by a new session
    REQUIRE_FALSE(ids.empty());
    CHECK(ids.front() - last > 1'000);
    const auto after = client.seal.current_session(identity_from_secret(crypto(), server_world::default_config().identity).id);
    CHECK(after != before);
}

TEST_CASE("whoever is being revoked is refused from the first moment on, while the database takes its time", "[hostile][REQ-SEC-2]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    auto& other = world.join("10.0.0.6", 2);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    auto& admin = world.connect();
    world.hold_commits = true;
    (void)admin.core->request(world.now(), revoke_request{lost.identity.id, ""});
    world.run_for(100ms);
    seeded_entropy random(7);
    for (const message_body& body :
         {message_body(renew_request{renewal(crypto(), random).ephemeral()}), message_body(heartbeat{}),
          message_body(holdings_report{{{content("a").key(), holding_state::complete, false}}, false}),
          message_body(locate_request{content("a").key()})}) {
        INFO(name_of(body));
        CHECK(world.asked<error_reply>(lost, body).code == errc::revoked);
    }
    CHECK(world.asked<heartbeat_reply>(other, heartbeat{}).known);
    world.hold_commits = false;
    world.release_commits();
    world.run_for(1s);
    CHECK(world.durable.holdings.empty());
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
}

TEST_CASE("of two revocations of one client the one that fails takes nothing from the other", "[hostile][REQ-SEC-2][REQ-SRV-6]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    auto& one = world.connect("10.0.0.8");
    auto& two = world.connect("10.0.0.9");
    world.hold_commits = true;
    for (auto* admin : {&one, &two}) {
        (void)admin->core->request(world.now(), revoke_request{lost.identity.id, ""});
        world.run_for(100ms);
    }
    bool fails = true;
    world.commit_fault = [&](const catalogue_request&) -> std::optional<error> {
        if (!std::exchange(fails, false)) return std::nullopt;
        return error{errc::database_failed, "locked"};
    };
    world.commit_delay = [] { return 1s; };
    world.release_commits();   // of the first; the second begins
    (void)world.send(lost, register_request{{}, lost.where, 24, "renamed", "1.0"});
    world.run_for(5s);
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
    world.restart_server();
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
}

TEST_CASE("the grace of an epoch that began while the server's clock was ahead ends in time once it is right", "[REQ-SEC-2]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    world.set_wall(wall_start + 9 * 365 * day);
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    world.step_wall(wall_start);
    world.run_for(1h);
    world.step_wall(wall_start + 3600);
    world.run_for(1s);
    CHECK(world.durable.epochs.since.seconds == wall_start + 3600);
    CHECK(world.durable.versions.key_epoch == 2);
    for (const auto& [seconds, oldest] : {std::pair(day, 1), std::pair(day + 3660, 2)}) {
        world.step_wall(wall_start + seconds);
        world.run_for(1s);
        CHECK(world.durable.epochs.oldest == oldest);
    }
}

TEST_CASE("a clock that is behind for a while ends no grace when it is right again", "[REQ-SEC-2]") {
    server_world world;
    auto& lost = world.join("10.0.0.5", 1);
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    const auto since = world.durable.epochs.since;
    // Started before it was set, twice: less than an hour each.
    for (const auto right : {3000, 6000}) {
        world.step_wall(wall_start - 2 * day);
        world.run_for(50min);
        world.step_wall(wall_start - 2 * day + 3000);
        world.step_wall(wall_start + right);
        world.run_for(1s);
    }
    CHECK(world.durable.versions.key_epoch == 2);
    CHECK(world.durable.epochs.oldest == 1);
    CHECK(world.durable.epochs.since == since);
}
