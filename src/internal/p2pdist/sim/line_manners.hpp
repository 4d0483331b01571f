#pragma once
// What a line's troubles are like where only how often they come is said: in worlds as text, and in scenarios.

#include "p2pdist/sim/link_model.hpp"

namespace p2pdist::sim {

/// A burst lasts ten datagrams on average, of which half are lost; `enter` is what is said.
inline constexpr loss_bursts burst_of_ten{0, 0.1, 0.5};
/// Radio suspends a line for 200 ms; `every` is what is said.
inline constexpr line_fades suspension{{}, std::chrono::milliseconds(200), 0};
/// What a provider's policer lets pass at once after a silence.
inline constexpr std::uint64_t policer_burst_bytes = 30'000;

}  // namespace p2pdist::sim
