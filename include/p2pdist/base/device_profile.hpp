#pragma once
// What a device says of itself (CLI-5): the values that the ranking compares.

#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// RANK-3.
enum class device_model : std::uint8_t { desktop, laptop };
/// RANK-4.
enum class os_kind : std::uint8_t { server, workstation };

/// A versioned snapshot; a higher version is newer.
struct device_profile {
    std::uint64_t free_storage_bytes = 0;    ///< free bytes of the store's volume
    std::uint64_t usable_storage_bytes = 0;  ///< what the store may still take
    bool preferred = false;                  ///< a configured rendezvous point
    device_model model = device_model::desktop;
    os_kind os = os_kind::workstation;
    duration uptime{};
    std::uint32_t version = 0;

    friend bool operator==(const device_profile&, const device_profile&) = default;
};

}  // namespace p2pdist
