#pragma once
// Which contents make room for another (CLI-3): the rule that every store follows.

#include <cstdint>
#include <optional>
#include <vector>

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/content/store.hpp"

namespace p2pdist {

/// What a store holds of one content, as far as space goes.
struct space_user {
    content_key key;
    std::uint64_t size_bytes = 0;     ///< what it counts against the limit
    std::uint64_t on_disk_bytes = 0;  ///< what removing it gives back to the volume
    std::uint64_t last_used = 0;
    bool evictable = false;           ///< neither pinned nor in use
    bool growing = false;             ///< in use and not whole: the rest of its size is promised to it
};

struct space_limits {
    std::uint64_t limit_bytes = 0;
    std::uint64_t volume_free_bytes = 0;
};

/// The contents to remove, least recently used first, so that `added_bytes` more count against the limit and `missing_bytes` more
/// fit on the volume; empty where nothing need go; nothing where removing all that may go would not be enough.
[[nodiscard]] P2PDIST_INTERNAL std::optional<std::vector<content_key>> plan_space(std::vector<space_user> users, const space_limits& limits,
                                                                 std::uint64_t added_bytes, std::uint64_t missing_bytes);

/// What to remove, least recently used first, so that no more than the limit is used, as far as that can be.
[[nodiscard]] P2PDIST_INTERNAL std::vector<content_key> plan_limit(std::vector<space_user> users, std::uint64_t limit_bytes);

/// The figures of store_measure. `contents`: attached ones included, which are not among the users.
[[nodiscard]] P2PDIST_INTERNAL store_statistics measure_space(const std::vector<space_user>& users, const space_limits& limits, std::size_t contents);

}  // namespace p2pdist
