#include <catch2/catch.hpp>

#include <algorithm>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/prediction.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

sim::roll_out_plan small_plan() {
    sim::roll_out_plan plan(test::demo_offices());
    plan.content_bytes = 4 << 20;
    for (const auto& each : plan.offices.offices()) {
        plan.clients[each.name] = 2;
        plan.who.push_back(each.name);
    }
    return plan;
}

const sim::office_prediction& row_of(const sim::prediction& what, const std::string& office) {
    return *std::find_if(what.offices.begin(), what.offices.end(), [&](const auto& each) { return each.office == office; });
}

const sim::remedy* remedy_of(const sim::prediction& what, sim::remedy_kind kind) {
    const auto found = std::find_if(what.remedies.begin(), what.remedies.end(), [&](const auto& each) { return each.kind == kind; });
    return found == what.remedies.end() ? nullptr : &*found;
}

/// Central with a client, and more offices of two.
sim::roll_out_plan plan_of(const std::string& rows, std::uint64_t bytes) {
    sim::roll_out_plan plan(*parse_spreadsheet("Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n" + rows));
    plan.content_bytes = bytes;
    for (const auto& each : plan.offices.offices()) {
        plan.clients[each.name] = each.name == "Central" ? 1 : 2;
        plan.who.push_back(each.name);
    }
    return plan;
}

}  // namespace

TEST_CASE("a slow line is the bottleneck, of its office and of the offices below, and a faster one would help", "[sim]") {
    auto plan = small_plan();
    plan.network.offices["Boston"].wan_down = sim::line(5, 10ms);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    for (const auto* office : {"Boston", "Boston Wi-Fi"}) {
        INFO(office);
        const auto& row = row_of(found, office);
        CHECK(row.waits_for.kind == sim::limit_kind::line_down);
        CHECK(row.waits_for.office == "Boston");
        CHECK(row.waits_for.use > 0.6);
        CHECK(row.ideal > 6700ms);
        CHECK(row.ideal < 6720ms);
        CHECK(*row.last > row.ideal);
    }
    CHECK(row_of(found, "Delft").waits_for.office != "Boston");
    CHECK(found.bottleneck.kind == sim::limit_kind::line_down);
    CHECK(found.bottleneck.text.find("the line of Boston from its parent (down, 5.0 Mbit/s)") != std::string::npos);
    REQUIRE_FALSE(found.remedies.empty());
    const auto* faster = remedy_of(found, sim::remedy_kind::line_rate);
    REQUIRE(faster);
    CHECK(faster->change == "twice the rate of Boston's line from its parent (down: 10.0 Mbit/s)");
    CHECK(faster->took < found.took * 7 / 10);
    CHECK(std::is_sorted(found.remedies.begin(), found.remedies.end(), [](const auto& left, const auto& right) { return left.took < right.took; }));
}

TEST_CASE("a prediction's samples cover the roll-out, grow, and end with everything", "[sim]") {
    auto plan = small_plan();
    plan.network.wan_down = sim::line(0.5, 10ms);   // slow enough that samples are thinned out
    const auto found = sim::predict(plan);
    REQUIRE(found.complete);
    CHECK(found.sample_interval == 200ms);
    for (const auto& office : found.offices) {
        INFO(office.office);
        REQUIRE(office.share.size() <= 402);
        CHECK(found.sample_interval * static_cast<int>(office.share.size() - 1) >= found.took);
        CHECK(office.share.front() == 0.0F);
        CHECK(office.share.back() == Approx(1.0F));
        CHECK(std::is_sorted(office.share.begin(), office.share.end()));
    }
    for (const auto& line : found.lines) {
        INFO(line.office);
        CHECK(line.use.size() == found.offices.front().share.size());
        CHECK(std::all_of(line.use.begin(), line.use.end(), [](float use) { return use >= 0 && use <= 1; }));
        CHECK(line.copies > 1.0);
        CHECK(line.copies < 1.1);
    }
}

