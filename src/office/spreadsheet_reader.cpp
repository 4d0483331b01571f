#include <algorithm>
#include <array>
#include <map>

#include "csv_table.hpp"
#include "formula_guard.hpp"
#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "text.hpp"
#include "topology_builder.hpp"

namespace p2pdist {
namespace {

using detail::csv_row;
using detail::quoted;

enum class column : std::size_t { office, type, parent, subnet, range_start, range_end, preferred, description };
constexpr std::array<const char*, 8> column_names{"Office",      "Type",      "Parent",    "Subnet",
                                                  "Range start", "Range end", "Preferred", "Description"};
constexpr const char* name_of(column which) noexcept { return column_names[static_cast<std::size_t>(which)]; }

/// A header name as it is compared: without blanks, in lower case.
std::string header_key(std::string_view text) {
    std::string key;
    for (const auto c : text) {
        if (detail::blanks.find(c) == std::string_view::npos) key.push_back(detail::lower(c));
    }
    return key;
}

class reader {
public:
    checked_topology read(std::string_view text, const std::optional<ip_address>& server) && {
        if (text.size() > limits::spreadsheet_bytes_max)
            return refuse_all("the file is larger than " + std::to_string(limits::spreadsheet_bytes_max) + " bytes");
        if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || text.starts_with("PK"))
            return refuse_all("the file is not CSV in UTF-8; save it as \"CSV UTF-8\"");
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        auto table = detail::parse_csv(text);
        const bool complete = table.refusals.empty();
        refusals_ = std::move(table.refusals);
        if (table.rows.empty() && refusals_.empty())
            return refuse_all("the file is empty; its first row names the columns: Office, Type, Parent, Subnet, ...");
        if (table.rows.empty() || !read_header(table.rows.front())) return checked_topology(std::move(refusals_));
        for (auto row = table.rows.begin() + 1; row != table.rows.end(); ++row) read_row(*row);
        // Of a text that could not be cut into rows, don't report what only its lost rows would have given.
        if (!complete) return checked_topology(std::move(refusals_));
        fill_rows();
        return topology_builder(std::move(sources_), std::move(refusals_)).build(server);
    }

private:
    static checked_topology refuse_all(std::string reason) { return checked_topology(std::vector<refusal>{{1, "", std::move(reason)}}); }
    void refuse(int row, column which, std::string reason) { refusals_.push_back({row, name_of(which), std::move(reason)}); }

    [[nodiscard]] bool read_header(const csv_row& row) {
        const auto before = refusals_.size();
        for (std::size_t cell = 0; cell < row.cells.size(); ++cell) {
            const auto key = header_key(row.cells[cell]);
            if (key.empty()) continue;
            const auto known =
                std::find_if(column_names.begin(), column_names.end(), [&](const char* name) { return header_key(name) == key; });
            if (known == column_names.end()) {
                refusals_.push_back(
                    {row.number, is_utf8(row.cells[cell]) ? row.cells[cell] : "?",
                     "unknown column; there are Office, Type, Parent, Subnet, Range start, Range end, Preferred, Description"});
                continue;
            }
            auto& place = places_[static_cast<std::size_t>(known - column_names.begin())];
            if (place) refusals_.push_back({row.number, *known, "the column is there twice"});
            place = cell;
        }
        for (const auto needed : {column::office, column::type, column::parent}) {
            if (!places_[static_cast<std::size_t>(needed)]) refuse(row.number, needed, "the column is missing");
        }
        if (!places_[static_cast<std::size_t>(column::subnet)] && !places_[static_cast<std::size_t>(column::range_start)])
            refuse(row.number, column::subnet, "the column is missing, and Range start too");
        return refusals_.size() == before;
    }

    [[nodiscard]] std::string_view cell(const csv_row& row, column which) const noexcept {
        const auto place = places_[static_cast<std::size_t>(which)];
        return place && *place < row.cells.size() ? std::string_view(row.cells[*place]) : std::string_view{};
    }

    /// Whether the row can be read at all.
    [[nodiscard]] bool check_cells(const csv_row& row) {
        const auto before = refusals_.size();
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            const auto place = std::find(places_.begin(), places_.end(), std::optional(i));
            const std::string where = place == places_.end() ? "" : column_names[static_cast<std::size_t>(place - places_.begin())];
            if (place == places_.end() && !row.cells[i].empty())
                refusals_.push_back(
                    {row.number, where, quoted(is_utf8(row.cells[i]) ? row.cells[i] : "?") + " stands in a column without a name"});
            else if (!is_utf8(row.cells[i]))
                refusals_.push_back({row.number, where, "the text is not UTF-8; save the file as \"CSV UTF-8\""});
        }
        return refusals_.size() == before;
    }

    void read_row(const csv_row& row) {
        const bool readable = check_cells(row);
        const auto name = detail::strip_formula_guard(cell(row, column::office));
        if (name.empty()) {
            if (readable) refuse(row.number, column::office, "the name of the office is missing");
            return;
        }
        if (!is_utf8(name)) return;
        const auto [known, added] = by_name_.emplace(name, sources_.size());
        if (added) {
            sources_.emplace_back();
            sources_.back().value.name = name;
            sources_.back().row = row.number;
        }
        auto& source = sources_[known->second];
        if (!readable) {
            source.areas_incomplete = source.parent_unclear = true;
            return;
        }
        read_type(row, source);
        read_parent(row, source);
        read_area(row, source);
        read_preferred(row, source);
        const auto text = detail::strip_formula_guard(cell(row, column::description));
        auto& description = source.value.description;
        if (!text.empty()) description += (description.empty() ? "" : "; ") + text;
    }

