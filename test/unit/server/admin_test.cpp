#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

const health_finding* find(const health_reply& health, const std::string& subject) {
    const auto at =
        std::find_if(health.findings.begin(), health.findings.end(), [&](const health_finding& one) { return one.subject == subject; });
    return at == health.findings.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("the health check says what is wrong and how to mend it", "[REQ-CON-1][REQ-SRV-5][REQ-ACT-1]") {
    server_world world;
    auto health = world.administer<health_reply>(health_request{});
    CHECK(health.offices == 1);
    REQUIRE(find(health, "activation") != nullptr);
    CHECK_THAT(find(health, "activation")->text, Contains("p2pdist-admin activate"));
    REQUIRE(find(health, "central office") != nullptr);
    CHECK(find(health, "central office")->severity == 2);

    (void)world.administer<activate_reply>(activate_request{"K", 1});
    (void)world.join("10.0.0.5", 1);
    (void)world.join("10.0.0.6", 2);
    world.run_for(10s);
    health = world.administer<health_reply>(health_request{});
    CHECK(health.activated);
    CHECK(health.clients_registered == 2);
    CHECK(health.clients_active == 2);
    CHECK(health.uptime_s >= 10);
    for (const auto& one : health.findings) {
        INFO(one.subject << ": " << one.text);
        CHECK(one.severity == 0);  // a surplus of licences is no warning (ACT-3)
    }
    world.run_for(200s);
    health = world.administer<health_reply>(health_request{});
    CHECK(find(health, "central office")->severity == 2);
    CHECK_THAT(find(health, "central office")->text, Contains("no client of the central office"));
}

TEST_CASE("a commit that hangs shows in the health check", "[REQ-CON-1][REQ-DB-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.connect();
    world.hold_commits = true;
    (void)world.send(client, unregister{});
    world.run_for(10s);
    const auto health = world.administer<health_reply>(health_request{});
    REQUIRE(find(health, "database") != nullptr);
    CHECK(find(health, "database")->severity == 1);
    CHECK(world.server().statistics().catalogue_pending == 1);
}

TEST_CASE("settings are known, checked, versioned and told to clients", "[REQ-SRC-2][REQ-RANK-7]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    const auto start = world.asked<settings_reply>(client, settings_request{}).version;
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"cdn", "ftp://host/x"},
                                                                                     {"cdn", "http://"},
                                                                                     {"cdn", "https:///path"},
                                                                                     {"cdn", "http://user:secret@host/x"},
                                                                                     {"cdn", "http://host/a b"},
                                                                                     {"ranking.free_storage_step", "0"},
                                                                                     {"ranking.free_storage_step", "-1"},
                                                                                     {"ranking.free_storage_step", "1.5.5 GiB"},
                                                                                     {"ranking.free_storage_step", "1 gigabyte"},
                                                                                     {"ranking.free_storage_step", "99999999 TiB"},
                                                                                     {"ranking.uptime_step", "1 week"},
                                                                                     {"ranking.uptime_step", "0s"},
                                                                                     {"fallback_bytes_per_second", "fast"},
                                                                                     {"fallback_bytes_per_second", "1 mb"}}) {
        INFO(key << " = " << value);
        CHECK(world.administer<error_reply>(settings_set_request{key, value}).code == errc::invalid_argument);
    }
    const auto unknown = world.administer<error_reply>(settings_set_request{"colour", "blue"});
    CHECK(unknown.code == errc::not_found);
    CHECK_THAT(unknown.text, Contains("cdn") && Contains("ranking.uptime_step"));

    (void)world.administer<accepted>(settings_set_request{"cdn", "https://cdn.example/apps/"});
    (void)world.administer<accepted>(settings_set_request{"ranking.uptime_step", "2 h"});
    (void)world.administer<accepted>(settings_set_request{"ranking.uptime_step", "2 h"});
    const auto told = world.asked<settings_reply>(client, settings_request{});
    CHECK(told.version == start + 2);
    CHECK(told.settings ==
          std::vector<std::pair<std::string, std::string>>{{"cdn", "https://cdn.example/apps/"}, {"ranking.uptime_step", "2 h"}});
    world.run_for(5s);
    REQUIRE_FALSE(client.pushed.empty());
    CHECK(client.pushed.back().settings == told.version);
    (void)world.administer<accepted>(settings_set_request{"cdn", ""});
    CHECK(world.administer<settings_reply>(settings_show_request{}).settings.size() == 1);
    (void)world.administer<accepted>(settings_set_request{"fallback_bytes_per_second", "0"});
    (void)world.administer<accepted>(settings_set_request{"fallback_bytes_per_second", "2 MiB"});
    CHECK(world.asked<settings_reply>(client, settings_request{}).settings.front() ==
          std::pair<std::string, std::string>{"fallback_bytes_per_second", "2 MiB"});
    world.restart_server();
    CHECK(world.asked<settings_reply>(client, settings_request{}).version == start + 5);
}

