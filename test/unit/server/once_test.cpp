// What must count once, or mean one thing for ever.

#include <catch2/catch.hpp>

#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("an id keeps its meaning after its content was removed, over a restart too", "[REQ-CLI-6][REQ-SRV-6]") {
    server_world world;
    (void)world.administer<publish_reply>(publish_request{{content("a", 1)}});
    (void)world.administer<accepted>(remove_content_request{content("a", 1).id});
    CHECK(world.administer<contents_reply>(contents_request{}).rows.empty());
    const auto again = GENERATE(false, true);
    if (again) world.restart_server();
    const auto refused = world.administer<error_reply>(publish_request{{content("a", 2)}});
    CHECK(refused.code == errc::already_exists);
    CHECK(refused.text.find("was published before, and removed") != std::string::npos);
    CHECK(world.administer<contents_reply>(contents_request{}).rows.empty());
    // The same content may come back, and counts as published from then on.
    CHECK(world.administer<publish_reply>(publish_request{{content("a", 1)}}).added == 1);
    CHECK(world.durable.removed.empty());
    CHECK(world.administer<error_reply>(publish_request{{content("a", 2)}}).text.find("is published already") != std::string::npos);
}

TEST_CASE("a link report that is repeated counts once, over a restart too", "[REQ-OBS-1][REQ-MSG-1]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    auto& other = world.join("10.0.0.6", 2);
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    const auto key = content("a").key();
    const auto bytes_in = [&] { return world.administer<links_reply>(links_request{}).rows.at(0).bytes_in; };
    for (int repeat = 0; repeat < 3; ++repeat) (void)world.asked<accepted>(client, link_report{key, 100, 0, "", 7, 1});
    CHECK(bytes_in() == 100);
    (void)world.asked<accepted>(client, link_report{key, 10, 0, "", 7, 2});
    (void)world.asked<accepted>(client, link_report{key, 100, 0, "", 7, 1});
    CHECK(bytes_in() == 110);
    world.restart_server();
    (void)world.asked<accepted>(client, link_report{key, 10, 0, "", 7, 2});
    CHECK(bytes_in() == 110);
    (void)world.asked<accepted>(client, link_report{key, 5, 0, "", 8, 1});   // another boot
    (void)world.asked<accepted>(other, link_report{key, 1, 0, "", 7, 1});
    CHECK(bytes_in() == 116);
}
