#pragma once
// Which office an address belongs to, and which areas of different offices contradict each other.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/office/topology.hpp"

namespace p2pdist::detail {

/// An area of an office; `item` is its place in office::areas.
struct owned_range {
    address_range range;
    office_index owner;
    std::size_t item = 0;
};

/// An area and one of another office that it equals or partly overlaps.
struct area_conflict {
    owned_range area;
    owned_range other;
};

/// For each area that equals or partly overlaps areas of other offices before it in order, itself with one of these. Sorts `areas`, and
/// leaves one of an office's equal ones: a spreadsheet with a row for each device names the same subnet thousands of times.
[[nodiscard]] std::vector<area_conflict> find_conflicts(std::vector<owned_range>& areas);

/// Finds the most specific area of an address by binary search, over areas without conflicts.
class area_index {
public:
    area_index() = default;
    explicit area_index(std::vector<owned_range> areas);

    [[nodiscard]] std::optional<office_index> find(const ip_address& address) const noexcept;

private:
    /// From `start` on, up to the next breakpoint or the end of the family.
    struct breakpoint {
        ip_address start;
        std::optional<office_index> owner;
    };
    void put(const ip_address& start, std::optional<office_index> owner);
    void close_last(std::vector<owned_range>& open);

    std::vector<breakpoint> breakpoints_;
};

}  // namespace p2pdist::detail
