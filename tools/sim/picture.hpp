#pragma once
// A roll-out over time as a picture.

#include <string>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::tools {

/// An SVG document: a row an office, what its clients have as an area, how much its line is used as a strip below.
[[nodiscard]] std::string picture_of(const sim::prediction& what);

}  // namespace p2pdist::tools
