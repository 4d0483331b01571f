#pragma once
// One question that the ranking asks of two devices (RANK-1 to RANK-6), and the six standard ones.

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// A criterion. `compare` gives less where the first device comes before the second, and is a strict weak ordering that depends on its
/// arguments only (every node has to compute the same). `describe` gives the value that it compares, for people.
struct criterion {
    std::string name;
    std::function<std::weak_ordering(const device_profile&, const device_profile&)> compare;
    std::function<std::string(const device_profile&)> describe;
};

/// The steps of the continuous criteria: they compare floor(value / step), so that small and passing differences decide nothing (RANK-7).
/// Part of the organisation's configuration: every node of an organisation has to use the same. A step of 0 counts as 1.
struct ranking_steps {
    std::uint64_t free_storage_bytes = std::uint64_t{1} << 30;  ///< 1 GiB
    duration uptime = std::chrono::hours(1);
    std::uint64_t usable_storage_bytes = std::uint64_t{1} << 30;  ///< 1 GiB

    friend bool operator==(const ranking_steps&, const ranking_steps&) = default;
};

[[nodiscard]] criterion most_free_storage(std::uint64_t step_bytes);    ///< RANK-1 "free_storage"
[[nodiscard]] criterion preferred_first();                              ///< RANK-2 "preferred"
[[nodiscard]] criterion desktop_first();                                ///< RANK-3 "device_model"
[[nodiscard]] criterion server_os_first();                              ///< RANK-4 "os_kind"
[[nodiscard]] criterion longest_uptime(duration step);                  ///< RANK-5 "uptime"; a negative uptime counts as 0
[[nodiscard]] criterion most_usable_storage(std::uint64_t step_bytes);  ///< RANK-6 "usable_storage"

/// The six, in the order of the requirements.
[[nodiscard]] std::vector<criterion> standard_criteria(const ranking_steps& steps = {});

}  // namespace p2pdist
