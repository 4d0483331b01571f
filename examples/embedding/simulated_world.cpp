// A small organisation in the simulated world: how long does a package take to reach a branch office, and what crosses its line?

// [includes]
#include <iostream>

#include <p2pdist/office/spreadsheet.hpp>
#include <p2pdist/sim/world.hpp>

using namespace p2pdist;
using namespace std::chrono_literals;
// [/includes]

int main() {
    // [world]
    sim::world w{sim::world_options{*parse_spreadsheet("Office,Type,Parent,Subnet\n"
                                                       "Central,Default,,10.0.0.0/24\n"
                                                       "Boston,Default,Central,10.1.0.0/24\n")}};
    w.add_client({.office = "Central"});   // brings it to the branches
    const auto ann = w.add_client({.office = "Boston"}), ben = w.add_client({.office = "Boston"});
    w.set_up();
    const auto app = w.make_content("app-1", 2 << 20);
    w.publish(app);
    w.fetch(ann, app);
    w.fetch(ben, app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    std::cout << w.wan("Boston").copies(app.info().size_bytes) << " copies crossed Boston's line\n";
    // [/world]
    return done && w.has_right_bytes(ben, app) ? 0 : 1;
}
