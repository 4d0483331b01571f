#pragma once
// CSV text cut into rows and cells. libcsv stays behind this header.

#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/office/topology.hpp"

namespace p2pdist::detail {

/// A row that is not blank. Cells are without blanks at their ends.
struct csv_row {
    int number = 0;  ///< as a spreadsheet program counts: the first is 1, blank rows count
    std::vector<std::string> cells;
};

struct csv_table {
    std::vector<csv_row> rows;
    std::vector<refusal> refusals;  ///< why the text is no table; then `rows` end before that
};

/// RFC 4180, strictly: quotes only around a whole cell. The delimiter is the one of ',' and ';' that the first row has more of.
[[nodiscard]] csv_table parse_csv(std::string_view text);

/// Appends a cell, in quotes where it needs them.
void append_csv_cell(std::string& out, std::string_view cell);

}  // namespace p2pdist::detail
