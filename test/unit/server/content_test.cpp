#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

TEST_CASE("before activation no client receives content, from then on all do", "[REQ-ACT-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    CHECK(world.administer<publish_reply>(publish_request{{content("a")}}).added == 1);
    CHECK(world.asked<error_reply>(client, content_request{content("a").id}).code == errc::not_activated);
    CHECK(world.asked<error_reply>(client, locate_request{content("a").key()}).code == errc::not_activated);
    CHECK_FALSE(world.asked<heartbeat_reply>(client, heartbeat{}).versions.activated);

    const auto first = world.administer<activate_reply>(activate_request{"KEY-1", 5});
    CHECK(first.bought == 5);
    CHECK(first.used == 1);
    CHECK_FALSE(first.already_active);
    world.run_for(10s);
    REQUIRE(client.pushed.size() == 1);
    CHECK(client.pushed[0].activated);
    CHECK(world.asked<heartbeat_reply>(client, heartbeat{}).versions.activated);
    CHECK(world.asked<content_reply>(client, content_request{content("a").id}).content == content("a"));
    CHECK(world.asked<locate_reply>(client, locate_request{content("a").key()}).content == content("a"));

    CHECK(world.administer<activate_reply>(activate_request{"KEY-1", 5}).already_active);
    CHECK(world.administer<activate_reply>(activate_request{"KEY-1", 9}).bought == 9);  // more were bought
    world.run_for(10s);
    CHECK(client.pushed.size() == 1);
    world.restart_server();
    CHECK(world.asked<heartbeat_reply>(client, heartbeat{}).versions.activated);
}

TEST_CASE("a licence key that makes no sense is refused, a surplus is counted", "[REQ-ACT-1][REQ-ACT-3]") {
    server_world world;
    for (const auto& [key, seats] : std::vector<std::pair<std::string, std::uint32_t>>{{"", 5},
                                                                                       {" ", 5},
                                                                                       {"two words", 5},
                                                                                       {"tab\t", 5},
                                                                                       {"---", 5},
                                                                                       {std::string(129, 'x'), 5},
                                                                                       {"K\xc3\xa9", 5},
                                                                                       {"KEY", 0},
                                                                                       {"KEY", 10'000'001}}) {
        INFO(key << " " << seats);
        CHECK(world.administer<error_reply>(activate_request{key, seats}).code == errc::invalid_argument);
    }
    CHECK_FALSE(world.administer<licences_reply>(licences_request{}).activated);
    CHECK(world.administer<activate_reply>(activate_request{std::string(128, 'x'), 1}).bought == 1);
    (void)world.join("10.0.0.5", 1);
    (void)world.join("10.0.0.6", 2);
    (void)world.join("10.0.0.7", 3);
    CHECK(world.administer<licences_reply>(licences_request{}) == licences_reply{true, 1, 3, 2});
    CHECK(world.administer<publish_reply>(publish_request{{content("a")}}).added == 1);  // nobody is refused anything
}

TEST_CASE("a content id is immutable", "[REQ-CLI-6][REQ-SRV-1]") {
    server_world world;
    CHECK(world.administer<publish_reply>(publish_request{{content("a", 1), content("b", 2), content("a", 1)}}) == publish_reply{2, 1});
    CHECK(world.administer<publish_reply>(publish_request{{content("a", 1), content("c", 3)}}) == publish_reply{1, 1});
    const auto before = world.durable;

    const auto other_hash = world.administer<error_reply>(publish_request{{content("d", 4), content("a", 9)}});
    CHECK(other_hash.code == errc::already_exists);
    CHECK_THAT(other_hash.text, Contains("'a'") && Contains("another hash"));
    CHECK(world.administer<error_reply>(publish_request{{content("a", 1, 1001)}}).code == errc::already_exists);
    CHECK(world.administer<error_reply>(publish_request{{content("x", 1), content("x", 2)}}).code == errc::already_exists);
    CHECK(world.durable == before);  // a refused request changes nothing, not even its good part
}

