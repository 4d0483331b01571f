#pragma once
// Amounts as people write them in settings, a whole number with a unit, and as they read them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// Bytes: "1048576", "1048576 B", "1024 KiB", "1MiB", with GiB and TiB too; from 1 to 2^50. Nothing for all else. Any thread.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
/// "3600", "3600 s", "60 m", "1h", "1 d"; from a second to 366 days. Nothing for all else. Any thread.
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text) noexcept;
/// With so many digits behind the point. Any thread.
[[nodiscard]] std::string fixed(double value, int digits);
/// "12.5 Mbit/s". Any thread.
[[nodiscard]] std::string rate_text(double bytes_per_second);

}  // namespace p2pdist
