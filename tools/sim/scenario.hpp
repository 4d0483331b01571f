#pragma once
// A roll-out to predict, as its TOML file describes it.

#include <filesystem>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::tools {

/// std::runtime_error with the file, line and reason; unknown keys are errors.
[[nodiscard]] sim::roll_out_plan read_scenario(const std::filesystem::path& file);

}  // namespace p2pdist::tools