TEST_CASE("publishing and removing count up the contents' version", "[REQ-SRV-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<activate_reply>(activate_request{"K", 1});
    const auto version = [&] { return world.asked<heartbeat_reply>(client, heartbeat{}).versions.contents; };
    const auto start = version();
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    CHECK(version() == start + 1);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    CHECK(version() == start + 1);
    (void)world.asked<holdings_reply>(client, holdings_report{{{content("a").key(), holding_state::complete, false}}, false});
    (void)world.administer<accepted>(remove_content_request{content("a").id});
    CHECK(version() == start + 2);
    CHECK(world.durable.contents.empty());
    CHECK(world.durable.holdings.empty());
    CHECK(world.administer<error_reply>(remove_content_request{content("a").id}).code == errc::not_found);
    CHECK(world.asked<error_reply>(client, content_request{content("a").id}).code == errc::not_found);
    CHECK(world.administer<error_reply>(publish_request{{content("a", 2)}}).code == errc::already_exists);  // an id means one content for ever
    CHECK(world.administer<publish_reply>(publish_request{{content("a")}}).added == 1);
}

TEST_CASE("the server knows which content is on which client", "[REQ-SRV-2]") {
    server_world world;
    auto& one = world.join("10.0.0.5", 1);
    auto& two = world.join("10.0.0.6", 2);
    (void)world.administer<publish_reply>(publish_request{{content("a"), content("b", 2)}});
    (void)world.asked<holdings_reply>(one, holdings_report{{{content("a").key(), holding_state::complete, false}}, false});
    (void)world.asked<holdings_reply>(two, holdings_report{{{content("a").key(), holding_state::partial, true},
                                                            {content("b", 2).key(), holding_state::complete, false},
                                                            {content("a", 99).key(), holding_state::complete, false},  // other bytes
                                                            {content("never", 5).key(), holding_state::complete, false}},
                                                           false});
    CHECK(world.durable.holdings.size() == 3);
    const auto rows = world.administer<contents_reply>(contents_request{}).rows;
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].content == content("a"));
    CHECK(rows[0].holders_complete == 1);
    CHECK(rows[0].holders_partial == 1);
    CHECK(rows[0].published_s == world.wall().seconds);
    CHECK(rows[1].holders_complete == 1);
    CHECK(world.administer<holders_reply>(holders_request{content("a").id}).rows.size() == 2);
    CHECK(world.administer<error_reply>(holders_request{content("zz").id}).code == errc::not_found);

    (void)world.asked<holdings_reply>(two, holdings_report{{{content("b", 2).key(), holding_state::complete, false}}, true});
    CHECK(world.durable.holdings.size() == 2);
    const auto before = world.commits;
    (void)world.asked<holdings_reply>(two, holdings_report{{{content("b", 2).key(), holding_state::complete, false}}, true});
    CHECK(world.commits == before);  // nothing new, nothing to write
    (void)world.asked<holdings_reply>(two, holdings_report{{{content("b", 2).key(), holding_state::none, false}}, false});
    CHECK(world.durable.holdings.size() == 1);
    world.restart_server();
    CHECK(world.administer<holders_reply>(holders_request{content("a").id}).rows.size() == 1);
}

TEST_CASE("a client's holdings have a limit", "[limits]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    std::vector<content_info> many;
    std::vector<holding> held;
    for (std::size_t number = 0; number <= limits::server_client_holdings_max; ++number) {
        many.push_back(content("c" + std::to_string(number)));
        held.push_back({many.back().key(), holding_state::complete, false});
    }
    CHECK(world.administer<publish_reply>(publish_request{many}).added == many.size());
    (void)world.asked<holdings_reply>(client, holdings_report{held, true});
    CHECK(world.durable.holdings.size() == limits::server_client_holdings_max);
    (void)world.asked<holdings_reply>(client, holdings_report{{held.back()}, false});
    CHECK(world.durable.holdings.size() == limits::server_client_holdings_max);
}

