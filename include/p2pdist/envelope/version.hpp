#pragma once
// Protocol versions: what a node supports, what two nodes have in common, and the sentence for those who have nothing (MSG-6).

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist {

/// The versions that a node speaks, both ends included: min <= max.
struct version_range {
    std::uint8_t min = protocol_version_min;
    std::uint8_t max = protocol_version;
    friend bool operator==(const version_range&, const version_range&) = default;
};

/// From `oldest` to `newest`; 0 stands for this software's own.
[[nodiscard]] constexpr version_range versions_between(std::uint8_t oldest, std::uint8_t newest) noexcept {
    return {oldest == 0 ? protocol_version_min : oldest, newest == 0 ? protocol_version : newest};
}

/// The highest version of both; nothing where the ranges don't meet.
[[nodiscard]] constexpr std::optional<std::uint8_t> common_version(const version_range& left, const version_range& right) noexcept {
    const auto low = std::max(left.min, right.min);
    const auto high = std::min(left.max, right.max);
    if (low > high) return std::nullopt;
    return high;
}

/// Which of two sides has to be updated.
enum class update_side : std::uint8_t { this_side, other_side };

/// Who is too old, for ranges that don't meet: the one whose newest version lies below the other's oldest.
[[nodiscard]] constexpr update_side side_to_update(const version_range& own, const version_range& theirs) noexcept {
    return own.max < theirs.min ? update_side::this_side : update_side::other_side;
}

/// errc::version_unsupported with a sentence that names both ranges and the side to update. The names are shown as given ("this client").
[[nodiscard]] P2PDIST_API error version_error(std::string_view this_name, const version_range& own, std::string_view other_name,
                                  const version_range& theirs);

}  // namespace p2pdist
