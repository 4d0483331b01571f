#include <catch2/catch.hpp>

#include <algorithm>

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

}  // namespace

TEST_CASE("a slow line is the bottleneck, of its office and of the offices below, and a faster one would help", "[sim]") {
    auto plan = small_plan();
    plan.network.offices["Boston"].wan_down = sim::line(5, 10ms);
    const auto found = sim::predict_with_advice(plan);
    REQUIRE(found.complete);
    for (const auto* office : {"Boston", "Boston Wi-Fi"}) {
        INFO(office);
        const auto& row = row_of(found, office);
        CHECK(row.limited_by == "Boston");
        CHECK(row.limit_use > 0.6);
        CHECK(row.ideal > 6700ms);
        CHECK(row.ideal < 6720ms);
        CHECK(*row.last > row.ideal);
    }
    CHECK(row_of(found, "Delft").limited_by != "Boston");
    CHECK(found.bottleneck.find("the line of Boston to its parent (5.0 Mbit/s)") != std::string::npos);
    REQUIRE_FALSE(found.remedies.empty());
    const auto faster = std::find_if(found.remedies.begin(), found.remedies.end(), [](const auto& each) { return each.change.starts_with("twice the rate of Boston's line"); });
    REQUIRE(faster != found.remedies.end());
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
    CHECK(row_of(found, "Delft").ideal == 0ns);
}
