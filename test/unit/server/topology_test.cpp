#include <catch2/catch.hpp>

#include "p2pdist/office/spreadsheet.hpp"
#include "members.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

const std::string topology_sheet =
    "Office,Type,Parent,Subnet\r\n"
    "HQ,Default,,10.0.0.0/24\r\n"
    "B,Default,HQ,10.1.0.0/24\r\n"
    "C,Default,HQ,10.2.0.0/24\r\n";

topology parsed(const std::string& text) {
    const auto out = parse_spreadsheet(text);
    REQUIRE(out);
    return *out;
}

}  // namespace

TEST_CASE("an imported topology is in force, pushed and kept", "[REQ-OFF-5][REQ-ACT-2][REQ-SRV-6]") {
    server_world world;
    auto& client = world.join("10.1.0.5", 1);
    world.run_for(5s);
    client.pushed.clear();
    const auto before = world.asked<heartbeat_reply>(client, heartbeat{}).versions.topology;
    const auto reply = world.administer<topology_import_reply>(topology_import_request{topology_sheet, false});
    CHECK(reply.imported);
    CHECK(reply.offices == 3);
    CHECK(reply.version == before + 1);
    CHECK(reply.refusals.empty());
    world.run_for(5s);
    REQUIRE(client.pushed.size() == 1);
    CHECK(client.pushed[0].topology == reply.version);

    const auto view = world.asked<topology_view>(client, topology_request{});
    CHECK(view.version == reply.version);
    CHECK(parsed(view.spreadsheet).find("B"));
    CHECK(parsed(view.spreadsheet).find("HQ"));
    CHECK_FALSE(parsed(view.spreadsheet).find("C"));  // neither above nor below

    const auto exported = world.administer<topology_export_reply>(topology_export_request{});
    CHECK(parsed(exported.spreadsheet) == parsed(topology_sheet));
    const auto again = world.administer<topology_import_reply>(topology_import_request{exported.spreadsheet, false});
    CHECK(again.imported);
    CHECK(again.version == reply.version);  // export, then import changes nothing
    world.restart_server();
    CHECK(world.administer<topology_export_reply>(topology_export_request{}) == exported);
}

TEST_CASE("a bad spreadsheet is refused with its rows and changes nothing", "[REQ-OFF-5][REQ-SRV-4]") {
    server_world world;
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    const auto before = world.durable;
    const auto bad = world.administer<topology_import_reply>(
        topology_import_request{topology_sheet + "D,Default,Nowhere,10.3.0.0/24\r\nE,Odd,HQ,10.4.0.0/24\r\n", false});
    CHECK_FALSE(bad.imported);
    REQUIRE(bad.refusals.size() == 2);
    CHECK(bad.refusals[0].row == 5);
    CHECK(bad.refusals[0].column == "Parent");
    CHECK(bad.refusals[1].row == 6);
    CHECK(bad.refusals[1].column == "Type");

    const auto elsewhere = world.administer<topology_import_reply>(
        topology_import_request{"Office,Type,Parent,Subnet\r\nHQ,Default,,10.9.0.0/24\r\nB,Default,HQ,10.0.0.0/24\r\n", false});
    CHECK_FALSE(elsewhere.imported);
    REQUIRE(elsewhere.refusals.size() == 1);
    CHECK_THAT(elsewhere.refusals[0].reason, Contains("10.0.0.1"));
    CHECK(world.durable == before);
}

TEST_CASE("checking a topology changes nothing and warns", "[REQ-OFF-5][REQ-SRV-5]") {
    server_world world;
    (void)world.join("10.1.0.5", 1);
    (void)world.join("172.16.0.5", 2);
    world.run_for(5s);
    const auto before = world.durable;
    const auto reply = world.administer<topology_import_reply>(topology_import_request{topology_sheet, true});
    CHECK_FALSE(reply.imported);
    CHECK(reply.offices == 3);
    CHECK(world.durable == before);
    std::string all;
    for (const auto& warning : reply.warnings) all += warning.reason + "\n";
    CHECK_THAT(all, Contains("1 registered clients are in no office") && Contains("no client is in the central office"));
}

