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
    settings.security_key = read_key_file(given.key_file).value();
    settings.timeout = std::chrono::duration_cast<duration>(std::chrono::duration<double>(given.timeout_seconds));
    settings.log = given.log.sink();
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
    const auto add = [&](CLI::App& parent, const char* name, const char* help, std::function<int()> what) {
        auto* command = parent.add_subcommand(name, help);
        command->callback([&action, what = std::move(what)] { action = what; });
        return command;
    };
    const auto group = [&](const char* name, const char* help) {
        auto* command = app.add_subcommand(name, help);
        command->require_subcommand(1);
        return command;
    };
    const auto id_option = [&](CLI::App* command) {
        command->add_option("ID", given.id, "The content's id")->required();
    };
    const auto id_of = [&given] { return content_id::parse(given.id).value(); };

    auto* activate = add(app, "activate", "Activate distribution with a licence key", [&] {
        return ask_and_show(given, activate_request{given.licence, given.seats});
    });
    activate->add_option("--licence", given.licence, "The licence key")->required();
    activate->add_option("--seats", given.seats, "How many licences were bought")->required()->check(CLI::PositiveNumber);
    add(app, "health", "Check the server", [&] { return ask_and_show(given, health_request{}); });
    add(app, "licences", "Bought, used and surplus licences", [&] { return ask_and_show(given, licences_request{}); });

    auto* content = group("content", "Published contents");
    auto* publishing = add(*content, "publish", "Publish a file's metadata (the file itself is not sent)", [&] { return publish(given); });
    publishing->add_option("FILE", given.file)->check(CLI::ExistingFile);
    publishing->add_option("--id", given.id, "Content id; default: the hash");
    publishing->add_option("--size", given.size, "Without FILE: the size in bytes");
    publishing->add_option("--hash", given.hash, "Without FILE: sha256-tree:HEX or sha256:HEX");
    publishing->add_option("--tree-out", given.tree_out, "Write the hash tree here, to lie beside the package on a CDN or file store as <name>.tree");
    add(*content, "list", "What is published", [&] { return ask_and_show(given, contents_request{}); });
    id_option(add(*content, "remove", "Withdraw a content", [&, id_of] { return ask_and_show(given, remove_content_request{id_of()}); }));
    id_option(add(*content, "holders", "Who has a content", [&, id_of] { return ask_and_show(given, holders_request{id_of()}); }));

    auto* topology = group("topology", "The hierarchy of offices");
    const auto file_option = [&](CLI::App* command, bool exists) {
        auto* option = command->add_option("FILE", given.file, "CSV")->required();
        if (exists) option->check(CLI::ExistingFile);
    };
    file_option(add(*topology, "export", "Write the topology to a spreadsheet", [&] { return export_topology(given, false); }), false);
    file_option(add(*topology, "detected", "Write the topology that the system detected", [&] { return export_topology(given, true); }), false);
    file_option(add(*topology, "import", "Put a spreadsheet in force", [&] {
        return ask_and_show(given, topology_import_request{read_text(given.file), false});
    }), true);
    file_option(add(*topology, "check", "Check a spreadsheet, change nothing", [&] {
        return ask_and_show(given, topology_import_request{read_text(given.file), true});
    }), true);
    add(*topology, "show", "Print the topology in force", [&] { return export_topology(given, false); });

    auto* clients = app.add_subcommand("clients", "All clients; shut one out, or let it in again");
    clients->callback([&] {
        if (clients->get_subcommands().empty()) action = [&] { return ask_and_show(given, clients_request{}); };
    });
    const auto client_option = [&](CLI::App* command) {
        command->add_option("ID", given.client, "The client's id, as `clients` shows it")->required();
    };
    const auto client_of = [&given] {
        const auto id = client_id::parse(given.client);
        if (!id) throw CLI::ValidationError("ID", "'" + given.client + "' is no client id: 32 hexadecimal digits");
        return *id;
    };
    auto* revoke = add(*clients, "revoke", "Shut a client out: nobody serves it any more, and it serves nobody", [&, client_of] {
        return ask_and_show(given, revoke_request{client_of(), given.reason});
    });
    client_option(revoke);
    revoke->add_option("--reason", given.reason, "Shown by `clients`");
    client_option(add(*clients, "reinstate", "Let a revoked client in again", [&, client_of] {
        return ask_and_show(given, reinstate_request{client_of()});
    }));
    auto* keys = group("keys", "The keys that the members share");
    auto* rotate = add(*keys, "rotate", "Begin a new key epoch without a revocation; members renew their certificates by themselves", [&] {
        return ask_and_show(given, rotate_epoch_request{given.at_once});
    });
    rotate->add_flag("--at-once", given.at_once,
                     "Refuse the former keys now, not after the grace period: members that don't reach the server stand alone until they do");
    add(app, "offices", "All offices", [&] { return ask_and_show(given, offices_request{}); });
    add(app, "links", "Content bytes over each office's link to its parent", [&] { return ask_and_show(given, links_request{}); });
    auto* settings = group("settings", "The organisation's settings");
    add(*settings, "show", "All settings", [&] { return ask_and_show(given, settings_show_request{}); });
    auto* set = add(*settings, "set", "Change a setting; an empty value takes it back", [&] {
        return ask_and_show(given, settings_set_request{given.setting, given.value});
    });
    set->add_option("KEY", given.setting)->required();
    set->add_option("VALUE", given.value)->required();

    tools::add_firewall_command(app, role::connector, "p2pdist-admin", action);
    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
