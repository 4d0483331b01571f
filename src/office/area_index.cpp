#include "area_index.hpp"

#include <algorithm>
#include <map>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::detail {
namespace {

/// By first address, an enclosing area before those nested in it.
void sort_areas(std::vector<owned_range>& areas) {
    std::sort(areas.begin(), areas.end(), [](const owned_range& left, const owned_range& right) {
        if (left.range.first != right.range.first) return left.range.first < right.range.first;
        if (left.range.last != right.range.last) return right.range.last < left.range.last;
        return std::pair(left.owner, left.item) < std::pair(right.owner, right.item);
    });
}

}  // namespace

std::vector<area_conflict> find_conflicts(std::vector<owned_range>& areas) {
    sort_areas(areas);
    const auto same = [](const owned_range& left, const owned_range& right) { return left.range == right.range && left.owner == right.owner; };
    areas.erase(std::unique(areas.begin(), areas.end(), same), areas.end());
    std::vector<area_conflict> conflicts;
    std::multimap<ip_address, const owned_range*> open;  // by last address
    for (const auto& area : areas) {
        open.erase(open.begin(), open.lower_bound(area.range.first));
        // What is open starts at or before this area. It encloses it, unless it ends earlier or is the same.
        for (auto it = open.begin(); it != open.end() && it->first <= area.range.last; ++it) {
            const auto& other = *it->second;
            if (other.owner == area.owner) continue;
            if (other.range.last == area.range.last && other.range.first != area.range.first) continue;
            conflicts.push_back({area, other});
            break;
        }
        open.emplace(area.range.last, &area);
    }
    return conflicts;
}

area_index::area_index(std::vector<owned_range> areas) {
    sort_areas(areas);
    std::vector<owned_range> open;  // each encloses the next
    for (const auto& area : areas) {
        while (!open.empty() && open.back().range.last < area.range.first) close_last(open);
        // Only areas of one office may overlap partly; from here on they count as one.
        while (open.size() > 1 && open[open.size() - 2].range.last < area.range.last) open.pop_back();
        if (!open.empty() && open.back().range.last < area.range.last) {
            P2PDIST_ASSERT(open.back().owner == area.owner);
            open.back().range.last = area.range.last;
        } else {
            open.push_back(area);
            put(area.range.first, area.owner);
        }
    }
    while (!open.empty()) close_last(open);
}

void area_index::close_last(std::vector<owned_range>& open) {
    const auto last = open.back().range.last;
    open.pop_back();
    if (const auto after = last.next(); after != last) put(after, open.empty() ? std::nullopt : std::optional(open.back().owner));
}

void area_index::put(const ip_address& start, std::optional<office_index> owner) {
    if (!breakpoints_.empty() && breakpoints_.back().start == start)
        breakpoints_.back().owner = owner;
    else
        breakpoints_.push_back({start, owner});
}

std::optional<office_index> area_index::find(const ip_address& address) const noexcept {
    const auto after = std::upper_bound(breakpoints_.begin(), breakpoints_.end(), address,
                                        [](const ip_address& value, const breakpoint& point) { return value < point.start; });
    if (after == breakpoints_.begin()) return std::nullopt;
    const auto& point = *std::prev(after);
    // The last area of IPv4 may reach to the end of its family, where no breakpoint closes it.
    return point.start.address_family() == address.address_family() ? point.owner : std::nullopt;
}

}  // namespace p2pdist::detail
