#pragma once
// Draws that more than one part of the world makes.

#include <algorithm>
#include <cmath>

#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// At least a nanosecond.
inline duration exponential(duration mean, random_source& random) {
    const auto nanoseconds = -std::log(1 - random.unit()) * static_cast<double>(mean.count());
    return duration(std::max<duration::rep>(1, static_cast<duration::rep>(nanoseconds)));
}

}  // namespace p2pdist::sim
