// What is acknowledged is in the database, and nothing is acknowledged before it is (SRV-6).

#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

const char* const sheet = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/24\r\n";

bool has_client(const catalogue_snapshot& state, const client_id& id) {
    return std::any_of(state.clients.begin(), state.clients.end(), [&](const client_record& record) { return record.id == id; });
}

bool has_content(const catalogue_snapshot& state, const content_info& content) {
    return std::any_of(state.contents.begin(), state.contents.end(),
                       [&](const content_record& record) { return record.content == content; });
}

}  // namespace

TEST_CASE("every change waits for its commit", "[REQ-SRV-6]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    auto& connector = world.connect();
    world.run_for(5s);

    const std::vector<message_body> from_client{register_request{{}, client.where, 24, "renamed", "2.0"},
                                                holdings_report{{{content("a").key(), holding_state::complete, false}}, false},
                                                link_report{content("a").key(), 5, 0, "", 0, 0}, unregister{}};
    for (const auto& body : from_client) {
        INFO(name_of(body));
        const auto before = world.durable;
        world.hold_commits = true;
        const auto handle = world.send(client, body);
        world.run_for(20s);
        CHECK_FALSE(client.answers.contains(handle));
        CHECK(world.durable == before);
        world.release_commits();
        CHECK(world.run_until([&] { return client.answers.contains(handle); }));
        CHECK_FALSE(world.durable == before);
    }
    const std::vector<message_body> from_connector{publish_request{{content("b")}}, activate_request{"KEY", 7},
                                                   settings_set_request{"cdn", "http://cdn/x"}, topology_import_request{sheet, false},
                                                   remove_content_request{content("b").id}};
    for (const auto& body : from_connector) {
        INFO(name_of(body));
        const auto before = world.durable;
        world.hold_commits = true;
        const auto handle = connector.core->request(world.now(), body);
        world.run_for(20s);
        CHECK_FALSE(connector.answers.contains(handle));
        // Nor is it seen by others meanwhile.
        CHECK(world.administer<contents_reply>(contents_request{}).rows.size() == before.contents.size());
        CHECK(world.administer<licences_reply>(licences_request{}).activated == before.licence.activated);
        CHECK(world.administer<settings_reply>(settings_show_request{}).settings.size() == before.settings.size());
        CHECK(world.administer<topology_export_reply>(topology_export_request{}).version == before.topology.version);
        world.release_commits();
        CHECK(world.run_until([&] { return connector.answers.contains(handle); }));
        CHECK_FALSE(world.durable == before);
    }
}

TEST_CASE("a commit that fails is answered with the database's sentence and changes nothing", "[REQ-SRV-6][REQ-DB-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    world.commit_fault = [](const catalogue_request&) { return error{errc::database_failed, "database or disk is full; make room"}; };
    for (const auto& body : std::vector<message_body>{publish_request{{content("a")}}, activate_request{"KEY", 7},
                                                      settings_set_request{"cdn", "http://cdn/x"}, topology_import_request{sheet, false}}) {
        INFO(name_of(body));
        const auto reply = world.administer<error_reply>(body);
        CHECK(reply.code == errc::database_failed);
        CHECK_THAT(reply.text, Contains("make room"));
    }
    CHECK(world.asked<error_reply>(client, unregister{}).code == errc::database_failed);
    const auto health = world.administer<health_reply>(health_request{});
    CHECK(health.findings[0].severity == 2);
    CHECK(std::any_of(health.findings.begin(), health.findings.end(),
                      [](const health_finding& one) { return one.subject == "database" && one.severity == 2; }));
    world.commit_fault = nullptr;
    CHECK(world.administer<contents_reply>(contents_request{}).rows.empty());
    CHECK(world.administer<publish_reply>(publish_request{{content("a")}}).added == 1);
    CHECK(world.administer<health_reply>(health_request{}).findings[0].subject != "database");
}

