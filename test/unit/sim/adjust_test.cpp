#include <catch2/catch.hpp>

#include <string>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/world.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

TEST_CASE("a device's client runs with an order and controllers of one's own", "[sim]") {
    sim::world w{sim::world_options{*parse_spreadsheet("Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n")}};
    int made = 0;
    const auto adjust = [&](client_config& config) {
        config.order = ranking({{"mine", [](const device_profile& left, const device_profile& right) -> std::weak_ordering {
                                     return right.preferred <=> left.preferred;
                                 }, {}}});
        config.foreground = [&](std::uint64_t datagram_bytes_max, time_point now) {
            ++made;
            return make_foreground_controller(datagram_bytes_max, now);
        };
    };
    w.add_client({.office = "Central", .preferred = true, .adjust = adjust});
    const auto ann = w.add_client({.office = "Central", .adjust = adjust});
    w.set_up();
    const auto app = w.make_content("app-1", 1 << 20);
    w.publish(app);
    w.fetch(ann, app);
    std::string decided_by;
    REQUIRE(w.run_until([&] {
        const auto why = w.core(ann).explain(app.info().id);
        if (why && why->ranking.size() == 2) decided_by = why->ranking[1].decided_by;
        return w.all_fetched();
    }, 5min));
    CHECK(made > 0);
    CHECK(decided_by == "mine");
}
