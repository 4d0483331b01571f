#pragma once
// A simulated device that lies.

#include "liar.hpp"
#include "node.hpp"

namespace p2pdist::sim {

class liar_node final : public node<liar_node, liar_core> {
public:
    liar_node(surroundings& around, liar_config config, std::uint64_t seed)
        : node(around, config.address, config.prefix_bits, seed), config_(std::move(config)) {}

    void start() {
        come_up(liar_core(around_.crypto, entropy_, config_, here(), wall()));
        schedule(world_now() + wall_clock_period, wall_clock);
        turn();
    }
    void perform(time_point, send_datagram&& datagram) { send(std::move(datagram)); }
    void on_work(time_point, std::uint8_t, std::uint64_t) {
        core().on_wall_clock(wall());
        schedule(world_now() + wall_clock_period, wall_clock);
    }
    [[nodiscard]] bool take(time_point, const endpoint&, byte_span) const noexcept { return false; }

private:
    enum kind : std::uint8_t { wall_clock = 1 };
    static constexpr duration wall_clock_period = std::chrono::seconds(30);

    liar_config config_;
};

}  // namespace p2pdist::sim
