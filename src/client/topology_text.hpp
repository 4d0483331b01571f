#pragma once
// The topology as the server sends it and a client keeps it.

#include <optional>
#include <string>

#include "p2pdist/office/spreadsheet.hpp"

namespace p2pdist::client_room {

/// Nothing where there is no text or it makes no sense.
[[nodiscard]] inline std::optional<topology> read_topology(const std::string& spreadsheet) {
    if (spreadsheet.empty()) return std::nullopt;
    auto parsed = parse_spreadsheet(spreadsheet);
    if (!parsed) return std::nullopt;
    return *parsed;
}

}  // namespace p2pdist::client_room
