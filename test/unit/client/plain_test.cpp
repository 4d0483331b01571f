// Contents that are passed on only when they are whole.

#include <catch2/catch.hpp>

#include "client_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("an honest rendezvous point that needs minutes for a plain content is not passed over", "[REQ-RVP-1][REQ-RVP-2][REQ-SEC-3]") {
    world_options options;
    options.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";
    options.wan_bits_per_second = 4e6;
    client_world world(std::move(options));
    const auto data = some_bytes(40 * mib, 3);   // about a minute and a half
    const auto content = world.publish("app", data, true, hash_kind::sha256);
    (void)world.add("10.0.0.10");
    std::vector<std::pair<device*, command_handle>> fetches;
    std::vector<device*> boston;
    for (int number = 10; number < 13; ++number) boston.push_back(&world.add("10.1.0." + std::to_string(number)));
    REQUIRE(world.run_until_registered());
    for (auto* one : boston) fetches.emplace_back(one, one->fetch("app"));
    REQUIRE(world.run_until([&] { return std::ranges::all_of(fetches, [](const auto& item) { return item.first->complete(item.second); }); }, 300s));
    CHECK(static_cast<double>(world.content_in("Boston")) < 1.1 * static_cast<double>(data.size()));
    for (const auto* one : boston) {
        for (const auto& notice : one->notices) CHECK(notice.find("took over") == std::string::npos);
    }
}
