#include "p2pdist/wire/port_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace p2pdist;

namespace {

using ports = std::pair<int, int>;

ports numbers(port_pair pair) {
    const port_plan plan;
    return {plan[pair.from], plan[pair.to]};
}

constexpr auto fg = transfer_protocol::foreground;
constexpr auto bg = transfer_protocol::background;

/// The plan of MSG-4 once more, by hand: who sends to whom on which destination port.
struct row {
    role from;
    role to;
    int port;
};
const std::vector<row> listed{
    {role::client, role::server, 34322},    {role::client, role::server, 34323},    {role::client, role::server, 34331},
    {role::client, role::server, 34333},    {role::client, role::server, 34339},    {role::client, role::server, 34341},
    {role::server, role::client, 34324},    {role::server, role::client, 34325},    {role::server, role::client, 34335},
    {role::server, role::client, 34337},    {role::server, role::client, 34343},    {role::server, role::client, 34345},
    {role::client, role::client, 34324},    {role::client, role::client, 34325},    {role::client, role::client, 34335},
    {role::client, role::client, 34337},    {role::client, role::client, 34343},    {role::client, role::client, 34345},
    {role::client, role::client, 34329},    {role::server, role::client, 34760},    {role::client, role::client, 34760},
    {role::client, role::client, 34750},    {role::client, role::server, 34545},    {role::client, role::client, 34546},
    {role::connector, role::server, 34323}, {role::server, role::connector, 34320},
};

bool is_listed(role from, role to, int port) {
    return std::any_of(listed.begin(), listed.end(),
                       [&](const row& each) { return each.from == from && each.to == to && each.port == port; });
}

std::vector<port_use> all_uses() {
    std::vector<port_use> out;
    for (std::size_t i = 0; i < port_use_count; ++i) out.push_back(static_cast<port_use>(i));
    return out;
}

}  // namespace

TEST_CASE("Every listed port is bound by the role that it is listed for", "[REQ-MSG-4]") {
    const port_plan plan;
    std::set<port_use> seen;
    for (const auto& each : listed) {
        CAPTURE(each.port);
        const auto use = plan.use_of(static_cast<std::uint16_t>(each.port));
        REQUIRE(use);
        CHECK(plan[*use] == each.port);
        CHECK(binder_of(*use) == each.to);
        seen.insert(*use);
    }
    CHECK(seen.size() == port_use_count);
    CHECK_FALSE(plan.use_of(34321));
    CHECK_FALSE(plan.use_of(0));
}

TEST_CASE("Each exchange has its port pair", "[REQ-MSG-4]") {
    CHECK(numbers(small_pair(role::client, role::server)) == ports{34324, 34323});
    CHECK(numbers(small_pair(role::server, role::client)) == ports{34322, 34325});
    CHECK(numbers(small_pair(role::client, role::client)) == ports{34324, 34325});
    CHECK(numbers(small_pair(role::connector, role::server)) == ports{34320, 34323});
    CHECK(numbers(small_pair(role::server, role::connector)) == ports{34323, 34320});

    CHECK(numbers(large_pair(role::client, role::server, fg)) == ports{34335, 34333});
    CHECK(numbers(large_pair(role::client, role::server, bg)) == ports{34343, 34341});
    CHECK(numbers(large_pair(role::server, role::client, fg)) == ports{34331, 34337});
    CHECK(numbers(large_pair(role::server, role::client, bg)) == ports{34339, 34345});
    CHECK(numbers(large_pair(role::client, role::client, fg)) == ports{34335, 34337});
    CHECK(numbers(large_pair(role::client, role::client, bg)) == ports{34343, 34345});
    CHECK(numbers(large_pair(role::connector, role::server, fg)) == ports{34320, 34323});
    CHECK(numbers(large_pair(role::connector, role::server, bg)) == ports{34320, 34323});

    CHECK(numbers(content_pair(role::client, fg)) == ports{34760, 34546});
    CHECK(numbers(content_pair(role::client, bg)) == ports{34750, 34546});
    CHECK(numbers(content_pair(role::server, fg)) == ports{34760, 34545});
}

TEST_CASE("Both ways of every pair go to listed ports", "[REQ-MSG-4]") {
    const auto check = [](role from, role to, port_pair pair) {
        const port_plan plan;
        CAPTURE(plan[pair.from], plan[pair.to]);
        CHECK(binder_of(pair.from) == from);
        CHECK(binder_of(pair.to) == to);
        CHECK(is_listed(from, to, plan[pair.to]));
        CHECK(is_listed(to, from, plan[pair.from]));
    };
    const std::vector<std::pair<role, role>> speakers{
        {role::client, role::server}, {role::server, role::client}, {role::client, role::client}, {role::connector, role::server}};
    for (const auto& [from, to] : speakers) {
        check(from, to, small_pair(from, to));
        for (const auto protocol : {fg, bg}) check(from, to, large_pair(from, to, protocol));
    }
    check(role::client, role::server, content_pair(role::server, fg));
    check(role::client, role::client, content_pair(role::client, fg));
    check(role::client, role::client, content_pair(role::client, bg));
}

TEST_CASE("The whole plan moves by an offset", "[REQ-MSG-5]") {
    const port_plan defaults;
    const auto moved = port_plan::with_offset(1000).value();
    for (const auto use : all_uses()) CHECK(moved[use] == defaults[use] + 1000);
    CHECK(moved.use_of(35323) == port_use::server_small_in);
    CHECK_FALSE(moved.use_of(34323));
    CHECK(port_plan::with_offset(0).value() == defaults);

    CHECK(port_plan::with_offset(1024 - 34320).value()[port_use::connector_reply] == 1024);
    CHECK(port_plan::with_offset(65535 - 34760).value()[port_use::content_fg] == 65535);
    for (const auto offset : {1023 - 34320, 65536 - 34760, INT32_MIN, INT32_MAX}) {
        const auto refused = port_plan::with_offset(offset);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
    }
}

TEST_CASE("Single ports can be changed, and stay distinct", "[REQ-MSG-5]") {
    port_plan plan;
    REQUIRE(plan.set(port_use::broadcast, 40000));
    CHECK(plan[port_use::broadcast] == 40000);
    CHECK(plan.use_of(40000) == port_use::broadcast);
    CHECK_FALSE(plan.use_of(34329));
    CHECK(plan != port_plan());
    CHECK(plan.set(port_use::broadcast, 40000));
    CHECK_FALSE(plan.set(port_use::broadcast, 0));
    const auto taken = plan.set(port_use::content_bg, 34323);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().message.find("server_small_in") != std::string::npos);
    CHECK(plan[port_use::content_bg] == 34750);
    CHECK(plan.set(port_use::content_bg, 34329));  // free since broadcast moved
    CHECK(plan.set(port_use::broadcast, 80));
}

TEST_CASE("Port uses have names in the configuration", "[REQ-MSG-5]") {
    std::set<std::string_view> names;
    for (const auto use : all_uses()) {
        CHECK(parse_port_use(to_string(use)) == use);
        names.insert(to_string(use));
    }
    CHECK(names.size() == port_use_count);
    CHECK(to_string(port_use::client_small_in) == "client_small_in");
    CHECK_FALSE(parse_port_use("client_small"));
    CHECK_FALSE(parse_port_use(""));
}