TEST_CASE("repeated requests have no double effect", "[REQ-MSG-1][REQ-CON-1]") {
    server_world world;
    std::uint64_t count = 0;
    world.loses = [&](const send_datagram&) { return ++count % 3 == 0; };
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    for (int report = 0; report < 30; ++report) (void)world.asked<accepted>(client, link_report{content("a").key(), 10, 0, "", 0, 0});
    const auto rows = world.administer<links_reply>(links_request{}).rows;
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].bytes_in == 300);
}

TEST_CASE("two changes of the same thing are judged one after another", "[REQ-CLI-6][REQ-SRV-6]") {
    server_world world;
    auto& one = world.connect("10.0.0.8");
    auto& two = world.connect("10.0.0.9");
    world.hold_commits = true;
    const auto first = one.core->request(world.now(), publish_request{{content("a", 1)}});
    world.run_for(1s);
    const auto second = two.core->request(world.now(), publish_request{{content("a", 2)}});
    world.run_for(1s);
    CHECK(two.answers.empty());
    world.release_commits();
    CHECK(world.run_until([&] { return one.answers.contains(first) && two.answers.contains(second); }));
    CHECK(std::get<publish_reply>(one.answers.at(first).value()).added == 1);
    CHECK(std::get<error_reply>(two.answers.at(second).value()).code == errc::already_exists);
}

TEST_CASE("whatever happens, what was answered is durable", "[REQ-SRV-6]") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        INFO("seed " << seed);
        random_source random(seed);
        server_world world;
        world.commit_delay = [&] { return std::chrono::milliseconds(random.below(400)); };
        world.commit_fault = [&](const catalogue_request&) -> std::optional<error> {
            if (random.below(6) != 0) return std::nullopt;
            return error{errc::database_failed, "locked"};
        };
        std::uint64_t lost = 0;
        world.loses = [&](const send_datagram&) { return random.below(10) == 0 && ++lost > 0; };
        auto& connector = world.connect();
        std::vector<test_client*> clients;
        for (std::uint8_t number = 1; number <= 3; ++number)
            clients.push_back(world.enrol(("10.0." + std::to_string(number) + ".5").c_str(), number).value());
        int answered = 0;
        for (int round = 0; round < 40; ++round) {
            auto& client = *clients[random.below(clients.size())];
            const auto what = content("c" + std::to_string(random.below(5)), 1);
            const auto kind = random.below(5);
            std::optional<bool> durable;  // of what was answered
            if (kind == 0) {
                const auto reply = world.ask(client, register_request{{}, client.where, 24, "h", "1"});
                if (reply && std::holds_alternative<register_reply>(*reply)) durable = has_client(world.durable, client.identity.id);
            } else if (kind == 1) {
                const auto reply = world.ask(client, unregister{});
                if (reply && std::holds_alternative<accepted>(*reply)) durable = !has_client(world.durable, client.identity.id);
            } else if (kind == 2) {
                if (std::holds_alternative<publish_reply>(world.ask(connector, publish_request{{what}})))
                    durable = has_content(world.durable, what);
            } else if (kind == 3) {
                if (std::holds_alternative<accepted>(world.ask(connector, remove_content_request{what.id})))
                    durable = !has_content(world.durable, what);
            } else {
                const holding held{what.key(), holding_state::complete, false};
                const auto reply = world.ask(client, holdings_report{{held}, false});
                const auto& all = world.durable.holdings;
                if (reply && std::holds_alternative<holdings_reply>(*reply) && has_content(world.durable, what)) {
                    durable = std::find(all.begin(), all.end(), holding_record{client.identity.id, held}) != all.end();
                }
            }
            if (durable) {
                INFO("round " << round << " kind " << kind);
                CHECK(*durable);
                ++answered;
            }
            if (random.below(12) == 0) {
                world.restart_server();
                world.reopen(connector);
            }
        }
        CHECK(answered > 10);
        // What the server shows is what is durable.
        world.commit_fault = nullptr;
        world.run_for(10s);
        CHECK(world.server().statistics().contents == world.durable.contents.size());
        CHECK(world.server().statistics().clients_registered == world.durable.clients.size());
        CHECK(world.server().statistics().holdings == world.durable.holdings.size());
    }
}

