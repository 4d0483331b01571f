#pragma once
// What is wrong with the server and its organisation, and how to mend it.

#include "server_context.hpp"

namespace p2pdist {

[[nodiscard]] health_reply check_health(time_point now, const server_context& shared);

}  // namespace p2pdist
