// p2pdist-admin: the connector. One command, one request (publishing hashes the file first), one answer.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "admin/show.hpp"
#include "common/program.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/driver/connector.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/hash_file.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/driver/server.hpp"

using namespace p2pdist;

namespace {

struct options {
    std::string server, key_file, bind, ports;
    double timeout_seconds = 15;
    bool json = false;
    tools::log_options log;
    std::string licence, file, id, hash, tree_out, setting, value, client, reason;
    bool at_once = false;
    bool unregistered = false;
    std::uint32_t seats = 0;
    std::uint64_t size = 0;
};

/// Asks the server once; `show` prints the reply and gives the exit code.
int ask(const options& given, message_body request, const std::function<int(const message_body&)>& show) {
    connector_options settings;
    if (given.server.empty()) throw CLI::RequiredError("--server");
    if (given.key_file.empty()) throw CLI::RequiredError("--key-file");
    settings.server = tools::parse_address(given.server, "--server");
    if (!given.bind.empty()) settings.bind = tools::parse_address(given.bind, "--bind");
    else if (!settings.server.is_v4()) settings.bind = ip_address::v6({});
    if (!given.ports.empty()) settings.ports = tools::parse_ports(given.ports, "--ports");
    settings.log = given.log.sink();
    settings.security_key = tools::read_key(given.key_file, settings.log);
    settings.timeout = std::chrono::duration_cast<duration>(std::chrono::duration<double>(given.timeout_seconds));
    asio::io_context io(1);
    connector link(io.get_executor(), settings);
    int code = tools::failed;
    tools::stop_signals signals(io, [&] {
        code = tools::interrupted;
        link.stop();
    });
    link.request(std::move(request), [&](result<message_body> answer) {
        code = answer ? show(*answer) : tools::report(answer.error());
        signals.cancel();
        link.stop();
    });
    io.run();
    return code;
}

int ask_and_show(const options& given, message_body request) {
    return ask(given, std::move(request), [&](const message_body& answer) { return tools::show_answer(answer, given.json); });
}

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw CLI::FileError("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The file's metadata; nothing else of it leaves this machine (SRV-1).
content_info describe_file(const options& given) {
    const auto crypto = make_openssl_crypto();
    const auto tree = hash_file(*crypto, given.file).value();
    if (!given.tree_out.empty()) write_tree_file(tree, given.tree_out).value();
    content_info content;
    content.hash = {hash_kind::sha256_tree, tree.root()};
    content.size_bytes = tree.geometry().size_bytes();
    content.id = given.id.empty() ? default_content_id(content.hash) : content_id::parse(given.id).value();
    return content;
}

content_info describe_options(const options& given) {
    if (given.id.empty() || given.hash.empty()) throw CLI::RequiredError("FILE, or --id, --size and --hash");
    content_info content;
    content.id = content_id::parse(given.id).value();
    const auto hash = content_hash::parse(given.hash);
    if (!hash) throw CLI::ValidationError("--hash", hash.error().message);
    content.hash = *hash;
    content.size_bytes = given.size;
    return content;
}

int publish(const options& given) {
    const auto content = given.file.empty() ? describe_options(given) : describe_file(given);
    return ask(given, publish_request{{content}}, [&](const message_body& answer) {
        const auto* reply = std::get_if<publish_reply>(&answer);
        if (given.json) {
            std::cout << tools::json{{"content", content.id.text()}, {"size", content.size_bytes}, {"hash", content.hash.to_string()},
                                     {"added", reply != nullptr && reply->added > 0}}.dump() << '\n';
        } else {
            std::cout << content.id.text() << "  " << content.size_bytes << "  " << content.hash.to_string() << '\n';
            if (reply != nullptr && reply->added == 0) std::cout << "(was published already)\n";
        }
        return tools::done;
    });
}

int export_topology(const options& given, bool detected) {
    return ask(given, topology_export_request{detected}, [&](const message_body& answer) -> int {
        const auto& reply = std::get<topology_export_reply>(answer);
        if (given.file.empty() || given.file == "-") {
            if (given.json) std::cout << tools::json{{"version", reply.version}, {"spreadsheet", reply.spreadsheet}}.dump() << '\n';
            else std::cout << reply.spreadsheet;
            return tools::done;
        }
        std::ofstream file(given.file, std::ios::binary);
        if (!(file << reply.spreadsheet).flush()) return tools::report({errc::io_failed, "cannot write " + given.file});
        if (given.json) std::cout << tools::json{{"file", given.file}, {"version", reply.version}}.dump() << '\n';
        else std::cout << "written to " << given.file << '\n';
        return tools::done;
    });
}

/// The commands under construction: each says what it is called, and what is done once the line has been read.
class command_line {
public:
    command_line(CLI::App& app, options& given, std::function<int()>& action) : app_(&app), given_(&given), action_(&action) {}

    void add_server_commands();
    void add_content_commands();
    void add_topology_commands();
    void add_client_commands();
    void add_setting_commands();

private:
    CLI::App* add(CLI::App& parent, const char* name, const char* help, std::function<int()> what) {
        auto* command = parent.add_subcommand(name, help);
        command->callback([action = action_, what = std::move(what)] { *action = what; });
        return command;
    }
    /// A command that is one question; `request` is made when the line has been read.
    template <class MakeRequest>
    CLI::App* add_question(CLI::App& parent, const char* name, const char* help, MakeRequest request) {
        return add(parent, name, help, [given = given_, request] { return ask_and_show(*given, request(*given)); });
    }
    CLI::App& group(const char* name, const char* help) {
        auto* command = app_->add_subcommand(name, help);
        command->require_subcommand(1);
        return *command;
    }

    CLI::App* app_;
    options* given_;
    std::function<int()>* action_;
};

void command_line::add_server_commands() {
    auto* activate = add_question(*app_, "activate", "Activate distribution with a licence key",
                                  [](const options& given) { return activate_request{given.licence, given.seats}; });
    activate->add_option("--licence", given_->licence, "The licence key")->required();
    activate->add_option("--seats", given_->seats, "How many licences were bought")->required()->check(CLI::PositiveNumber);
    add_question(*app_, "health", "Check the server", [](const options&) { return health_request{}; });
    add_question(*app_, "licences", "Bought, used and surplus licences", [](const options&) { return licences_request{}; });
}

void command_line::add_content_commands() {
    auto& content = group("content", "Published contents");
    auto* publishing = add(content, "publish", "Publish a file's metadata (the file itself is not sent)", [given = given_] { return publish(*given); });
    publishing->add_option("FILE", given_->file)->check(CLI::ExistingFile);
    publishing->add_option("--id", given_->id, "Content id; default: the hash");
    publishing->add_option("--size", given_->size, "Without FILE: the size in bytes");
    publishing->add_option("--hash", given_->hash, "Without FILE: sha256-tree:HEX or sha256:HEX");
    publishing->add_option("--tree-out", given_->tree_out, "Write the hash tree here, to lie beside the package on a CDN or file store as <name>.tree");
    add_question(content, "list", "What is published", [](const options&) { return contents_request{}; });
    const auto id_of = [](const options& given) { return content_id::parse(given.id).value(); };
    const auto id_option = [this](CLI::App* command) { command->add_option("ID", given_->id, "The content's id")->required(); };
    id_option(add_question(content, "remove", "Withdraw a content", [=](const options& given) { return remove_content_request{id_of(given)}; }));
    id_option(add_question(content, "holders", "Who has a content", [=](const options& given) { return holders_request{id_of(given)}; }));
}

void command_line::add_topology_commands() {
    auto& topology = group("topology", "The hierarchy of offices");
    const auto file_option = [this](CLI::App* command) { return command->add_option("FILE", given_->file, "CSV")->required(); };
    file_option(add(topology, "export", "Write the topology to a spreadsheet", [given = given_] { return export_topology(*given, false); }));
    file_option(add(topology, "detected", "Write the topology that the system detected", [given = given_] { return export_topology(*given, true); }));
    file_option(add_question(topology, "import", "Put a spreadsheet in force", [](const options& given) {
        return topology_import_request{read_text(given.file), false};
    }))->check(CLI::ExistingFile);
    file_option(add_question(topology, "check", "Check a spreadsheet, change nothing", [](const options& given) {
        return topology_import_request{read_text(given.file), true};
    }))->check(CLI::ExistingFile);
    add(topology, "show", "Print the topology in force", [given = given_] { return export_topology(*given, false); });
    add_question(*app_, "offices", "All offices", [](const options&) { return offices_request{}; });
    add_question(*app_, "links", "Content bytes over each office's link to its parent", [](const options&) { return links_request{}; });
}

void command_line::add_client_commands() {
    auto* clients = app_->add_subcommand("clients", "All clients; shut one out, or let it in again");
    clients->callback([given = given_, action = action_, clients] {
        if (clients->get_subcommands().empty()) *action = [given] { return ask_and_show(*given, clients_request{}); };
    });
    const auto client_option = [this](CLI::App* command) {
        command->add_option("ID", given_->client, "The client's id, as `clients` shows it")->required();
    };
    const auto client_of = [](const options& given) {
        const auto id = client_id::parse(given.client);
        if (!id) throw CLI::ValidationError("ID", "'" + given.client + "' is no client id: 32 hexadecimal digits");
        return *id;
    };
    auto* revoke = add_question(*clients, "revoke", "Shut a client out: nobody serves it any more, and it serves nobody", [=](const options& given) {
        return revoke_request{client_of(given), given.reason, given.unregistered};
    });
    client_option(revoke);
    revoke->add_option("--reason", given_->reason, "Shown by `clients`");
    revoke->add_flag("--unregistered", given_->unregistered, "Also a device that is not registered, such as one that left: its certificate may count still");
    client_option(add_question(*clients, "reinstate", "Let a revoked client in again", [=](const options& given) { return reinstate_request{client_of(given)}; }));
    auto& keys = group("keys", "The keys that the members share");
    auto* rotate = add_question(keys, "rotate", "Begin a new key epoch without a revocation; members renew their certificates by themselves",
                                [](const options& given) { return rotate_epoch_request{given.at_once}; });
    rotate->add_flag("--at-once", given_->at_once,
                     "Refuse the former keys now, not after the grace period: members that don't reach the server stand alone until they do");
}

void command_line::add_setting_commands() {
    auto& settings = group("settings", "The organisation's settings");
    add_question(settings, "show", "All settings", [](const options&) { return settings_show_request{}; });
    auto* set = add_question(settings, "set", "Change a setting; an empty value takes it back",
                             [](const options& given) { return settings_set_request{given.setting, given.value}; });
    set->add_option("KEY", given_->setting)->required();
    set->add_option("VALUE", given_->value)->required();
}

}  // namespace

int main(int argc, char** argv) {
    forbid_core_files();
    CLI::App app{"The connector of libp2pdist: activates the server, checks its health, publishes metadata, keeps the topology."};
    app.require_subcommand(1);
    options given;
    app.add_option("--server", given.server, "The server's address");
    app.add_option("--key-file", given.key_file, "File with the security key that the server printed");
    app.add_option("--bind", given.bind, "Own address; default: any");
    app.add_option("--ports", given.ports, "Move the port block by a number, or a file of `name = port` lines");
    app.add_option("--timeout", given.timeout_seconds, "Seconds to wait for the server")->check(CLI::Range(0.1, 3600.0));
    app.add_flag("--json", given.json, "Print one JSON document");
    given.log.level = "warning";
    given.log.add_to(app);

    std::function<int()> action;
    command_line commands(app, given, action);
    commands.add_server_commands();
    commands.add_content_commands();
    commands.add_topology_commands();
    commands.add_client_commands();
    commands.add_setting_commands();
    tools::add_firewall_command(app, role::connector, "p2pdist-admin", action);
    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
