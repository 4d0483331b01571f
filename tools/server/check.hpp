#pragma once

#include "p2pdist/driver/server.hpp"

namespace p2pdist::tools {

/// Prints a finding a line (or one JSON document); exit code 1 where one of them is an error.
int check_server(const server_options& options, bool as_json);

}  // namespace p2pdist::tools