TEST_CASE("without a topology one is detected and grows with the clients' subnets", "[REQ-OFF-6][REQ-ACT-2]") {
    server_world world;
    auto& central = world.join("10.0.0.5", 1);
    CHECK(world.administer<topology_export_reply>(topology_export_request{}).version == 1);
    for (std::uint8_t number = 1; number <= 20; ++number)
        (void)world.join(("10.5." + std::to_string(number) + ".5").c_str(), static_cast<std::uint8_t>(number + 1));
    world.run_for(5s);
    const auto grown = world.administer<topology_export_reply>(topology_export_request{});
    CHECK(parsed(grown.spreadsheet).size() == 21);
    CHECK(parsed(grown.spreadsheet).offices()[0].name == "10.0.0.0/24");
    CHECK(grown.version < 10);  // many at once, not one by one
    CHECK(central.pushed.back().topology == grown.version);
    world.restart_server();
    world.run_for(5s);
    CHECK(world.administer<topology_export_reply>(topology_export_request{}) == grown);

    SECTION("it goes on being detected beside an imported one") {
        CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
        (void)world.join("10.77.0.5", 99);
        world.run_for(5s);
        CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{true}).spreadsheet).size() == 22);
        CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{false}).spreadsheet) == parsed(topology_sheet));
    }
    SECTION("an unregistered subnet goes again") {
        auto& last = world.join("10.88.0.5", 98);
        world.run_for(5s);
        CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).size() == 22);
        (void)world.asked<accepted>(last, unregister{});
        world.run_for(5s);
        CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).size() == 21);
    }
}

TEST_CASE("one client that registers with one prefix after the other changes no office of others", "[hostile][REQ-OFF-6][REQ-SRV-4]") {
    server_world world;
    for (const char* where : {"10.0.0.5", "10.1.0.5", "10.1.0.200"}) (void)world.join(where, static_cast<std::uint8_t>(world.commits + 1));
    auto& central = world.join("10.0.0.6", 101);
    auto& branch = world.join("10.1.0.6", 102);
    world.run_for(1min);
    const auto before = world.administer<topology_export_reply>(topology_export_request{});
    REQUIRE(parsed(before.spreadsheet).size() == 2);
    for (auto* liar : {&central, &branch}) {
        for (int bits = 30; bits >= 8; --bits) {
            (void)world.asked<register_reply>(*liar, register_request{{}, liar->where, static_cast<std::uint8_t>(bits), "liar", "1.0"});
            world.run_for(1min);
            CHECK(world.administer<topology_export_reply>(topology_export_request{}) == before);
        }
    }
    world.restart_server();
    world.run_for(1min);
    CHECK(world.administer<topology_export_reply>(topology_export_request{}) == before);
}

TEST_CASE("one client that comes and goes does not have everybody fetch a topology all the time", "[hostile][REQ-OFF-6][REQ-ACT-2]") {
    server_world world;
    (void)world.join("10.0.0.5", 1);
    auto& liar = world.join("10.9.0.6", 2);
    world.run_for(1min);
    const auto before = world.administer<topology_export_reply>(topology_export_request{}).version;
    const auto begun = world.now();
    for (int round = 0; round < 200; ++round) {
        (void)world.asked<accepted>(liar, unregister{});
        const auto bits = static_cast<std::uint8_t>(16 + round % 14);
        (void)world.asked<register_reply>(liar, register_request{{}, liar.where, bits, "liar", "1.0"});
        world.run_for(10s);
    }
    const auto versions = world.administer<topology_export_reply>(topology_export_request{}).version - before;
    const auto minutes = (world.now() - begun) / 1min;
    CHECK(versions <= static_cast<std::uint64_t>(12 + minutes / 5));
    // A new branch has its office in a few minutes all the same.
    (void)world.join("10.77.0.5", 3);
    CHECK(world.run_until([&] {
        return parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).find("10.77.0.0/24").has_value();
    }, 6min));
}

TEST_CASE("one member that asks for the topology again and again is told to come later", "[hostile][REQ-MSG-2][limits]") {
    server_world world;
    auto& liar = world.join("10.0.0.5", 1);
    auto& honest = world.join("10.0.0.6", 2);
    for (int n = 0; n < 4; ++n) (void)world.asked<topology_view>(liar, topology_request{});
    for (int n = 0; n < 100; ++n) CHECK(world.asked<error_reply>(liar, topology_request{}).code == errc::limit_reached);
    CHECK(world.asked<topology_view>(honest, topology_request{}).version == 1);
    // A new version is everybody's at once, and the old one in a while.
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    for (int n = 0; n < 4; ++n) CHECK(world.asked<topology_view>(liar, topology_request{}).version == 2);
    CHECK(world.asked<error_reply>(liar, topology_request{}).code == errc::limit_reached);
    world.run_for(1min);
    CHECK(world.asked<topology_view>(liar, topology_request{}).version == 2);
}

TEST_CASE("a revoked client's office of a detected topology goes with it", "[REQ-OFF-6][REQ-SEC-2]") {
    server_world world;
    auto& liar = world.join("10.9.0.6", 2);
    world.run_for(5s);
    REQUIRE(parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).size() == 2);
    (void)world.administer<accepted>(revoke_request{liar.identity.id, "lied", false});
    world.run_for(5s);
    CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).size() == 1);
}

