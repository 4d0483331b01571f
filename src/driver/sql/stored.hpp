#pragma once
// How values are written in columns: 64-bit numbers as they are in two's complement, since SQL has no unsigned ones; everything else
// that is not a number as text.

#include <cstdint>
#include <string>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/ids.hpp"

namespace p2pdist {

using sql_number = long long;

[[nodiscard]] inline sql_number stored(std::uint64_t value) noexcept { return static_cast<sql_number>(value); }
[[nodiscard]] inline std::uint64_t number(sql_number value) noexcept { return static_cast<std::uint64_t>(value); }

}  // namespace p2pdist
