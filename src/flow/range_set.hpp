#pragma once
// A set of unsigned integers (byte offsets, packet numbers) kept as disjoint, non-touching, ascending ranges.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist::detail::flow {

/// Operations take O(log n) plus what they change; appending at the end and extending a range are the cheap, usual cases.
class range_set {
public:
    void add(const index_range& range);
    void subtract(const index_range& range);
    void subtract(const std::vector<index_range>& ranges) {
        for (const auto& range : ranges) subtract(range);
    }
    /// Keeps only what lies in `ranges`, which may overlap and be in any order.
    void intersect(const std::vector<index_range>& ranges);
    void clear() noexcept { ranges_.clear(); }

    [[nodiscard]] bool contains(std::uint64_t value) const noexcept;
    [[nodiscard]] bool intersects(const index_range& range) const noexcept;
    /// Appends the parts of `range` that are not in the set, ascending.
    void missing_in(const index_range& range, std::vector<index_range>& out) const;
    /// Appends the parts of `range` that are in the set, ascending.
    void present_in(const index_range& range, std::vector<index_range>& out) const;
    /// How much of `range` is in the set.
    [[nodiscard]] std::uint64_t covered(const index_range& range) const noexcept;

    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }  ///< number of ranges
    [[nodiscard]] const std::vector<index_range>& ranges() const noexcept { return ranges_; }
    void remove_lowest() { ranges_.erase(ranges_.begin()); }

private:
    /// Index of the first range whose end lies beyond `value`.
    [[nodiscard]] std::size_t first_ending_after(std::uint64_t value) const noexcept;

    std::vector<index_range> ranges_;
};

}  // namespace p2pdist::detail::flow