TEST_CASE("clients and offices are listed", "[REQ-SRV-2][REQ-RVP-1]") {
    server_world world;
    const auto text = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/24\r\nB,Wi-Fi,HQ,10.1.0.0/24\r\nV,VPN,HQ,10.2.0.0/24\r\n";
    CHECK(world.administer<topology_import_reply>(topology_import_request{text, false}).imported);
    device_profile roomy;
    roomy.free_storage_bytes = std::uint64_t{500} << 30;
    (void)world.join("10.0.0.5", 1);
    auto& best = world.join("10.0.0.6", 2, roomy);
    (void)world.join("10.2.0.5", 3);
    const auto clients = world.administer<clients_reply>(clients_request{}).rows;
    REQUIRE(clients.size() == 3);
    const auto row = std::find_if(clients.begin(), clients.end(), [&](const client_row& one) { return one.id == best.identity.id; });
    REQUIRE(row != clients.end());
    CHECK(row->address == address("10.0.0.6"));
    CHECK(row->office == "HQ");
    CHECK(row->host_name == "host2");
    CHECK(row->profile == roomy);
    CHECK(row->active);
    const auto offices = world.administer<offices_reply>(offices_request{}).rows;
    REQUIRE(offices.size() == 3);
    CHECK(offices[0] == office_row{"HQ", "Default", "", 2, 2, best.identity.id.to_string() + " 10.0.0.6"});
    CHECK(offices[1] == office_row{"B", "Wi-Fi", "HQ", 0, 0, ""});
    CHECK(offices[2] == office_row{"V", "VPN", "HQ", 1, 1, ""});
}

TEST_CASE("clients may not ask what connectors may, and the other way round", "[REQ-SEC-1][REQ-CON-2]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    for (const auto& body :
         std::vector<message_body>{activate_request{"K", 1}, publish_request{{content("a")}}, topology_import_request{"x", false},
                                   settings_set_request{"cdn", ""}, clients_request{}, want_request{content("a"), "HQ", false}}) {
        INFO(name_of(body));
        CHECK(world.asked<error_reply>(client, body).code == errc::refused);
    }
    for (const auto& body : std::vector<message_body>{register_request{}, heartbeat{}, locate_request{content("a").key()}}) {
        INFO(name_of(body));
        CHECK(world.administer<error_reply>(body).code == errc::refused);
    }
    CHECK(world.durable.contents.empty());
}

TEST_CASE("a request outlives its channel and takes effect once", "[REQ-CON-1]") {
    server_world world;
    auto& connector = world.connect();
    world.hold_commits = true;
    const auto handle = connector.core->request(world.now(), publish_request{{content("a")}});
    world.run_for(1s);
    world.cut(connector);
    world.release_commits();  // its answer finds no channel
    world.run_for(2s);
    CHECK_FALSE(connector.answers.contains(handle));
    world.reopen(connector);
    CHECK(world.run_until([&] { return connector.answers.contains(handle); }, 20s));
    CHECK(std::get<publish_reply>(connector.answers.at(handle).value()) == publish_reply{1, 0});  // the answer of then, not another try
    CHECK(world.durable.contents.size() == 1);
}

TEST_CASE("the oldest channel is closed when there are too many", "[REQ-CON-2][limits]") {
    server_world world;
    for (std::size_t number = 0; number < limits::server_channels_max; ++number) {
        (void)world.connect(("10.0.9." + std::to_string(number + 1)).c_str());
    }
    CHECK(world.closed_by_server.empty());
    auto& last = world.connect("10.0.10.1");
    CHECK(world.closed_by_server == std::vector{channel_id{1}});
    CHECK(std::holds_alternative<health_reply>(world.ask(last, health_request{})));
}

TEST_CASE("too many changes at a time are refused", "[limits]") {
    server_world world;
    auto& connector = world.connect();
    world.hold_commits = true;
    std::vector<connector_handle> handles;
    for (std::size_t number = 0; number < limits::server_admin_pending_max + 10; ++number) {
        handles.push_back(connector.core->request(world.now(), settings_set_request{"ranking.uptime_step", std::to_string(number + 1)}));
        world.run_for(5ms);
    }
    world.run_for(2s);
    const auto refused = std::count_if(connector.answers.begin(), connector.answers.end(), [](const auto& entry) {
        const auto* reply = entry.second ? std::get_if<error_reply>(&*entry.second) : nullptr;
        return reply != nullptr && reply->code == errc::limit_reached;
    });
    CHECK(refused == 9);  // one is at the database
    world.release_commits();
    CHECK(world.run_until([&] { return connector.answers.size() == handles.size(); }));
}

TEST_CASE("pushes are spread over seconds", "[REQ-ACT-1]") {
    server_world world;
    std::vector<test_client*> clients;
    for (int number = 0; number < 100; ++number) {
        clients.push_back(&world.join(("10.0.0." + std::to_string(number + 10)).c_str(), static_cast<std::uint8_t>(number + 101)));
    }
    (void)world.connect();
    const auto told = [&] {
        return std::count_if(clients.begin(), clients.end(), [](const test_client* one) { return !one->pushed.empty(); });
    };
    (void)world.administer<activate_reply>(activate_request{"K", 1});
    CHECK(told() < 60);
    world.run_for(5s);
    CHECK(told() == 100);
}

TEST_CASE("two connectors behind one address get their own large answers", "[REQ-CON-1][REQ-MSG-2]") {
    server_world world;
    std::string sheet = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/24\r\n";
    for (int number = 1; number < 200; ++number) sheet += "B" + std::to_string(number) + ",Default,HQ,10.1." + std::to_string(number) + ".0/24\r\n";
    auto& first = world.connect("10.0.9.1");
    auto& second = world.connect("10.0.9.1");
    CHECK(std::get<topology_import_reply>(world.ask(second, topology_import_request{sheet, false})).imported);
    const auto asked = first.core->request(world.now(), topology_export_request{});
    const auto too = second.core->request(world.now(), topology_export_request{});
    REQUIRE(world.run_until([&] { return first.answers.contains(asked) && second.answers.contains(too); }, 100s));
    for (const auto& answer : {first.answers.at(asked), second.answers.at(too)}) {
        REQUIRE(answer.has_value());
        CHECK(std::get<topology_export_reply>(*answer).spreadsheet.size() > 4000);
    }
}
