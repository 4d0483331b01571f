#pragma once

#include <string>

#include "common/program.hpp"

namespace p2pdist::tools {

/// The settings of `p2pdist-client run`, as text.
struct run_options {
    std::string data, server, enrolment_key_file, bind, broadcast, ports, store_limit, cdn, file_store;
    std::string free_storage, usable_storage, uptime, model, os;
    bool preferred = false, plain_udp = false;
    log_options log;
};

void add_run_options(CLI::App& command, run_options& options);
int run_client(const run_options& options);

}  // namespace p2pdist::tools