TEST_CASE("one member's registrations and reports take one place each in the database's queue", "[hostile][REQ-SRV-6][REQ-SEC-1]") {
    server_world world;
    auto& liar = world.join("10.0.0.5", 1);
    auto& honest = world.join("10.0.0.6", 2);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    world.hold_commits = true;
    std::vector<message_handle> asked;
    for (std::uint64_t i = 0; i < 500; ++i) {
        asked.push_back(world.send(liar, register_request{{}, liar.where, 24, "pc-" + std::to_string(i), "1"}));
        asked.push_back(world.send(liar, unregister{}));
        asked.push_back(world.send(liar, link_report{content("a").key(), 1 + i, 0, "", i, 1}));
        asked.push_back(world.send(liar, peer_report{honest.identity.id, content("a").key(), i, "bad"}));
        const auto state = i % 2 == 0 ? holding_state::partial : holding_state::complete;
        asked.push_back(world.send(liar, holdings_report{{{content("a").key(), state, false}}, true}));
        world.run_for(5ms);
    }
    world.run_for(5s);
    CHECK(world.server().statistics().catalogue_pending <= 5);
    const auto in_vain = static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](const message_handle handle) {
        const auto at = liar.answers.find(handle);
        const auto* refused = at != liar.answers.end() && at->second ? std::get_if<error_reply>(&*at->second) : nullptr;
        return refused != nullptr && (refused->code == errc::limit_reached || refused->code == errc::not_authorised);
    }));
    CHECK(in_vain > 2000);   // all but the one under way and the one that waits, of each kind; whoever leaves reports nothing
    const auto other = world.send(honest, register_request{{}, honest.where, 24, "renamed", "1"});
    world.run_for(1s);
    world.release_commits();
    CHECK(world.run_until([&] { return honest.answers.contains(other); }, 5s));
    CHECK(std::holds_alternative<register_reply>(honest.answers.at(other).value()));
    CHECK(world.run_until([&] { return liar.answers.size() >= asked.size(); }, 20s));
}

TEST_CASE("a registration that changes nothing needs no commit, unless the client is leaving", "[REQ-SRV-6][REQ-SRV-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    const register_request same{{}, client.where, 24, "h", "1"};
    (void)world.asked<register_reply>(client, same);
    const auto before = world.commits;
    for (int i = 0; i < 20; ++i) CHECK(world.asked<register_reply>(client, same).heartbeat_interval_ms > 0);
    CHECK(world.commits == before);
    // A profile that a heartbeat told is in memory only.
    device_profile larger;
    larger.free_storage_bytes = 5'000'000'000;
    (void)world.asked<heartbeat_reply>(client, heartbeat{larger});
    auto now_larger = same;
    now_larger.profile = larger;
    (void)world.asked<register_reply>(client, now_larger);
    CHECK(world.commits == before + 1);
    CHECK(world.durable.clients.at(0).profile == larger);
    // On its way out it is not told that it is in.
    world.hold_commits = true;
    const auto leaving = world.send(client, unregister{});
    world.run_for(1s);
    const auto staying = world.send(client, now_larger);
    world.run_for(1s);
    CHECK_FALSE(client.answers.contains(staying));
    world.release_commits();
    REQUIRE(world.run_until([&] { return client.answers.contains(leaving) && client.answers.contains(staying); }, 5s));
    CHECK(std::holds_alternative<register_reply>(client.answers.at(staying).value()));
    CHECK(has_client(world.durable, client.identity.id));
}

