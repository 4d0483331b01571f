// One office and several: who brings the content in, and how many copies cross which link.

#include <catch2/catch.hpp>

#include "client_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

const char* const office_offices = R"(Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/16
Boston,Default,Central,10.1.0.0/24
Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/24
Remote,VPN,Central,10.200.0.0/16
Quincy,Default,Boston,10.2.0.0/24
)";

world_options office_options() {
    world_options out;
    out.topology = office_offices;
    return out;
}

bool all_complete(const std::vector<std::pair<device*, command_handle>>& fetches) {
    for (const auto& [one, handle] : fetches) {
        if (!one->complete(handle)) return false;
    }
    return true;
}

double copies(const client_world& world, const std::string& office, std::size_t size) {
    return static_cast<double>(world.content_in(office)) / static_cast<double>(size);
}

std::uint64_t total(const source_split& split) {
    std::uint64_t out = 0;
    for (const auto part : split) out += part;
    return out;
}

}  // namespace

TEST_CASE("a client enrols, registers and learns where it belongs", "[REQ-SEC-1][REQ-SRV-2][REQ-OFF-1]") {
    client_world world(office_options());
    auto& one = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    const auto status = one.core().status();
    CHECK(status.enrolled);
    CHECK(status.activated);
    CHECK(status.office == "Boston");
    CHECK(status.office_type == "Default");
    CHECK(status.path == std::vector<std::string>{"Boston", "Central"});
    REQUIRE(one.config.saved_credentials);
    REQUIRE(world.durable.clients.size() == 1);
    CHECK(world.durable.clients.front().id == one.id());

    SECTION("and needs no enrolment key when it starts again") {
        one.stop();
        one.config.enrolment = {};
        one.start();
        CHECK(world.run_until_registered());
    }
}

TEST_CASE("a wrong enrolment key is said in words, and tried again", "[REQ-SEC-1]") {
    client_world world(office_options());
    auto& one = world.add("10.1.0.10");
    one.stop();
    one.config.enrolment = key_of(55);
    one.start();
    world.run_for(6s);
    CHECK(one.core().status().problem.find("another enrolment key: put its present one") != std::string::npos);
    world.run_for(100s);
    CHECK_FALSE(one.core().status().enrolled);
    const auto is_of_enrolment = [](const std::string& text) { return text.find("enrol") != std::string::npos; };
    CHECK(std::count_if(one.notices.begin(), one.notices.end(), is_of_enrolment) == 1);
    CHECK(world.durable.clients.empty());
    one.stop();
    one.config.enrolment = world.enrolment;
    one.start();
    CHECK(world.run_until_registered());
    CHECK(one.core().status().problem.empty());
}

TEST_CASE("what was imported before it was published is reported after", "[REQ-SRV-2]") {
    client_world world(office_options());
    const auto data = some_bytes(mib, 9);
    auto& one = world.add("10.1.0.10");
    world.add("10.1.0.11");
    REQUIRE(world.run_until_registered());
    one.store.files()["/in/app"] = data;
    const auto handle = one.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return one.complete(handle); }));
    world.run_for(10s);
    CHECK(world.durable.holdings.empty());   // the server keeps nothing of contents that it does not know
    world.publish("app", data);
    CHECK(world.run_until([&] { return !world.durable.holdings.empty(); }, 25s));
    REQUIRE(world.durable.holdings.size() == 1);
    CHECK(world.durable.holdings.front().client == one.id());
    CHECK(world.durable.holdings.front().what.state == holding_state::complete);
}

TEST_CASE("a server that does not answer to an enrolment is named after a few seconds", "[REQ-SEC-1][REQ-OBS-1]") {
    client_world world(office_options());
    world.stop_server();
    auto& one = world.add("10.1.0.10");
    world.run_for(4s);
    CHECK(one.core().status().problem.empty());
    world.run_for(2s);
    const auto problem = one.core().status().problem;
    CHECK(problem.starts_with("no answer to the enrolment from "));
    CHECK(problem.find("wrong enrolment key, wrong address, or UDP 34323 blocked") != std::string::npos);
    world.run_for(100s);
    CHECK(std::count(one.notices.begin(), one.notices.end(), problem) == 1);
}

