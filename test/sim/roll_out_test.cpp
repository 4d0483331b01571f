#include <catch2/catch.hpp>

#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a roll-out reaches everybody, with one copy over each WAN", "[REQ-RVP-2][REQ-RVP-4][REQ-SRV-5][REQ-OFF-2][REQ-OFF-4]") {
    demo_world demo;
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 32 << 20);
    w.publish(app);
    demo.fetch_all(app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
    for (const auto& wan : w.wans()) {
        INFO(wan.office << ": down " << wan.down.carried_bytes << ", up " << wan.up.carried_bytes);
        CHECK(wan.copies(app.info().size_bytes) <= 1.08);
        CHECK(wan.copies(app.info().size_bytes) >= 1.0);
    }
}
