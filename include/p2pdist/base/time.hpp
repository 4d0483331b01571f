#pragma once
// Time as an argument. `core_clock` has no now(): code above the purity line cannot read time, it is told.

#include <chrono>
#include <compare>
#include <cstdint>

namespace p2pdist {

/// The clock type of every core: monotonic, in nanoseconds, from an origin that only its driver knows.
struct core_clock {
    /// A count of nanoseconds.
    using rep = std::int64_t;
    /// A thousand-millionth of a second.
    using period = std::nano;
    /// Whole nanoseconds.
    using duration = std::chrono::nanoseconds;
    /// Nanoseconds since the origin.
    using time_point = std::chrono::time_point<core_clock>;
    static constexpr bool is_steady = true;
};

/// A length of time in nanoseconds.
using duration = core_clock::duration;
/// A moment of the core's clock.
using time_point = core_clock::time_point;

/// Later than any time that occurs: "no deadline".
inline constexpr time_point never = time_point::max();

/// For arithmetic with rates and for people; a double keeps a nanosecond apart for a hundred days.
[[nodiscard]] constexpr double to_seconds(duration value) noexcept { return std::chrono::duration<double>(value).count(); }

/// Wall-clock time in seconds since 1970-01-01 UTC, for licences, certificates and audit; another type, so that the two never mix.
struct wall_time {
    std::int64_t seconds = 0;
    friend auto operator<=>(const wall_time&, const wall_time&) = default;
};

}  // namespace p2pdist
