#include "p2pdist/office/topology.hpp"

#include <algorithm>

#include "topology_builder.hpp"

#include "p2pdist/base/assert.hpp"

namespace p2pdist {

std::string refusal::to_string() const {
    return "row " + std::to_string(row) + (column.empty() ? "" : ", column " + column) + ": " + reason;
}

checked_topology::checked_topology(std::vector<refusal> refusals) : refusals_(std::move(refusals)) {
    P2PDIST_ASSERT(!refusals_.empty());
    std::stable_sort(refusals_.begin(), refusals_.end(), [](const refusal& left, const refusal& right) { return left.row < right.row; });
}

const topology& checked_topology::operator*() const noexcept {
    P2PDIST_ASSERT(topology_.has_value());
    return *topology_;
}

checked_topology topology::make(std::vector<office> offices) {
    return topology_builder(topology_builder::with_exported_rows(std::move(offices))).build();
}

const std::vector<office>& topology::offices() const noexcept { return state_->offices; }

const office& topology::operator[](office_index index) const noexcept {
    P2PDIST_ASSERT(index.value < size());
    return state_->offices[index.value];
}

std::optional<office_index> topology::find(std::string_view name) const noexcept {
    const auto found = state_->by_name.find(name);
    return found == state_->by_name.end() ? std::nullopt : std::optional(found->second);
}

std::optional<office_index> topology::office_of(const ip_address& address) const noexcept { return state_->areas.find(address); }

placement topology::place(const ip_address& address) const noexcept {
    const auto found = office_of(address);
    return {found, found ? parent(*found) : central()};
}

bool topology::same_office(const ip_address& left, const ip_address& right) const noexcept {
    const auto office = office_of(left);
    return office ? office == office_of(right) : left == right;
}

office_index topology::central() const noexcept { return state_->central; }

std::optional<office_index> topology::parent(office_index index) const noexcept {
    P2PDIST_ASSERT(index.value < size());
    return state_->parents[index.value];
}

const std::vector<office_index>& topology::children(office_index index) const noexcept {
    P2PDIST_ASSERT(index.value < size());
    return state_->children[index.value];
}

std::vector<office_index> topology::path_to_central(office_index index) const {
    std::vector<office_index> path;
    for (std::optional<office_index> at = index; at; at = parent(*at)) path.push_back(*at);
    return path;
}

bool topology::is_ancestor_or_self(office_index upper, office_index lower) const noexcept {
    std::optional<office_index> at = lower;
    while (at && depth(*at) > depth(upper)) at = parent(*at);
    return at == upper;
}

int topology::depth(office_index index) const noexcept {
    P2PDIST_ASSERT(index.value < size());
    return state_->depths[index.value];
}

bool topology::shares(office_index index) const noexcept { return (*this)[index].type != office_type::vpn; }

bool topology::broadcasts(office_index index) const noexcept { return (*this)[index].type != office_type::wifi; }

bool topology::is_preferred(const ip_address& address) const noexcept {
    return std::binary_search(state_->preferred.begin(), state_->preferred.end(), address);
}

topology topology::view_for(office_index index) const {
    std::vector<bool> kept(size());
    const auto keep_with_ancestors = [&](office_index start) {
        for (std::optional<office_index> at = start; at && !kept[at->value]; at = parent(*at)) kept[at->value] = true;
    };
    keep_with_ancestors(index);
    std::vector<office_index> exact{index};  // itself and below
    for (std::size_t i = 0; i < exact.size(); ++i) {
        kept[exact[i].value] = true;
        const auto& below = children(exact[i]);
        exact.insert(exact.end(), below.begin(), below.end());
    }
    std::vector<detail::owned_range> enclosing;
    for (const auto office : exact) {
        for (const auto& area : (*this)[office].areas) enclosing.push_back({range_of(area), office_index{0}, 0});
    }
    const detail::area_index inside(std::move(enclosing));
    const auto is_nested = [&](const office_area& area) {
        const auto range = range_of(area);
        return inside.find(range.first) && inside.find(range.last);  // areas are nested or apart
    };
    for (std::uint32_t i = 0; i < size(); ++i) {
        const auto& areas = state_->offices[i].areas;
        if (!kept[i] && std::any_of(areas.begin(), areas.end(), is_nested)) keep_with_ancestors({i});
    }
    std::vector<office> pruned;
    for (std::size_t i = 0; i < size(); ++i) {
        if (kept[i]) pruned.push_back(state_->offices[i]);
    }
    auto view = make(std::move(pruned));
    return *view;
}

}  // namespace p2pdist
