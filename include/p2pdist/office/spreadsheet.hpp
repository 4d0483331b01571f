#pragma once
// The topology as a spreadsheet (OFF-5): CSV that any spreadsheet program edits. Also the form in which a topology is stored and sent.

#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/office/topology.hpp"

namespace p2pdist {

/// Reads CSV (RFC 4180; UTF-8 with or without BOM; comma or semicolon, told by the header; lines ending in LF, CRLF or CR).
/// Columns: Office, Type, Parent, Subnet, Range start, Range end, Preferred, Description, in any order, without regard to case and
/// spaces; Office, Type and Parent have to be there. Each row is a subnet or a range of an office; rows come in any order, and one row
/// of an office gives its type and parent. Several preferred addresses in a cell are separated by spaces. Several descriptions of an
/// office are joined with "; ". Blank rows are skipped, and counted.
///
/// Every bad row is reported with its number, column and reason; a bad file gives no topology. Where the file cannot be cut into rows
/// (an unterminated quote) only that is reported.
///
/// With a `server` address, a topology that places it outside the central office is refused too (SRV-4).
[[nodiscard]] P2PDIST_API checked_topology parse_spreadsheet(std::string_view text, const std::optional<ip_address>& server = std::nullopt);

/// The topology as CSV: commas, CRLF, a row for each subnet or range, a BOM where a character is not ASCII (some spreadsheet programs
/// need one). parse_spreadsheet() gives the same topology back, and equal topologies give equal text.
///
/// A name or description that a spreadsheet program would run as a formula (it starts with = + - or @, or with apostrophes and then
/// one of these) gets an apostrophe in front, which reading takes away again.
[[nodiscard]] P2PDIST_API std::string to_spreadsheet(const topology& offices);

/// SRV-4: the server's address has to belong to the central office. Nothing where it does; otherwise the refusal, at the central office's
/// first row of to_spreadsheet().
[[nodiscard]] P2PDIST_API std::optional<refusal> check_server(const topology& offices, const ip_address& server);

}  // namespace p2pdist
