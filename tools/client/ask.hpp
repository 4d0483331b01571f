#pragma once

#include <functional>
#include <string>

#include "common/program.hpp"

namespace p2pdist::tools {

/// The settings of the commands that ask a running client.
struct ask_options {
    std::string data, content, output, file;
    bool json = false, watch = false;
};

/// get, import, status, transfers, peers, explain, pause, resume, check, store ...; each sets `action`.
void add_ask_commands(CLI::App& app, ask_options& options, std::function<int()>& action);

}  // namespace p2pdist::tools
