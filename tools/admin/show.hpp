#pragma once
// The server's answers to a connector, for people and as JSON.

#include "p2pdist/wire/messages.hpp"

namespace p2pdist::tools {

/// Prints it; the exit code is 4 where the server refused a spreadsheet.
int show_answer(const message_body& answer, bool as_json);

}  // namespace p2pdist::tools
