// p2pdist-client: run, and the commands that ask a running client.

#include <iostream>

#include "client/ask.hpp"
#include "client/run.hpp"
#include "common/program.hpp"

using namespace p2pdist;

int main(int argc, char** argv) {
    CLI::App app{"The client of libp2pdist: stores, serves and fetches packages on this device."};
    app.require_subcommand(1);
    std::function<int()> action;

    tools::run_options running;
    auto* run = app.add_subcommand("run", "Run the client until SIGINT or SIGTERM");
    tools::add_run_options(*run, running);
    run->callback([&] { action = [&] { return tools::run_client(running); }; });

    tools::ask_options asked;
    tools::add_ask_commands(app, asked, action);
    tools::add_firewall_command(app, role::client, "p2pdist-client", action);
    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