TEST_CASE("an office that has the package beforehand needs its line for nothing but words", "[sim]") {
    auto plan = small_plan();
    plan.prepared = {"Delft"};
    const auto found = sim::predict(plan);
    REQUIRE(found.complete);
    const auto line = std::find_if(found.lines.begin(), found.lines.end(), [](const auto& each) { return each.office == "Delft"; });
    CHECK(line->copies < 0.05);
    CHECK(row_of(found, "Delft").ideal < 50ms);   // a copy within its LAN
}

TEST_CASE("branches that end together are helped together", "[sim]") {
    auto plan = plan_of("A,Default,Central,10.1.0.0/24\nB,Default,Central,10.2.0.0/24\nC,Default,B,10.3.0.0/24\n", 3 << 20);
    plan.network.wan_down = plan.network.wan_up = sim::line(4, 10ms);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::line_down);
    const auto* faster = remedy_of(found, sim::remedy_kind::line_rate);
    REQUIRE(faster);
    CHECK(faster->offices == std::vector<std::string>{"A", "B", "C"});
    CHECK(faster->direction == "down");
    CHECK(faster->took < found.took * 7 / 10);
    const auto* prepared = remedy_of(found, sim::remedy_kind::prepared);
    REQUIRE(prepared);
    CHECK(prepared->offices.size() == 3);
    CHECK(found.no_advice.empty());
}

TEST_CASE("an uplink that starves is named with its direction", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 4 << 20);
    plan.network.offices["Oslo"].wan_down = sim::line(100, 10ms);
    plan.network.offices["Oslo"].wan_up = sim::line(0.064, 10ms);
    const auto found = sim::predict_with_advice(plan);
    CHECK(found.bottleneck.kind == sim::limit_kind::line_up);
    CHECK(found.bottleneck.text.find("to its parent (up, 0.064 Mbit/s)") != std::string::npos);
    CHECK(found.lines.front().up_use > found.lines.front().down_use);
    const auto* faster = remedy_of(found, sim::remedy_kind::line_rate);
    REQUIRE(faster);
    CHECK(faster->direction == "up");
}

TEST_CASE("the air of a Wi-Fi office is named, and its rate and cables are tried", "[sim]") {
    auto plan = plan_of("Air,Wi-Fi,Central,10.1.0.0/24\n", 4 << 20);
    plan.clients["Air"] = 4;
    plan.network.wifi->bytes_per_second = 2'500'000;
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::air);
    CHECK(found.bottleneck.office == "Air");
    CHECK(remedy_of(found, sim::remedy_kind::air_rate));
    REQUIRE(remedy_of(found, sim::remedy_kind::wired));
    const auto air = std::find_if(found.insides.begin(), found.insides.end(), [](const auto& each) { return each.office == "Air"; });
    REQUIRE(air != found.insides.end());
    CHECK(air->wireless);
    CHECK(air->mean_use > 0.6);
    // One crossing from the router and two for each of three more devices, each 32 kB with 150 us before them.
    const auto each_byte = 1 / 2.5e6 + 150e-6 / 32'000;
    CHECK(to_seconds(row_of(found, "Air").ideal) == Approx(7 * each_byte * (4 << 20)).epsilon(0.001));
    CHECK(*row_of(found, "Air").last > row_of(found, "Air").ideal);
}

