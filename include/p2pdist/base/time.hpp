#pragma once
// Time as an argument. `core_clock` has no now(): code above the purity line cannot read time, it is told.

#include <chrono>
#include <compare>
#include <cstdint>

namespace p2pdist {

/// The clock type of every core: monotonic, in nanoseconds, from an origin that only its driver knows.
struct core_clock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<core_clock>;
    static constexpr bool is_steady = true;
};

using duration = core_clock::duration;
using time_point = core_clock::time_point;

/// Later than any time that occurs: "no deadline".
inline constexpr time_point never = time_point::max();

/// Wall-clock time in seconds since 1970-01-01 UTC, for licences, certificates and audit; another type, so that the two never mix.
struct wall_time {
    std::int64_t seconds = 0;
    friend auto operator<=>(const wall_time&, const wall_time&) = default;
};

}  // namespace p2pdist
