#include "topology_builder.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"
#include "text.hpp"

namespace p2pdist {
namespace {

using detail::quoted;

bool has_control_characters(std::string_view text, std::string_view allowed) noexcept {
    return std::any_of(text.begin(), text.end(), [&](char c) {
        return (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) && allowed.find(c) == std::string_view::npos;
    });
}

const char* column_of(const office_area& area) noexcept { return std::holds_alternative<subnet>(area) ? "Subnet" : "Range start"; }

}  // namespace

topology_builder::topology_builder(std::vector<office_source> sources, std::vector<refusal> refusals)
    : sources_(std::move(sources)), refusals_(std::move(refusals)) {}

std::vector<office_source> topology_builder::with_exported_rows(std::vector<office> offices) {
    std::vector<office_source> sources;
    sources.reserve(offices.size());
    int row = 2;
    for (auto& each : offices) {
        office_source source;
        source.row = source.type_row = source.parent_row = row;
        for (std::size_t i = 0; i < each.areas.size(); ++i) source.area_rows.push_back(row + static_cast<int>(i));
        source.preferred_rows.assign(each.preferred.size(), row);
        row += std::max(1, static_cast<int>(each.areas.size()));
        source.value = std::move(each);
        sources.push_back(std::move(source));
    }
    return sources;
}

checked_topology topology_builder::build(const std::optional<ip_address>& server) && {
    check_size();
    check_texts();
    index_names();
    link_parents();
    check_central();
    check_cycles();
    check_areas();
    check_preferred();
    if (server) check_server(*server);
    if (!refusals_.empty()) return checked_topology(std::move(refusals_));
    order_by_depth();
    for (auto& source : sources_) {
        auto& own = state_->preferred;
        own.insert(own.end(), source.value.preferred.begin(), source.value.preferred.end());
        state_->offices.push_back(std::move(source.value));
    }
    std::sort(state_->preferred.begin(), state_->preferred.end());
    return checked_topology(topology(std::move(state_)));
}

std::string topology_builder::naming(office_index index) const {
    const auto& source = sources_[index.value];
    return "office " + quoted(source.value.name) + " (row " + std::to_string(source.row) + ")";
}

void topology_builder::check_size() {
    if (sources_.empty() && refusals_.empty()) refuse(1, "Office", "there is no office; the topology has to have a central one");
    // What to_spreadsheet() writes at most, so that what was made can be exported, stored and sent.
    std::size_t rows = 1;
    std::size_t text = 256;
    for (const auto& source : sources_) {
        const auto own_rows = std::max<std::size_t>(1, source.value.areas.size());
        rows += own_rows;
        text += own_rows * (2 * source.value.name.size() + 128) + 2 * (source.value.parent.size() + source.value.description.size()) +
                40 * source.value.preferred.size();
    }
    if (rows > limits::spreadsheet_rows_max)
        refuse(static_cast<int>(limits::spreadsheet_rows_max + 1), "Office",
               "more than " + std::to_string(limits::spreadsheet_rows_max) + " rows; join subnets of an office where they are neighbours");
    else if (text > limits::spreadsheet_bytes_max)
        refuse(1, "Description",
               "the texts are longer than " + std::to_string(limits::spreadsheet_bytes_max) + " bytes; shorten descriptions");
}

void topology_builder::check_texts() {
    for (const auto& source : sources_) {
        const auto& name = source.value.name;
        if (name.empty())
            refuse(source.row, "Office", "the office has no name");
        else if (name.size() > limits::office_name_bytes_max)
            refuse(source.row, "Office", "the name is longer than " + std::to_string(limits::office_name_bytes_max) + " bytes");
        else if (!is_utf8(name) || has_control_characters(name, "") || detail::trimmed(name) != name)
            refuse(source.row, "Office",
                   quoted(name) + ": a name is UTF-8, without line breaks, control characters and blanks at its ends");
        const auto& description = source.value.description;
        if (description.size() > limits::office_description_bytes_max)
            refuse(source.row, "Description",
                   "the description is longer than " + std::to_string(limits::office_description_bytes_max) + " bytes");
        else if (!is_utf8(description) || has_control_characters(description, "\t\r\n") || detail::trimmed(description) != description)
            refuse(source.row, "Description", "a description is UTF-8, without control characters and blanks at its ends");
    }
}

void topology_builder::index_names() {
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        const auto [known, added] = state_->by_name.emplace(sources_[i].value.name, office_index{i});
        if (!added && !sources_[i].value.name.empty())
            refuse(sources_[i].row, "Office", "there is another " + naming(known->second) + "; names are unique");
    }
}

void topology_builder::link_parents() {
    state_->parents.resize(sources_.size());
    state_->children.resize(sources_.size());
    std::map<std::string, std::string_view> names_by_lower_case;  // filled at the first mistake
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        const auto& source = sources_[i];
        const auto& name = source.value.parent;
        if (name.empty()) continue;
        const auto found = state_->by_name.find(name);
        if (found == state_->by_name.end()) {
            if (names_by_lower_case.empty()) {
                for (const auto& other : sources_) names_by_lower_case.emplace(detail::lower(other.value.name), other.value.name);
            }
            const auto meant = names_by_lower_case.find(detail::lower(name));
            refuse(source.parent_row, "Parent",
                   "there is no office " + quoted(name) +
                       (meant == names_by_lower_case.end() ? "" : "; did you mean " + quoted(meant->second) + "?"));
            continue;
        }
        state_->parents[i] = found->second;
        state_->children[found->second.value].push_back({i});
        if (sources_[found->second.value].value.type == office_type::vpn)
            refuse(source.parent_row, "Parent",
                   naming(found->second) + " is VPN: its clients do not share, so it has no child offices; choose the office above it");
    }
}

