#pragma once
// Amounts as people write them in settings and options, a number with a unit, and as they read them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// Units of sizes, as messages name them; without one it is bytes.
inline constexpr std::string_view size_unit_names = "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB";
/// Units of times; without one it is seconds.
inline constexpr std::string_view time_unit_names = "ms, s, min, h, d, w";

/// Bytes: "1048576", "1.5 GiB", "500MB"; K, M, G and T are KiB, MiB, GiB and TiB. `greatest` is below 2^63. Nothing for what is no size or
/// is out of range. Any thread.
[[nodiscard]] P2PDIST_INTERNAL std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t least = 1,
                                                                 std::uint64_t greatest = std::uint64_t{1} << 50) noexcept;
/// "3600", "90 s", "1.5h", "250 ms"; m is min. Read to the millisecond. Nothing for what is no time or is out of range. Any thread.
[[nodiscard]] P2PDIST_INTERNAL std::optional<duration> parse_duration(std::string_view text, duration least = std::chrono::seconds(1),
                                                                duration greatest = std::chrono::hours(366 * 24)) noexcept;
/// With so many digits behind the point. Any thread.
[[nodiscard]] P2PDIST_INTERNAL std::string fixed(double value, int digits);
/// "12.5 Mbit/s". Any thread.
[[nodiscard]] P2PDIST_INTERNAL std::string rate_text(double bytes_per_second);

}  // namespace p2pdist
