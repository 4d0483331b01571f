#pragma once
// `p2pdist-server check`: looks at an installation from outside, also while the server runs.

#include <vector>

#include "p2pdist/driver/server.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

/// Keys, database, ports, topology and file store: each with what is wrong and how to mend it.
[[nodiscard]] std::vector<health_finding> check_server_installation(const server_options& options);

}  // namespace p2pdist
