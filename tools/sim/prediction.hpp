#pragma once
// Shows what a roll-out is predicted to be: a document for programs, tables for people.

#include "common/program.hpp"
#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::tools {

/// docs/simulator.md names its fields.
[[nodiscard]] json document_of(const sim::prediction& what);
void print_prediction(const sim::prediction& what);

}  // namespace p2pdist::tools
