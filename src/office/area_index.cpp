#include "area_index.hpp"

#include <algorithm>

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

/// Areas by their last address, and for each span of last addresses two of them that are not of one office: so that the first of another
/// office than a given one is found without walking over all those of this one.
class areas_by_last {
public:
    explicit areas_by_last(const std::vector<owned_range>& all) {
        for (const auto& area : all) lasts_.push_back(area.range.last);
        std::sort(lasts_.begin(), lasts_.end());
        lasts_.erase(std::unique(lasts_.begin(), lasts_.end()), lasts_.end());
        spans_.resize(2 * lasts_.size());
    }

    void put(const owned_range& area) {
        auto at = lasts_.size() + place_of(area.range.last);
        spans_[at] = joined(spans_[at], {&area, nullptr});
        while ((at /= 2) > 0) spans_[at] = joined(spans_[2 * at], spans_[2 * at + 1]);
    }

    /// Of those put in, the first that ends at `from` or later, but before `to`, and is not that office's.
    [[nodiscard]] const owned_range* of_others(const ip_address& from, const ip_address& to, office_index office) {
        span left, right;
        auto begin = lasts_.size() + place_of(from), end = lasts_.size() + place_of(to);
        for (; begin < end; begin /= 2, end /= 2) {
            if (begin % 2 == 1) left = joined(left, spans_[begin++]);
            if (end % 2 == 1) right = joined(spans_[--end], right);
        }
        const auto all = joined(left, right);
        return all.first != nullptr && all.first->owner == office ? all.second : all.first;
    }

    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

private:
    struct span {
        const owned_range* first = nullptr;
        const owned_range* second = nullptr;  ///< the first that has another owner
    };

    [[nodiscard]] std::size_t place_of(const ip_address& last) const {
        return static_cast<std::size_t>(std::lower_bound(lasts_.begin(), lasts_.end(), last) - lasts_.begin());
    }
    [[nodiscard]] span joined(span left, const span& right) {
        ++steps_;
        for (const auto* area : {right.first, right.second}) {
            if (area == nullptr) continue;
            if (left.first == nullptr) left.first = area;
            else if (left.second == nullptr && left.first->owner != area->owner) left.second = area;
        }
        return left;
    }

    std::vector<ip_address> lasts_;  // each once
    std::vector<span> spans_;        // a binary tree: those of 2n and 2n + 1 stand in n, each last address in the second half
    std::uint64_t steps_ = 0;
};

}  // namespace

area_check find_conflicts(std::vector<owned_range>& areas) {
    sort_areas(areas);
    area_check out;
    areas_by_last before(areas);
    const owned_range* same = nullptr;  // the first with the area's range
    for (const auto& area : areas) {
        if (same == nullptr || same->range != area.range) same = &area;
        // What was put in starts at or before this area. It encloses it, unless it ends earlier or is the same.
        const auto* other = before.of_others(area.range.first, area.range.last, area.owner);
        if (other == nullptr && same->owner != area.owner) other = same;
        if (other != nullptr) out.conflicts.push_back({area, *other});
        before.put(area);
    }
    out.steps = before.steps();
    return out;
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
