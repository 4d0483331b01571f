#include "range_set.hpp"

#include <algorithm>

namespace p2pdist::detail::flow {

namespace {

index_range between(std::uint64_t first, std::uint64_t end) noexcept { return {first, end - first}; }

}  // namespace

std::size_t range_set::first_ending_after(std::uint64_t value) const noexcept {
    // Most questions are about the newest end of the set.
    if (ranges_.empty() || ranges_.back().end() <= value) return ranges_.size();
    const auto found = std::partition_point(ranges_.begin(), ranges_.end(), [&](const index_range& r) { return r.end() <= value; });
    return static_cast<std::size_t>(found - ranges_.begin());
}

void range_set::add(const index_range& range) {
    if (range.length == 0) return;
    // The first range that touches or overlaps from the left: its end is not below our beginning.
    const auto begin = range.first == 0 ? std::size_t{0} : first_ending_after(range.first - 1);
    auto end = begin;
    auto low = range.first;
    auto high = range.end();
    for (; end < ranges_.size() && ranges_[end].first <= high; ++end) {
        low = std::min(low, ranges_[end].first);
        high = std::max(high, ranges_[end].end());
    }
    const auto at = ranges_.begin() + static_cast<std::ptrdiff_t>(begin);
    if (begin == end) {
        ranges_.insert(at, between(low, high));
        return;
    }
    *at = between(low, high);
    ranges_.erase(at + 1, ranges_.begin() + static_cast<std::ptrdiff_t>(end));
}

void range_set::subtract(const index_range& range) {
    if (range.length == 0) return;
    auto at = first_ending_after(range.first);
    if (at == ranges_.size() || ranges_[at].first >= range.end()) return;
    if (ranges_[at].first < range.first) {
        const auto tail_end = ranges_[at].end();
        ranges_[at] = between(ranges_[at].first, range.first);
        ++at;
        if (tail_end > range.end()) {
            ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(at), between(range.end(), tail_end));
            return;
        }
    }
    auto end = at;
    while (end < ranges_.size() && ranges_[end].end() <= range.end()) ++end;
    if (end < ranges_.size() && ranges_[end].first < range.end()) ranges_[end] = between(range.end(), ranges_[end].end());
    ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(at), ranges_.begin() + static_cast<std::ptrdiff_t>(end));
}

void range_set::intersect(const std::vector<index_range>& ranges) {
    std::vector<index_range> kept;
    for (const auto& range : ranges) present_in(range, kept);
    std::sort(kept.begin(), kept.end());
    range_set result;
    for (const auto& range : kept) result.add(range);
    ranges_ = std::move(result.ranges_);
}

bool range_set::contains(std::uint64_t value) const noexcept {
    const auto at = first_ending_after(value);
    return at < ranges_.size() && ranges_[at].first <= value;
}

bool range_set::intersects(const index_range& range) const noexcept {
    const auto at = first_ending_after(range.first);
    return range.length != 0 && at < ranges_.size() && ranges_[at].first < range.end();
}

void range_set::missing_in(const index_range& range, std::vector<index_range>& out) const {
    auto from = range.first;
    for (auto at = first_ending_after(from); at < ranges_.size() && ranges_[at].first < range.end(); ++at) {
        if (ranges_[at].first > from) out.push_back(between(from, ranges_[at].first));
        from = ranges_[at].end();
    }
    if (from < range.end()) out.push_back(between(from, range.end()));
}

void range_set::present_in(const index_range& range, std::vector<index_range>& out) const {
    for (auto at = first_ending_after(range.first); at < ranges_.size() && ranges_[at].first < range.end(); ++at)
        out.push_back(between(std::max(ranges_[at].first, range.first), std::min(ranges_[at].end(), range.end())));
}

std::uint64_t range_set::covered(const index_range& range) const noexcept {
    std::uint64_t total = 0;
    for (auto at = first_ending_after(range.first); at < ranges_.size() && ranges_[at].first < range.end(); ++at)
        total += std::min(ranges_[at].end(), range.end()) - std::max(ranges_[at].first, range.first);
    return total;
}

}  // namespace p2pdist::detail::flow
