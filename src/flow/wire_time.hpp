#pragma once

#include <chrono>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

/// A time as frames carry it: microseconds modulo 2^32, of which only differences mean anything.
[[nodiscard]] inline std::uint32_t microseconds_of(time_point when) noexcept {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count());
}

}  // namespace p2pdist::detail::flow
