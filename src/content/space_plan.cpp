#include "p2pdist/content/space_plan.hpp"

#include <algorithm>
#include <tuple>

namespace p2pdist {

namespace {

std::uint64_t excess(std::uint64_t wanted, std::uint64_t available) { return wanted > available ? wanted - available : 0; }

std::vector<space_user> in_order_of_eviction(std::vector<space_user> users) {
    std::erase_if(users, [](const space_user& user) { return !user.evictable; });
    std::sort(users.begin(), users.end(), [](const space_user& left, const space_user& right) {
        return std::tie(left.last_used, left.key) < std::tie(right.last_used, right.key);
    });
    return users;
}

}  // namespace

std::optional<std::vector<content_key>> plan_space(std::vector<space_user> users, const space_limits& limits, std::uint64_t added_bytes,
                                                   std::uint64_t missing_bytes) {
    std::uint64_t used = 0;
    std::uint64_t promised = 0;
    for (const auto& user : users) {
        used += user.size_bytes;
        if (user.growing) promised += excess(user.size_bytes, user.on_disk_bytes);
    }
    auto over_limit = excess(used + added_bytes, limits.limit_bytes);
    auto over_volume = missing_bytes == 0 ? 0 : excess(promised + missing_bytes, limits.volume_free_bytes);

    std::vector<content_key> victims;
    for (const auto& user : in_order_of_eviction(std::move(users))) {
        if (over_limit == 0 && over_volume == 0) break;
        victims.push_back(user.key);
        over_limit = excess(over_limit, user.size_bytes);
        over_volume = excess(over_volume, user.on_disk_bytes);
    }
    if (over_limit != 0 || over_volume != 0) return std::nullopt;
    return victims;
}

std::vector<content_key> plan_limit(std::vector<space_user> users, std::uint64_t limit_bytes) {
    std::uint64_t used = 0;
    for (const auto& user : users) used += user.size_bytes;
    std::vector<content_key> victims;
    for (const auto& user : in_order_of_eviction(std::move(users))) {
        if (used <= limit_bytes) break;
        used -= user.size_bytes;
        victims.push_back(user.key);
    }
    return victims;
}

store_statistics measure_space(const std::vector<space_user>& users, const space_limits& limits, std::size_t contents) {
    store_statistics found;
    std::uint64_t evictable_on_disk = 0;
    std::uint64_t promised = 0;
    for (const auto& user : users) {
        found.used_bytes += user.size_bytes;
        if (user.evictable) found.evictable_bytes += user.size_bytes;
        if (user.evictable) evictable_on_disk += user.on_disk_bytes;
        if (user.growing) promised += excess(user.size_bytes, user.on_disk_bytes);
    }
    found.limit_bytes = limits.limit_bytes;
    found.volume_free_bytes = limits.volume_free_bytes;
    const auto under_limit = excess(limits.limit_bytes, found.used_bytes - found.evictable_bytes);
    const auto on_volume = excess(limits.volume_free_bytes + evictable_on_disk, promised);
    found.usable_bytes = std::min(under_limit, on_volume);
    found.contents = static_cast<std::uint32_t>(contents);
    return found;
}

}  // namespace p2pdist