TEST_CASE("clients in no office are told of the central one, and are reported", "[REQ-OFF-1]") {
    server_world world;
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    auto& alone = world.join("172.16.0.5", 1);
    const auto view = parsed(world.asked<topology_view>(alone, topology_request{}).spreadsheet);
    CHECK(view.size() == 1);
    CHECK(view.offices()[0].name == "HQ");
    CHECK(world.administer<clients_reply>(clients_request{}).rows[0].office.empty());
    const auto health = world.administer<health_reply>(health_request{});
    CHECK(std::any_of(health.findings.begin(), health.findings.end(),
                      [](const health_finding& one) { return one.text.find("1 clients are in no office") == 0; }));
}

TEST_CASE("a large topology reaches clients of all offices and survives loss", "[REQ-MSG-2]") {
    server_world world;
    std::string large = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.0.0.0/24\r\n";
    for (int number = 1; number < 3000; ++number) {
        large += "Office number " + std::to_string(number) + ",Default," + (number < 2000 ? "HQ" : "Office number 1") + ",10." +
                 std::to_string(100 + number / 250) + "." + std::to_string(number % 250) + ".0/24\r\n";
    }
    std::uint64_t count = 0;
    world.loses = [&](const send_datagram&) { return ++count % 19 == 0; };
    CHECK(world.administer<topology_import_reply>(topology_import_request{large, false}).offices == 3000);
    auto& central = world.join("10.0.0.5", 1);
    auto& branch = world.join("10.100.1.5", 2);
    CHECK(parsed(world.asked<topology_view>(central, topology_request{}).spreadsheet).size() == 3000);
    CHECK(parsed(world.asked<topology_view>(branch, topology_request{}).spreadsheet).size() == 1002);
    CHECK(central.large_datagrams > 50);
    // Foreground to the central office, Background to the others (each reply leaves on the pair of its request's direction).
    CHECK(world.server_ports_used.contains(34333));
    CHECK(world.server_ports_used.contains(34341));
    CHECK_FALSE(world.server_ports_used.contains(34331));
}

TEST_CASE("a stored topology that does not hold the server any more is a finding", "[REQ-SRV-4]") {
    server_world world;
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    world.durable.topology.spreadsheet = "Office,Type,Parent,Subnet\r\nHQ,Default,,10.9.0.0/24\r\n";
    world.events.clear();
    world.restart_server();
    REQUIRE_FALSE(world.events.empty());
    CHECK(world.events[0].what == server_event::kind::finding);
    const auto health = world.administer<health_reply>(health_request{});
    CHECK(health.findings[0].severity == 2);
    world.durable.topology.spreadsheet = "nonsense";
    world.restart_server();
    CHECK(parsed(world.administer<topology_export_reply>(topology_export_request{}).spreadsheet).size() == 1);  // the detected one
}

TEST_CASE("where the imported topology cannot be read any more the detected one goes on growing", "[REQ-OFF-6][REQ-ACT-2]") {
    server_world world;
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    auto& central = world.join("10.0.0.5", 1);
    const bool elsewhere = GENERATE(true, false);
    if (elsewhere) (void)world.join("10.7.0.5", 2);
    const auto imported = world.durable.topology.version;
    world.durable.topology.spreadsheet = "x";
    world.restart_server();
    world.run_for(3s);
    const auto detected = world.administer<topology_export_reply>(topology_export_request{});
    CHECK(parsed(detected.spreadsheet).size() == (elsewhere ? 2u : 1u));
    // Clients fetch it: they have the imported one under the former version.
    CHECK(world.asked<heartbeat_reply>(central, heartbeat{}).versions.topology == imported + 1);
    CHECK_FALSE(world.durable.topology.imported);
}

TEST_CASE("an imported topology that this version cannot read is kept, and back when one can", "[REQ-OFF-6][REQ-ACT-2]") {
    server_world world;
    CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
    auto& central = world.join("10.0.0.5", 1);
    const auto imported = world.durable.topology;
    const std::string unread = "Office,Type,Parent,Subnet,Of a later version\nx";
    world.durable.topology.spreadsheet = unread;
    for (int start = 0; start < 2; ++start) {
        world.restart_server();
        world.run_for(3s);
        CHECK(world.durable.topology.unread == unread);
        CHECK_THAT(findings(world), Contains("cannot read the topology that was imported"));
    }
    (void)world.join("10.7.0.5", 2);   // the detected one grows
    world.run_for(3s);
    CHECK(world.durable.topology.unread == unread);
    SECTION("a version that can") {
        world.durable.topology.unread = imported.spreadsheet;
        const auto before = world.durable.topology.version;
        world.restart_server();
        world.run_for(3s);
        CHECK(world.durable.topology == topology_record{before + 1, imported.spreadsheet, true, {}});
        CHECK(world.asked<heartbeat_reply>(central, heartbeat{}).versions.topology == before + 1);
    }
    SECTION("another one") {
        CHECK(world.administer<topology_import_reply>(topology_import_request{topology_sheet, false}).imported);
        CHECK(world.durable.topology.unread.empty());
    }
    CHECK_THAT(findings(world), !Contains("cannot read the topology"));
}