TEST_CASE("one copy crosses the link of an office, and the neighbours share it", "[REQ-RVP-1][REQ-RVP-2][REQ-RVP-4][REQ-SRV-5][REQ-CLI-6]") {
    client_world world(office_options());
    const auto data = some_bytes(4 * mib + 77, 1);
    world.publish("app", data);
    auto& feeder = world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    auto& c = world.add("10.1.0.12", 10);
    REQUIRE(world.run_until_registered());
    std::vector<std::pair<device*, command_handle>> fetches;
    for (auto* one : {&c, &b, &a}) fetches.emplace_back(one, one->fetch("app", "/out/app"));
    REQUIRE(world.run_until([&] { return all_complete(fetches); }));
    for (const auto& [one, handle] : fetches) {
        CHECK(one->store.files().at("/out/app") == data);
        CHECK(total(one->done(handle)->split) == data.size());
    }
    CHECK(copies(world, "Boston", data.size()) < 1.06);
    CHECK(a.share(fetches[2].second, source_kind::ancestor) + b.share(fetches[1].second, source_kind::ancestor) +
              c.share(fetches[0].second, source_kind::ancestor) ==
          data.size());
    CHECK(a.share(fetches[2].second, source_kind::ancestor) == data.size());  // best in rank
    // The central client got it from the server, on behalf of Boston.
    CHECK(world.run_until([&] { return feeder.core().contents().size() == 1 && feeder.core().contents().front().whole; }));
    // The server knows who holds it.
    CHECK(world.run_until([&] {
        std::size_t complete = 0;
        for (const auto& held : world.durable.holdings) complete += held.what.state == holding_state::complete ? 1U : 0U;
        return complete == 4;
    }));
    // And what crossed the link.
    CHECK(world.run_until([&] {
        for (const auto& line : world.durable.links) {
            if (line.office == "Boston" && line.bytes_in == data.size()) return true;
        }
        return false;
    }));
}

TEST_CASE("what crossed a link is told again where the server's database could not take it", "[REQ-OBS-1][REQ-SRV-6]") {
    client_world world(office_options());
    const auto data = some_bytes(mib, 15);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10");
    REQUIRE(world.run_until_registered());
    int failed = 0;
    world.commit_fails = [&](const catalogue_request& request) {
        const bool of_link = std::ranges::any_of(request.changes, [](const auto& change) { return std::holds_alternative<add_link_bytes>(change); });
        return of_link && ++failed < 4;
    };
    const auto fetched = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(fetched); }));
    CHECK(world.run_until([&] { return !world.durable.links.empty(); }, 600s));
    world.run_for(300s);
    CHECK(failed == 4);
    std::uint64_t in = 0;
    for (const auto& line : world.durable.links) in += line.bytes_in;
    CHECK(in == data.size());   // once
}

TEST_CASE("a chain of offices is fed office by office, Wi-Fi from its wired parent", "[REQ-OFF-2][REQ-OFF-4][REQ-RVP-2][REQ-SRC-1]") {
    client_world world(office_options());
    const auto data = some_bytes(3 * mib, 2);
    world.publish("app", data);
    world.add("10.0.0.20");
    world.add("10.1.0.10", 30);
    auto& w1 = world.add("10.1.128.10", 30);
    auto& w2 = world.add("10.1.128.11", 20);
    auto& q = world.add("10.2.0.10", 30);
    REQUIRE(world.run_until_registered());
    std::vector<std::pair<device*, command_handle>> fetches;
    for (auto* one : {&w2, &w1, &q}) fetches.emplace_back(one, one->fetch("app"));
    REQUIRE(world.run_until([&] { return all_complete(fetches); }));
    CHECK(copies(world, "Boston", data.size()) < 1.06);
    CHECK(copies(world, "Boston Wi-Fi", data.size()) < 1.06);
    CHECK(copies(world, "Quincy", data.size()) < 1.06);
}

TEST_CASE("VPN clients fetch from the parent, share nothing and serve nobody", "[REQ-OFF-3]") {
    client_world world(office_options());
    const auto data = some_bytes(2 * mib, 3);
    world.publish("app", data);
    auto& feeder = world.add("10.0.0.20");
    auto& v1 = world.add("10.200.0.10", 30);
    auto& v2 = world.add("10.200.0.11", 20);
    REQUIRE(world.run_until_registered());
    std::vector<std::pair<device*, command_handle>> fetches{{&v1, v1.fetch("app")}, {&v2, v2.fetch("app")}};
    REQUIRE(world.run_until([&] { return all_complete(fetches); }));
    for (const auto& [one, handle] : fetches) {
        CHECK(one->share(handle, source_kind::ancestor) == data.size());
        CHECK(one->share(handle, source_kind::office) == 0);
    }
    CHECK(copies(world, "Remote", data.size()) > 1.9);
    CHECK(copies(world, "Remote", data.size()) < 2.1);
    CHECK(feeder.source_ports.contains(34546));    // what a client that serves sends from
    for (auto* one : {&v1, &v2}) {
        CHECK_FALSE(one->source_ports.contains(34546));
        CHECK_FALSE(one->source_ports.contains(34760));  // nor is anything asked of a neighbour
    }
}

