#pragma once
// One sample of every message and every flow signal, for golden files and for bytes to attack.

#include <string>
#include <utility>
#include <vector>

#include "p2pdist/wire/flow_control.hpp"
#include "p2pdist/wire/messages.hpp"

/// By the name of its golden file.
[[nodiscard]] std::vector<std::pair<std::string, p2pdist::message>> sample_messages();
[[nodiscard]] std::vector<std::pair<std::string, p2pdist::flow_control>> sample_flow_controls();
