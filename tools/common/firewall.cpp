#include <iostream>

#include "common/program.hpp"

namespace p2pdist::tools {
namespace {

std::vector<std::uint16_t> inbound_ports(role of, const port_plan& plan) {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < port_use_count; ++i) {
        const auto use = static_cast<port_use>(i);
        if (binder_of(use) == of) ports.push_back(plan[use]);
    }
    return ports;
}

std::string joined(const std::vector<std::uint16_t>& ports, const char* separator) {
    std::string out;
    for (const auto port : ports) out += (out.empty() ? "" : separator) + std::to_string(port);
    return out;
}

void print_rules(const std::string& format, const std::string& name, const std::vector<std::uint16_t>& ports) {
    if (format == "nft") {
        // A table of our own could accept nothing that another table drops: the rule has to stand in the chain that filters.
        std::cout << "# 'inet filter input' is the chain that filters incoming packets on Debian; put the name of yours in its place\n"
                  << "nft insert rule inet filter input udp dport '{ " << joined(ports, ", ") << " }' accept comment '\"" << name << "\"'\n";
    } else if (format == "netsh") {
        std::cout << "netsh advfirewall firewall add rule name=\"" << name << "\" dir=in action=allow protocol=UDP localport=" << joined(ports, ",") << '\n';
    } else {
        for (const auto port : ports) {
            if (format == "ufw") std::cout << "ufw allow " << port << "/udp comment '" << name << "'\n";
            if (format == "firewalld") std::cout << "firewall-cmd --permanent --add-port=" << port << "/udp\n";
            for (const auto* program : {"iptables", "ip6tables"}) {
                if (format == "iptables") std::cout << program << " -I INPUT -p udp --dport " << port << " -m comment --comment " << name << " -j ACCEPT\n";
            }
        }
        if (format == "firewalld") std::cout << "firewall-cmd --reload\n";
    }
}

}  // namespace

void add_firewall_command(CLI::App& app, role of, const std::string& program, std::function<int()>& action) {
    auto* command = app.add_subcommand("firewall", "Print the firewall rules that this program needs");
    auto format = std::make_shared<std::string>();
    command->add_option("--format", *format, "nft, ufw, firewalld, iptables or netsh")
        ->required()->check(CLI::IsMember({"nft", "ufw", "firewalld", "iptables", "netsh"}));
    auto ports = std::make_shared<std::string>();
    auto* moved = app.get_option_no_throw("--ports");  // the program's own, where it has one
    if (moved == nullptr) command->add_option("--ports", *ports, "As for run");
    command->callback([format, of, program, ports, moved, &action] {
        const auto given = moved != nullptr && moved->count() > 0 ? moved->as<std::string>() : *ports;
        action = [format, of, program, plan = given.empty() ? port_plan() : parse_ports(given, "--ports")] {
            return print_rules(*format, program, inbound_ports(of, plan)), done;
        };
    });
}

}  // namespace p2pdist::tools
