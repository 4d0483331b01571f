#pragma once
// p2pdist-sim fuzz and play.

#include <functional>

#include "common/program.hpp"

namespace p2pdist::tools {

/// Adds both; `action` is set by the one that is given.
void add_fuzz_commands(CLI::App& app, std::function<int()>& action);

}  // namespace p2pdist::tools