    void read_type(const csv_row& row, office_source& source) {
        const auto text = cell(row, column::type);
        if (text.empty()) return;
        const auto type = parse_office_type(text);
        if (!type) {
            refuse(row.number, column::type, quoted(text) + " is no type of office; there are Default, VPN and Wi-Fi");
        } else if (source.type_row != 0 && *type != source.value.type) {
            refuse(row.number, column::type,
                   quoted(source.value.name) + " is " + std::string(to_string(source.value.type)) + " in row " +
                       std::to_string(source.type_row));
        } else {
            source.value.type = *type;
        }
        if (source.type_row == 0) source.type_row = row.number;
    }

    void read_parent(const csv_row& row, office_source& source) {
        const auto text = detail::strip_formula_guard(cell(row, column::parent));
        if (text.empty()) return;
        if (source.value.parent.empty()) {
            source.value.parent = text;
            source.parent_row = row.number;
        } else if (source.value.parent != text) {
            refuse(row.number, column::parent,
                   "the parent of " + quoted(source.value.name) + " is " + quoted(source.value.parent) + " in row " +
                       std::to_string(source.parent_row));
        }
    }

    void read_area(const csv_row& row, office_source& source) {
        const auto before = refusals_.size();
        const auto block = cell(row, column::subnet);
        const auto start = cell(row, column::range_start);
        const auto end = cell(row, column::range_end);
        if (!block.empty() && (!start.empty() || !end.empty()))
            refuse(row.number, column::subnet, "the row has a subnet and a range; give the range a row of its own");
        if (!block.empty()) {
            const auto parsed = subnet::parse(block);
            if (parsed)
                add_area(row, source, *parsed);
            else
                refuse(row.number, column::subnet, parsed.error().message);
        }
        if (!start.empty() || !end.empty()) read_range(row, source, start, end);
        if (refusals_.size() != before) source.areas_incomplete = true;
    }

    void read_range(const csv_row& row, office_source& source, std::string_view start, std::string_view end) {
        if (start.empty() || end.empty()) {
            const auto [missing, there] =
                start.empty() ? std::pair(column::range_start, column::range_end) : std::pair(column::range_end, column::range_start);
            refuse(row.number, missing,
                   std::string("the range has no ") + (start.empty() ? "start" : "end") + ", but " + name_of(there) + " is " +
                       quoted(start.empty() ? end : start));
        }
        const auto first = read_address(row, column::range_start, start);
        const auto last = read_address(row, column::range_end, end);
        if (!first || !last) return;
        if (first->address_family() != last->address_family())
            refuse(row.number, column::range_end, "the range starts with an address of one family and ends with one of the other");
        else if (*last < *first)
            refuse(row.number, column::range_start, "the range starts after its end: " + first->to_string() + ", " + last->to_string());
        else
            add_area(row, source, address_range{*first, *last});
    }

    static void add_area(const csv_row& row, office_source& source, office_area area) {
        source.value.areas.push_back(area);
        source.area_rows.push_back(row.number);
    }

    /// Nothing for an empty cell, and for a malformed one, which is reported.
    [[nodiscard]] std::optional<ip_address> read_address(const csv_row& row, column which, std::string_view text) {
        if (text.empty()) return std::nullopt;
        const auto address = ip_address::parse(text);
        if (address) return *address;
        refuse(row.number, which, address.error().message);
        return std::nullopt;
    }

    void read_preferred(const csv_row& row, office_source& source) {
        auto rest = cell(row, column::preferred);
        while (!(rest = rest.substr(std::min(rest.size(), rest.find_first_not_of(" \t\r\n,;")))).empty()) {
            const auto size = std::min(rest.size(), rest.find_first_of(" \t\r\n,;"));
            if (const auto address = read_address(row, column::preferred, rest.substr(0, size))) {
                source.value.preferred.push_back(*address);
                source.preferred_rows.push_back(row.number);
            }
            rest.remove_prefix(size);
        }
    }

    /// What no row of an office gave is missing in its first row.
    void fill_rows() {
        for (auto& source : sources_) {
            if (source.parent_row == 0) source.parent_row = source.row;
            if (source.type_row == 0 && !source.parent_unclear)
                refuse(source.row, column::type,
                       "the type of " + quoted(source.value.name) + " is missing; there are Default, VPN and Wi-Fi");
        }
    }

    std::array<std::optional<std::size_t>, column_names.size()> places_;
    std::vector<refusal> refusals_;
    std::vector<office_source> sources_;
    std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace

checked_topology parse_spreadsheet(std::string_view text, const std::optional<ip_address>& server) { return reader().read(text, server); }

std::optional<refusal> check_server(const topology& offices, const ip_address& server) {
    if (offices.office_of(server) == offices.central()) return std::nullopt;
    const auto checked = topology_builder(topology_builder::with_exported_rows(offices.offices())).build(server);
    P2PDIST_ASSERT(!checked);
    return checked.refusals().front();
}

}  // namespace p2pdist
