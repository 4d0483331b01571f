#include <catch2/catch.hpp>

#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

struct outcome {
    std::uint64_t hash = 0;
    std::uint64_t events = 0;
    std::string text;
};

outcome run(std::uint64_t seed, bool written) {
    outcome out;
    auto options = demo_world::options_of(seed);
    options.network.wan_down.loss = 0.01;   // chance is asked for everywhere
    options.network.wan_down.jitter = 2ms;
    if (written) options.trace_lines = [&](std::string_view line) { out.text.append(line).append("\n"); };
    demo_world demo(options);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 1 << 20);
    w.publish(app);
    demo.fetch_all(app);
    REQUIRE(w.run_until([&] { return w.all_fetched(); }, 10min));
    out.hash = w.trace_hash();
    out.events = w.events();
    return out;
}

}  // namespace

TEST_CASE("the same seed gives the same trace byte for byte, another seed another one") {
    const auto first = run(11, true);
    const auto second = run(11, true);
    CHECK(first.text.size() > 100'000);
    CHECK(first.text == second.text);
    CHECK(first.hash == second.hash);
    CHECK(first.events == second.events);
    CHECK(run(11, false).hash == first.hash);
    CHECK(run(12, false).hash != first.hash);
}
