#include <catch2/catch.hpp>

#include <chrono>

#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("300 clients in 30 offices get 4 MB each", "[REQ-RVP-2]") {
    std::string sheet = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n";
    for (int i = 1; i < 30; ++i) {
        sheet += "Office " + std::to_string(i) + ",Default," + (i <= 10 ? "Central" : "Office " + std::to_string((i - 1) % 10 + 1)) + ",10." +
                 std::to_string(i) + ".0.0/24\n";
    }
    sim::world_options options(*parse_spreadsheet(sheet));
    sim::world w(options);
    for (const auto& office : w.offices().offices()) {
        for (int i = 0; i < 10; ++i) w.add_client({.office = office.name});
    }
    const auto begin = std::chrono::steady_clock::now();
    w.set_up();
    const auto app = w.make_content("app-1", 4 << 20);
    w.publish(app);
    for (std::size_t i = 0; i < w.clients(); ++i) w.fetch({i}, app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    INFO(unfinished(w));
    REQUIRE(done);
    WARN(w.events() << " events, " << took.count() << " s");
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
    for (const auto& wan : w.wans()) {
        INFO(wan.office << ": data " << wan.down.data_bytes << ", down " << wan.down.carried_bytes << ", up " << wan.up.carried_bytes);
        // Flow data only: of a content this small, the messages of ten clients and of the offices below are a larger part.
        CHECK(static_cast<double>(wan.down.data_bytes) <= 1.08 * static_cast<double>(app.info().size_bytes));
    }
}
