#pragma once
// What a roll-out waited for, in words: of its own measures, and of what trials have shown.

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::sim {

/// Below this use a line is not what an office waited for.
inline constexpr double busy_from = 0.6;

/// The office that ends last, or never; null: nobody fetches.
[[nodiscard]] const office_prediction* slowest(const prediction& of);
/// All that don't end, or else all that end in the last tenth of the time or near it: what helps one of them only helps nobody.
[[nodiscard]] std::vector<const office_prediction*> slow_ones(const prediction& of);
/// By what was in use.
[[nodiscard]] bottleneck verdict_of(const prediction& of);
/// Where nothing was in use the trials tell what counts: without a trial that helps, loss and delays are not blamed.
void refine_verdict(prediction& of);

}  // namespace p2pdist::sim