TEST_CASE("a slow LAN is named, counts in the ideal, and twice its rate helps", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 2 << 20);
    plan.network.lan = sim::line(5, 50us, 5ms);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::lan);
    for (const auto* office : {"Central", "Oslo"}) CHECK(to_seconds(row_of(found, office).ideal) == Approx((2 << 20) / 625'000.0).epsilon(0.001));
    const auto* faster = remedy_of(found, sim::remedy_kind::lan_rate);
    REQUIRE(faster);
    CHECK(faster->offices.size() == 2);
    CHECK(faster->took < found.took * 7 / 10);
}

TEST_CASE("the ideal time counts what a line loses, and its policer", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 1 << 20);
    auto line = sim::line(50, 10ms);
    line.policer = {1'000'000, 30'000};
    line.loss = 0.2;
    plan.network.offices["Oslo"].wan_down = line;
    plan.limit = 100ms;
    auto alone = plan_of("Home,VPN,Central,10.1.0.0/24\n", 1 << 20);
    alone.network.wan_down = sim::line(8, 10ms);
    alone.limit = 100ms;
    CHECK(to_seconds(row_of(sim::predict(alone), "Home").ideal) == Approx(2 * (1 << 20) / 1e6).epsilon(0.001));   // a copy for each device
    const auto found = sim::predict(plan);
    CHECK(to_seconds(row_of(found, "Oslo").ideal) == Approx((1 << 20) / 800'000.0).epsilon(0.001));
    CHECK_FALSE(found.complete);
    CHECK(found.simulated >= 100ms);
    CHECK(found.simulated < 110ms);
}

TEST_CASE("the busiest is not blamed where wider it helps nobody", "[sim]") {
    auto plan = plan_of("Air,Wi-Fi,Central,10.1.0.0/24\n", 4 << 20);
    plan.clients["Air"] = 1;   // datagram by datagram, the air spends most of its time on overhead
    plan.network.offices["Air"].wan_down = sim::line(40, 5ms);
    plan.network.wifi->overhead = 220us;
    const auto measured = sim::predict(plan);
    CHECK(measured.bottleneck.kind == sim::limit_kind::air);
    const auto found = sim::predict_with_advice(plan);
    CHECK(found.bottleneck.kind == sim::limit_kind::line_down);
    CHECK(found.bottleneck.office == "Air");
    CHECK(remedy_of(found, sim::remedy_kind::line_rate));
}

TEST_CASE("loss is blamed where a trial without it is faster, and not else", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 1 << 20);
    auto line = sim::line(5, 5ms);
    line.loss = 0.0005;
    plan.network.offices["Oslo"].wan_down = plan.network.offices["Oslo"].wan_up = line;
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::line_down);
    CHECK_FALSE(remedy_of(found, sim::remedy_kind::loss));
}

TEST_CASE("a delay that limits is named after its trial", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 1 << 20);
    plan.network.offices["Oslo"].wan_down = plan.network.offices["Oslo"].wan_up = sim::line(200, 150ms);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::delay);
    CHECK(found.bottleneck.office == "Oslo");
    REQUIRE(remedy_of(found, sim::remedy_kind::delay));
    CHECK(remedy_of(found, sim::remedy_kind::delay)->factor == 0.5);
}

TEST_CASE("where nothing can be tried the advice says so", "[sim]") {
    auto plan = plan_of("", 1 << 20);
    plan.clients["Central"] = 2;
    plan.source = "Central";
    plan.network.lan = sim::line(0, 50us);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    CHECK(found.remedies.empty());
    CHECK(found.no_advice.starts_with("there is nothing to try"));
}

TEST_CASE("what cannot be is refused with its reason", "[sim]") {
    const auto refusal = [](const auto& how) {
        auto plan = small_plan();
        how(plan);
        const auto why = sim::refusal_of(plan);
        if (why) CHECK_THROWS_AS(sim::predict(plan), std::runtime_error);
        return why.value_or("");
    };
    CHECK(refusal([](auto&) {}).empty());
    CHECK(refusal([](auto& plan) { plan.source = "Boston"; }).find("so Central and Delft cannot get it from Boston") != std::string::npos);
    CHECK(refusal([](auto& plan) { plan.source = "Boston", plan.who = {"Boston", "Boston Wi-Fi"}; }).empty());
    const auto headless = refusal([](auto& plan) { plan.clients["Central"] = 0; });
    CHECK(headless.find("to clients of the central office only, and Central has none") != std::string::npos);
    CHECK(refusal([](auto& plan) { plan.clients["Central"] = 0, plan.prepared = {"Boston"}, plan.who = {"Boston Wi-Fi"}; }).empty());
    CHECK(refusal([](auto& plan) { plan.clients["Central"] = 0, plan.source = "cdn"; }).empty());
    const auto crowded = refusal([](auto& plan) { plan.clients["Delft"] = 300; });
    CHECK(crowded.find("office Delft has 300 clients, but its first subnet 10.2.0.0/24 has room for 254") != std::string::npos);
    CHECK(refusal([](auto& plan) { plan.network.wan_up.mtu_bytes = 1227; }).find("1228 IP bytes") != std::string::npos);
    CHECK(refusal([](auto& plan) { plan.who = {"Rome"}; }) == "there is no office 'Rome' that could fetch");
    CHECK(refusal([](auto& plan) { plan.changes.push_back({"Central", 1s, {}, {}}); }).find("no line of 'Central'") != std::string::npos);
    CHECK(refusal([](auto& plan) { plan.who.clear(); }).find("nobody fetches") != std::string::npos);
}