TEST_CASE("link bytes are added up by office and content", "[REQ-OBS-1]") {
    server_world world;
    const auto text = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/24\r\nB,Default,HQ,10.1.0.0/24\r\n";
    CHECK(world.administer<topology_import_reply>(topology_import_request{text, false}).imported);
    auto& central = world.join("10.0.0.5", 1);
    auto& branch = world.join("10.1.0.5", 2);
    auto& homeless = world.join("172.16.0.5", 3);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    const auto key = content("a").key();
    (void)world.asked<accepted>(branch, link_report{key, 600, 0, "", 0, 0});
    (void)world.asked<accepted>(branch, link_report{key, 400, 7, "HQ", 0, 0});
    (void)world.asked<accepted>(central, link_report{key, 0, 1000, "B", 0, 0});  // what it sent down did not leave B upwards
    (void)world.asked<accepted>(homeless, link_report{key, 5, 0, "", 0, 0});
    (void)world.asked<accepted>(branch, link_report{content("unknown", 7).key(), 400, 0, "", 0, 0});
    const auto rows = world.administer<links_reply>(links_request{}).rows;
    REQUIRE(rows.size() == 2);
    CHECK(rows[0] == link_row{"172.16.0.5", content("a").id, 1000, 5, 0});
    CHECK(rows[1] == link_row{"B", content("a").id, 1000, 1000, 0});
    world.restart_server();
    CHECK(world.administer<links_reply>(links_request{}).rows == rows);
}

TEST_CASE("a peer that serves bad chunks is reported", "[REQ-SEC-3]") {
    server_world world;
    auto& good = world.join("10.0.0.5", 1);
    auto& bad = world.join("10.0.0.6", 2);
    (void)world.asked<accepted>(good, peer_report{bad.identity.id, content("a").key(), 3, "chunk does not fit"});
    (void)world.asked<accepted>(good, peer_report{bad.identity.id, content("a").key(), 4, "again"});
    (void)world.asked<accepted>(good, peer_report{good.identity.id, content("a").key(), 4, "oneself"});
    const auto reports = std::count_if(world.events.begin(), world.events.end(),
                                       [](const server_event& event) { return event.what == server_event::kind::peer_reported; });
    CHECK(reports == 1);
    const auto finding = [&] {
        const auto health = world.administer<health_reply>(health_request{});
        const auto found = std::find_if(health.findings.begin(), health.findings.end(), [](const auto& one) { return one.subject == "integrity"; });
        REQUIRE(found != health.findings.end());
        return found->text;
    };
    CHECK(finding().find(bad.identity.id.to_string()) != std::string::npos);
    CHECK(finding().find("10.0.0.6") != std::string::npos);
    CHECK(finding().find("says 1 client;") != std::string::npos);   // one reporter, however often
    // The word of clients is hearsay: it is kept over a restart, and nobody is turned away for it.
    world.restart_server();
    CHECK(finding().find("says 1 client;") != std::string::npos);
    (void)world.asked<holdings_reply>(bad, holdings_report{});
}

TEST_CASE("more copies over a link than a report can be about are a lie, and spoil no sum", "[hostile][REQ-OBS-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    const auto what = content("a", 1, 1000);
    (void)world.administer<publish_reply>(publish_request{{what}});
    (void)world.asked<accepted>(client, link_report{what.key(), 9 * what.size_bytes, 0, "", 7, 1});
    (void)world.asked<accepted>(client, link_report{what.key(), UINT64_MAX, 0, "", 7, 2});
    CHECK(world.administer<links_reply>(links_request{}).rows.empty());
    (void)world.asked<accepted>(client, link_report{what.key(), 8 * what.size_bytes, 0, "", 7, 3});
    CHECK(world.administer<links_reply>(links_request{}).rows.at(0).bytes_in == 8 * what.size_bytes);
}
