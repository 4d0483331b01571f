#pragma once
// The steps of the ranking as the organisation's settings give them: the server and all clients read them alike (RANK-7).

#include <functional>
#include <string>
#include <string_view>

#include "p2pdist/ranking/ranking.hpp"

namespace p2pdist {

inline constexpr std::string_view free_storage_step_setting = "ranking.free_storage_step";      ///< a size (base/amount.hpp)
inline constexpr std::string_view usable_storage_step_setting = "ranking.usable_storage_step";  ///< a size
inline constexpr std::string_view uptime_step_setting = "ranking.uptime_step";                  ///< a duration

/// `value_of` gives a setting's value, nullptr where it is not set. What is not set or cannot be read has its default.
[[nodiscard]] ranking_steps steps_from_settings(const std::function<const std::string*(std::string_view key)>& value_of);

}  // namespace p2pdist