TEST_CASE("a device that comes from a VPN into an office gets there what it waited for", "[REQ-OFF-1][REQ-OFF-3][REQ-RVP-1]") {
    client_world world(office_options());
    const auto data = some_bytes(2 * mib, 4);
    world.publish("app", data, false);
    auto& holder = world.add("10.1.0.10", 30);
    auto& one = world.add("10.200.0.10", 20);
    REQUIRE(world.run_until_registered());
    holder.store.files()["/in/app"] = data;
    const auto imported = holder.import("/in/app", "app");
    REQUIRE(world.run_until([&] { return holder.complete(imported); }));
    const auto fetched = one.fetch("app");
    world.run_for(30s);
    REQUIRE_FALSE(one.done(fetched));   // it is not below that office
    world.loses = [](const ip_address&, const send_datagram& what) { return what.broadcast; };
    one.where = address("10.1.0.20");
    one.with([&](client_core& core) {
        core.set_address(world.now(), one.where, 24, std::nullopt);
        return 0;
    });
    REQUIRE(world.run_until([&] { return one.complete(fetched); }, 10s));
    CHECK(one.share(fetched, source_kind::office) == data.size());
}

TEST_CASE("the next in rank takes over from the chunks that the office has", "[REQ-RVP-3][REQ-RVP-2]") {
    auto options = office_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(12 * mib, 4);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    auto& c = world.add("10.1.0.12", 10);
    REQUIRE(world.run_until_registered());
    const auto of_b = b.fetch("app");
    const auto of_c = c.fetch("app");
    REQUIRE(world.run_until([&] { return b.progress["app"].verified_bytes > data.size() / 2; }));
    CHECK(a.core().explain(id_of_text("app"))->acting_is_self);
    const auto before = world.now();
    a.stop();
    REQUIRE(world.run_until([&] { return b.core().explain(id_of_text("app"))->acting_is_self; }, 15s));
    CHECK(world.now() - before < 10s);
    REQUIRE(world.run_until([&] { return b.complete(of_b) && c.complete(of_c); }));
    CHECK(copies(world, "Boston", data.size()) < 1.12);
    CHECK(c.share(of_c, source_kind::ancestor) == 0);

    SECTION("and who comes back does not displace it, but takes its share") {
        a.start();
        const auto of_a = a.fetch("app");
        REQUIRE(world.run_until([&] { return a.complete(of_a); }));
        CHECK(a.share(of_a, source_kind::ancestor) == 0);
        CHECK(a.share(of_a, source_kind::store) > 0);
        CHECK(copies(world, "Boston", data.size()) < 1.12);
    }
}

TEST_CASE("a rendezvous point that comes back while its successor downloads follows it", "[REQ-RVP-3]") {
    auto options = office_options();
    options.wan_bits_per_second = 8e6;
    client_world world(options);
    const auto data = some_bytes(12 * mib, 5);
    world.publish("app", data);
    world.add("10.0.0.20");
    auto& a = world.add("10.1.0.10", 30);
    auto& b = world.add("10.1.0.11", 20);
    REQUIRE(world.run_until_registered());
    const auto of_b = b.fetch("app");
    (void)a.fetch("app");
    REQUIRE(world.run_until([&] { return b.progress["app"].verified_bytes > data.size() / 4; }));
    a.stop();
    REQUIRE(world.run_until([&] { return b.core().explain(id_of_text("app"))->acting_is_self; }, 15s));
    a.start();
    const auto of_a = a.fetch("app");
    REQUIRE(world.run_until([&] { return a.complete(of_a) && b.complete(of_b); }));
    CHECK(a.share(of_a, source_kind::ancestor) == 0);
    CHECK(copies(world, "Boston", data.size()) < 1.12);
}
