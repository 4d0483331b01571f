#include <algorithm>

#include "csv_table.hpp"
#include "formula_guard.hpp"
#include "p2pdist/office/spreadsheet.hpp"

namespace p2pdist {
namespace {

std::string joined(const std::vector<ip_address>& addresses) {
    std::string out;
    for (const auto& address : addresses) out += (out.empty() ? "" : " ") + address.to_string();
    return out;
}

/// The cells Subnet, Range start and Range end.
void append_area(std::string& out, const office_area& area) {
    if (const auto* block = std::get_if<subnet>(&area)) {
        out += block->to_string() + ",,";
    } else {
        const auto range = range_of(area);
        out += "," + range.first.to_string() + "," + range.last.to_string();
    }
}

void append_rows(std::string& out, const office& row) {
    for (std::size_t i = 0; i < row.areas.size(); ++i) {
        detail::append_csv_cell(out, detail::guard_formula(row.name));
        out += ",";
        if (i == 0) {
            out += to_string(row.type);
            out += ",";
            detail::append_csv_cell(out, detail::guard_formula(row.parent));
        } else {
            out += ",";
        }
        out += ",";
        append_area(out, row.areas[i]);
        out += ",";
        if (i == 0) {
            out += joined(row.preferred) + ",";
            detail::append_csv_cell(out, detail::guard_formula(row.description));
        } else {
            out += ",";
        }
        out += "\r\n";
    }
}

}  // namespace

std::string to_spreadsheet(const topology& offices) {
    std::string out = "Office,Type,Parent,Subnet,Range start,Range end,Preferred,Description\r\n";
    for (const auto& each : offices.offices()) append_rows(out, each);
    const bool ascii = std::all_of(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    return ascii ? out : "\xef\xbb\xbf" + out;
}

}  // namespace p2pdist
