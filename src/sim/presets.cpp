// Lines that are met. docs/simulator.md has the table.

#include "p2pdist/sim/link_model.hpp"

namespace p2pdist::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint64_t ethernet_mtu = 1500;

line_pair both(double down_megabits, double up_megabits, duration delay, duration queue) {
    line_pair out{line(down_megabits, delay, queue), line(up_megabits, delay, queue)};
    out.down.mtu_bytes = out.up.mtu_bytes = ethernet_mtu;
    return out;
}

line_pair wifi_lossy() {
    auto out = both(40, 20, milliseconds(3), milliseconds(60));
    for (auto* each : {&out.down, &out.up}) {
        each->jitter = milliseconds(6);
        each->jitter_memory = milliseconds(50);
        each->loss = 0.002;
        each->bursts = {0.0005, 0.2, 0.5};
        each->fades = {std::chrono::seconds(8), milliseconds(120), 0};
    }
    return out;
}

/// A tunnel of a company that grew: narrow, with a bloated queue and what other people's traffic does to its delay.
line_pair vpn_congested() {
    auto out = both(10, 5, milliseconds(25), milliseconds(400));
    for (auto* each : {&out.down, &out.up}) {
        each->mtu_bytes = 1400;
        each->jitter = milliseconds(20);
        each->jitter_memory = milliseconds(300);
        each->loss = 0.001;
    }
    return out;
}

/// Geostationary.
line_pair satellite() {
    auto out = both(25, 3, milliseconds(280), milliseconds(300));
    for (auto* each : {&out.down, &out.up}) {
        each->jitter = milliseconds(8);
        each->jitter_memory = milliseconds(500);
        each->bursts = {0.0001, 0.1, 0.8};
        each->fades = {std::chrono::seconds(120), std::chrono::seconds(2), 0.3};
    }
    return out;
}

}  // namespace

std::optional<queue_kind> parse_queue_kind(std::string_view text) noexcept {
    if (text == "tail_drop") return queue_kind::tail_drop;
    if (text == "codel") return queue_kind::codel;
    if (text == "fq_codel") return queue_kind::fq_codel;
    return std::nullopt;
}

std::optional<line_pair> line_preset(std::string_view name) {
    if (name == "lan") return both(1000, 1000, microseconds(50), milliseconds(5));
    if (name == "office_wan") return both(50, 20, milliseconds(12), milliseconds(80));
    if (name == "wifi_lossy") return wifi_lossy();
    if (name == "vpn_congested") return vpn_congested();
    if (name == "satellite") return satellite();
    return std::nullopt;
}

std::string_view line_preset_names() noexcept { return "lan, office_wan, wifi_lossy, vpn_congested, satellite"; }

}  // namespace p2pdist::sim
