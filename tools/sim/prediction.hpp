#pragma once
// Runs a scenario and says what came of it.

#include "common/program.hpp"
#include "sim/scenario.hpp"

namespace p2pdist::tools {

struct prediction {
    bool complete = false;
    json document;   ///< docs/simulator.md names its fields
};
[[nodiscard]] prediction predict(const scenario& what);
void print_prediction(const json& document);

}  // namespace p2pdist::tools
