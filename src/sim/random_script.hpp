#pragma once
// The script of a seed: offices, devices and lines of any kind, one content, and its own mix of what goes wrong.

#include <cstdint>

#include "p2pdist/sim/script.hpp"

namespace p2pdist::sim {

/// The same seed gives the same script. In a third of the seeds nothing goes wrong; in another third lines are bad.
[[nodiscard]] script make_random_script(std::uint64_t seed);

}  // namespace p2pdist::sim