TEST_CASE("who does not end says why, as the clients do", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 1 << 20);
    plan.network.offices["Oslo"].wan_down = plan.network.wan_down;
    plan.changes.push_back({"Oslo", 100ms, plan.network.wan_down, plan.network.wan_up});
    plan.changes.back().down.down = plan.changes.back().up.down = true;   // the line is cut
    plan.limit = 2min;
    const auto found = sim::predict(plan);
    CHECK_FALSE(found.complete);
    CHECK(found.bottleneck.kind == sim::limit_kind::unfinished);
    CHECK(found.bottleneck.text.find("client says: no client of the offices above can be reached") != std::string::npos);
    CHECK(found.bottleneck.text.find("datagrams came to a line that was cut") != std::string::npos);
    CHECK(std::all_of(found.clients.begin(), found.clients.end(), [](const auto& each) { return each.complete || !each.failure.empty(); }));
    CHECK(found.lines.front().down.down_dropped + found.lines.front().up.down_dropped > 0);
}

TEST_CASE("a line that changes in mid-run carries what it then can", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 2 << 20);
    plan.network.offices["Oslo"].wan_down = plan.network.offices["Oslo"].wan_up = sim::line(2, 10ms);
    const auto slow = sim::predict(plan);
    plan.changes.push_back({"Oslo", 2s, sim::line(20, 10ms), sim::line(20, 10ms)});
    const auto faster = sim::predict(plan);
    CHECK(faster.took < slow.took / 2);
    CHECK(faster.took > 2s);
    CHECK(faster.lines.front().down_bytes_per_second == 2'500'000);
    CHECK(row_of(faster, "Oslo").ideal < row_of(slow, "Oslo").ideal / 9);
}

TEST_CASE("several seeds give a range, and progress is told", "[sim]") {
    auto plan = plan_of("Oslo,Default,Central,10.1.0.0/24\n", 1 << 20);
    plan.network.offices["Oslo"].wan_down = sim::line_preset("wifi_lossy")->down;
    std::size_t called = 0, last = 0;
    const sim::progress_sink progress = [&](const sim::roll_out_progress& at) {
        ++called;
        last = at.number;
        CHECK((at.complete >= 0 && at.complete <= 1));
    };
    auto found = sim::predict(plan, progress);
    sim::add_ranges(plan, 3, found, progress);
    REQUIRE(found.ranges.size() == 3);
    CHECK(found.ranges.front().office.empty());
    CHECK(found.ranges.front().complete == 3);
    CHECK(*found.ranges.front().least <= found.took);
    CHECK(*found.ranges.front().least < *found.ranges.front().most);
    CHECK(*found.ranges.front().median >= *found.ranges.front().least);
    CHECK(called > 3);
    CHECK(last == 3);
}

TEST_CASE("the memory that is told grows with the content", "[sim]") {
    auto plan = small_plan();
    const auto small = sim::memory_estimate(plan);
    plan.content_bytes = 100'000'000'000;
    CHECK(sim::memory_estimate(plan) > 300'000'000'000);
    CHECK(small < 100'000'000);
}