void topology_builder::check_central() {
    std::vector<office_index> found;
    bool unclear = false;
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        unclear = unclear || sources_[i].parent_unclear;
        if (sources_[i].value.parent.empty() && !sources_[i].parent_unclear) found.push_back({i});
    }
    has_central_ = found.size() == 1;
    if (!found.empty()) state_->central = found.front();
    if (found.empty() && !unclear && !sources_.empty())
        refuse(sources_.front().row, "Parent", "there is no central office: the one at the top, with the server, has no parent");
    for (const auto index : found) {
        if (found.size() == 1) break;
        const auto other = index == found.front() ? found[1] : found.front();
        refuse(sources_[index.value].parent_row, "Parent",
               "the parent of " + quoted(sources_[index.value].value.name) + " is missing, and that of " + naming(other) +
                   " too: only one office, the central one, has none");
    }
}

void topology_builder::check_cycles() {
    enum class mark : std::uint8_t { unseen, on_path, done };
    std::vector<mark> marks(sources_.size(), mark::unseen);
    for (std::uint32_t start = 0; start < sources_.size(); ++start) {
        std::vector<office_index> path;
        std::optional<office_index> at = office_index{start};
        while (at && marks[at->value] == mark::unseen) {
            marks[at->value] = mark::on_path;
            path.push_back(*at);
            at = state_->parents[at->value];
        }
        if (at && marks[at->value] == mark::on_path) {
            const auto first = std::find(path.begin(), path.end(), *at);
            for (auto it = first; it != path.end(); ++it)
                refuse(sources_[it->value].parent_row, "Parent",
                       quoted(sources_[it->value].value.name) + " is below itself: following its parents (" +
                           quoted(sources_[it->value].value.parent) + " first) leads back to it");
        }
        for (const auto index : path) marks[index.value] = mark::done;
    }
}

void topology_builder::order_by_depth() {
    state_->depths.assign(sources_.size(), 0);
    std::vector<office_index> queue{state_->central};
    for (std::size_t i = 0; i < queue.size(); ++i) {
        for (const auto child : state_->children[queue[i].value]) {
            state_->depths[child.value] = state_->depths[queue[i].value] + 1;
            queue.push_back(child);
        }
    }
    P2PDIST_ASSERT(queue.size() == sources_.size());
}

void topology_builder::check_areas() {
    std::vector<detail::owned_range> areas;
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        const auto& source = sources_[i];
        if (source.value.areas.empty() && !source.areas_incomplete)
            refuse(source.row, "Subnet", quoted(source.value.name) + " has no addresses: give it a subnet or a range");
        for (std::size_t item = 0; item < source.value.areas.size(); ++item) {
            const auto& area = source.value.areas[item];
            const auto range = range_of(area);
            if (range.first.address_family() != range.last.address_family())
                refuse(source.area_rows[item], column_of(area),
                       "the range starts with an address of one family and ends with one of the other");
            else if (range.last < range.first)
                refuse(source.area_rows[item], column_of(area), "the range starts after its end");
            else
                areas.push_back({range, {i}, item});
        }
    }
    for (auto [area, other] : detail::find_conflicts(areas)) {
        areas_consistent_ = false;
        const auto row_of = [&](const detail::owned_range& of) { return sources_[of.owner.value].area_rows[of.item]; };
        if (row_of(area) < row_of(other)) std::swap(area, other);
        const auto& written = sources_[area.owner.value].value.areas[area.item];
        const auto& other_source = sources_[other.owner.value];
        refuse(row_of(area), column_of(written),
               to_string(written) + (area.range == other.range ? " equals " : " partly overlaps ") +
                   to_string(other_source.value.areas[other.item]) + " of office " + quoted(other_source.value.name) + " (row " +
                   std::to_string(row_of(other)) + "); subnets and ranges of two offices are apart, or one lies in the other");
    }
    if (areas_consistent_) state_->areas = detail::area_index(std::move(areas));
}

void topology_builder::check_preferred() {
    if (!areas_consistent_) return;
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        const auto& source = sources_[i];
        if (source.areas_incomplete) continue;
        for (std::size_t item = 0; item < source.value.preferred.size(); ++item) {
            const auto& address = source.value.preferred[item];
            const auto owner = state_->areas.find(address);
            if (owner == office_index{i}) continue;
            refuse(source.preferred_rows[item], "Preferred",
                   address.to_string() + " is not in " + quoted(source.value.name) + (owner ? " but in " + naming(*owner) : ""));
        }
    }
}

void topology_builder::check_server(const ip_address& server) {
    if (!has_central_ || !areas_consistent_ || sources_[state_->central.value].areas_incomplete) return;
    const auto owner = state_->areas.find(server);
    if (owner == state_->central) return;
    const auto& central = sources_[state_->central.value];
    refuse(central.row, "Subnet",
           "the server's address " + server.to_string() + " is in " + (owner ? naming(*owner) : "no office") +
               "; it has to be in the central office " + quoted(central.value.name) + " (is its subnet missing here?)");
}

}  // namespace p2pdist
