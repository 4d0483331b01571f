// p2pdist-server: init, run, key rotate, check.

#include <iostream>

#include "common/program.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/server.hpp"
#include "server/check.hpp"

using namespace p2pdist;

namespace {

struct options {
    std::string data, database, name, address, bind, ports, file_store;
    double heartbeat_seconds = 60;
    bool security = false, enrolment = false, json = false, plain_udp = false;
    tools::log_options log;
};

void show_key(bool as_json, tools::json keys) {
    if (as_json) {
        std::cout << keys.dump() << '\n';
        return;
    }
    for (const auto& [name, key] : keys.items()) std::cout << name << ": " << key.get<std::string>() << '\n';
}

int initialise(const options& given) {
    std::optional<ip_address> address;
    if (!given.address.empty()) address = tools::parse_address(given.address, "--address");
    const auto secrets = initialise_server(given.data, given.database, given.name, address);
    if (!secrets) return tools::report(secrets.error());
    show_key(given.json, {{"security_key", key_to_text(secrets->security)}, {"enrolment_key", key_to_text(secrets->enrolment)}});
    if (!given.json) {
        std::cout << "Keep both keys: they are shown this once. The security key is for p2pdist-admin --key-file, the enrolment key for\n"
                     "p2pdist-client --enrolment-key-file. On the management side enter the name "
                  << (given.name.empty() ? read_host_name() : given.name) << (address ? " and the address " + address->to_string() : "") << ".\n";
    }
    return tools::done;
}

int rotate(const options& given) {
    if (given.security == given.enrolment) throw CLI::ValidationError("key rotate", "give either --security or --enrolment");
    const auto key = rotate_server_key(given.data, given.security ? server_key::security : server_key::enrolment);
    if (!key) return tools::report(key.error());
    show_key(given.json, {{given.security ? "security_key" : "enrolment_key", key_to_text(*key)}});
    return tools::done;
}

server_options to_server_options(const options& given) {
    server_options out;
    const auto own = find_own_address(given.bind.empty() ? std::nullopt : std::optional(tools::parse_address(given.bind, "--bind")),
                                      ip_address::v4(0x08080808)).value();   // an address behind the default route; nothing is sent there
    out.data = given.data;
    out.database_url = given.database;
    out.bind = own.address;
    out.prefix_bits = own.prefix_bits;
    if (!given.ports.empty()) out.ports = tools::parse_ports(given.ports, "--ports");
    if (!given.file_store.empty()) out.file_store = given.file_store;
    out.heartbeat_interval = std::chrono::duration_cast<duration>(std::chrono::duration<double>(given.heartbeat_seconds));
    out.plain_udp = given.plain_udp;
    return out;
}

int run(const options& given) {
    forbid_core_files();
    auto server_settings = to_server_options(given);
    server_settings.log = given.log.sink();
    asio::io_context io(1);
    server node(io.get_executor(), server_settings);
    tools::stop_signals signals(io, [&] { node.stop(); });
    server_settings.log(log_level::info, "event=started role=server address=" + server_settings.bind.to_string());
    io.run();
    return tools::done;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The server of libp2pdist: metadata, clients, and who has what. It keeps no package."};
    app.require_subcommand(1);
    options given;
    std::function<int()> action;
    const auto command = [&](CLI::App& parent, const char* name, const char* help, auto what) {
        auto* sub = parent.add_subcommand(name, help);
        sub->callback([&, what] { action = [&, what] { return what(given); }; });
        return sub;
    };
    const auto add_data = [&](CLI::App* sub) { sub->add_option("--data", given.data, "The server's directory: keys, database, tree cache")->required(); };
    const auto add_json = [&](CLI::App* sub) { sub->add_flag("--json", given.json, "Print one JSON document"); };

    auto* init = command(app, "init", "Make the database and the keys; prints the keys, once", initialise);
    add_data(init);
    add_json(init);
    init->add_option("--database", given.database, "sqlite:///PATH; default: in the data directory");
    init->add_option("--name", given.name, "The server's name, for the management side");
    init->add_option("--address", given.address, "The server's address, for the management side");

    auto* running = command(app, "run", "Run the server until SIGINT or SIGTERM", run);
    add_data(running);
    running->add_option("--bind", given.bind, "Own address; default: of the interface with the default route");
    running->add_option("--database", given.database, "Instead of the one that init recorded; it has to be there");
    running->add_option("--ports", given.ports, "Move the port block by a number, or a file of `name = port` lines");
    running->add_option("--file-store", given.file_store, "Feed the central office from the packages in this directory (named by content id)")
        ->check(CLI::ExistingDirectory);
    running->add_option("--heartbeat", given.heartbeat_seconds, "Seconds between two heartbeats of a client")->check(CLI::Range(0.2, 86400.0));
    running->add_flag("--plain-udp", given.plain_udp, "One datagram a system call, as on systems without batches");
    given.log.add_to(*running);

    auto* key = app.add_subcommand("key", "The server's keys");
    key->require_subcommand(1);
    auto* rotating = command(*key, "rotate", "Make a new key; the old one is worthless at once", rotate);
    add_data(rotating);
    add_json(rotating);
    rotating->add_flag("--security", given.security, "The connector's key");
    rotating->add_flag("--enrolment", given.enrolment, "The clients' key");

    auto* check = command(app, "check", "Check database, ports and topology: what is wrong and how to mend it", [](const options& what) {
        return tools::check_server(to_server_options(what), what.json);
    });
    add_data(check);
    add_json(check);
    check->add_option("--bind", given.bind, "As for run");
    check->add_option("--ports", given.ports, "As for run");
    check->add_option("--database", given.database, "As for run");

    tools::add_firewall_command(app, role::server, "p2pdist-server", action);
    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