TEST_CASE("what a client reports while it leaves is not there when it comes back", "[hostile][REQ-SRV-6][REQ-SRV-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    const holdings_report has_it{{{content("a").key(), holding_state::complete, false}}, true};
    world.hold_commits = true;
    const auto leaving = world.send(client, unregister{});
    world.run_for(100ms);
    CHECK(world.asked<error_reply>(client, has_it).code == errc::not_authorised);
    world.release_commits();
    REQUIRE(world.run_until([&] { return client.answers.contains(leaving); }, 5s));
    world.hold_commits = false;
    CHECK(world.durable.holdings.empty());
    (void)world.asked<register_reply>(client, register_request{{}, client.where, 24, "h", "1"});
    (void)world.asked<holdings_reply>(client, holdings_report{{}, true});
    CHECK(world.durable.holdings.empty());
    world.restart_server();
    CHECK(world.server().statistics().holdings == 0);
    (void)world.asked<holdings_reply>(client, has_it);
    CHECK(world.durable.holdings.size() == 1);
}

TEST_CASE("of each content that a report names one row is written, however often and whatever else it says", "[hostile][REQ-SRV-2][REQ-SRV-6]") {
    server_world world;
    auto& liar = world.join("10.0.0.5", 1);
    (void)world.administer<publish_reply>(publish_request{{content("a"), content("b", 2)}});
    std::vector<std::vector<holding>> written;
    world.commit_fault = [&](const catalogue_request& request) -> std::optional<error> {
        for (const auto& change : request.changes) {
            if (const auto* put = std::get_if<put_holdings>(&change)) written.push_back(put->holdings);
        }
        return std::nullopt;
    };
    const holding complete{content("a").key(), holding_state::complete, false}, partial{content("a").key(), holding_state::partial, false};
    const holding other{content("b", 2).key(), holding_state::complete, false}, gone{content("a").key(), holding_state::none, false};
    holdings_report padded{{complete}, true};
    for (int n = 0; n < 1000; ++n) padded.holdings.push_back({content("n" + std::to_string(n)).key(), holding_state::none, false});
    for (int times = 0; times < 3; ++times) (void)world.asked<holdings_reply>(liar, padded);
    REQUIRE(written.size() == 1);
    CHECK(written[0] == std::vector{complete});

    (void)world.asked<holdings_reply>(liar, holdings_report{std::vector<holding>(1000, complete), false});   // as it is
    CHECK(written.size() == 1);
    auto wavering = std::vector<holding>(1000, partial);
    for (std::size_t n = 1; n < wavering.size(); n += 2) wavering[n] = complete;
    (void)world.asked<holdings_reply>(liar, holdings_report{wavering, false});
    CHECK(written.size() == 1);
    wavering.push_back(partial);
    (void)world.asked<holdings_reply>(liar, holdings_report{wavering, false});
    REQUIRE(written.size() == 2);
    CHECK(written[1] == std::vector{partial});
    // A complete list says by its silence what is gone.
    (void)world.asked<holdings_reply>(liar, holdings_report{{other}, true});
    REQUIRE(written.size() == 3);
    CHECK(written[2] == std::vector{gone, other});
    CHECK(world.durable.holdings == std::vector<holding_record>{{liar.identity.id, other}});
}

TEST_CASE("a registration that waited when its client left does not bring it back", "[REQ-SRV-6][REQ-INS-3]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    world.hold_commits = true;
    (void)world.send(client, register_request{{}, client.where, 24, "one", "1"});
    world.run_for(100ms);
    const auto waiting = world.send(client, register_request{{}, client.where, 24, "two", "1"});
    world.run_for(100ms);
    const auto leaving = world.send(client, unregister{});
    world.run_for(100ms);
    world.release_commits();
    REQUIRE(world.run_until([&] { return client.answers.contains(leaving) && client.answers.contains(waiting); }, 5s));
    world.run_for(1s);
    CHECK(world.durable.clients.empty());
    CHECK(world.server().statistics().clients_registered == 0);
    (void)world.asked<register_reply>(client, register_request{{}, client.where, 24, "three", "1"});
    CHECK(has_client(world.durable, client.identity.id));
}
