#include "p2pdist/driver/server_check.hpp"

#include <asio/io_context.hpp>

#include "net/port_set.hpp"
#include "node/server_keys.hpp"
#include "p2pdist/driver/sql_catalogue.hpp"
#include "p2pdist/office/spreadsheet.hpp"

namespace p2pdist {
namespace {

constexpr std::uint8_t good = 0, warning = 1, wrong = 2;

void check_topology(const topology_record& record, const ip_address& server, std::vector<health_finding>& out) {
    if (record.spreadsheet.empty()) {
        out.push_back({good, "topology", "none is imported: the detected one is in force"});
        return;
    }
    const auto imported = parse_spreadsheet(record.spreadsheet);
    if (!imported) {
        out.push_back({wrong, "topology", imported.refusals().front().to_string()});
    } else if (const auto refused = check_server(*imported, server)) {
        out.push_back({wrong, "topology", refused->reason});
    } else {
        out.push_back({good, "topology", std::to_string(imported->size()) + " offices, the server is in " + (*imported)[imported->central()].name});
    }
}

void check_database(const server_options& options, std::vector<health_finding>& out) {
    const auto url = options.database_url.empty() ? recorded_database(options.data) : result<std::string>(options.database_url);
    if (!url) return out.push_back({wrong, "database", url.error().message});
    sql_catalogue_options as_it_is;
    as_it_is.create = false;
    auto database = sql_catalogue::open(*url, as_it_is);
    if (!database) return out.push_back({wrong, "database", database.error().message});
    const auto snapshot = (*database)->load();
    if (!snapshot) return out.push_back({wrong, "database", snapshot.error().message});
    const auto durability = (*database)->durability();
    if (!durability) return out.push_back({wrong, "database", durability.error().message});
    out.push_back({good, "database", std::to_string(snapshot->clients.size()) + " clients, " + std::to_string(snapshot->contents.size()) + " contents; " + *durability});
    if (!snapshot->licence.activated)
        out.push_back({warning, "licence", "not activated: no client receives content before `p2pdist-admin activate`"});
    check_topology(snapshot->topology, options.bind, out);
}

}  // namespace

std::vector<health_finding> check_server_installation(const server_options& options) {
    std::vector<health_finding> out;
    if (const auto keys = load_server_keys(options.data); !keys) {
        out.push_back({wrong, "keys", keys.error().message});
        return out;
    }
    out.push_back({good, "keys", "all there"});
    check_database(options, out);
    asio::io_context io;
    const auto ports = net::port_set::open(io.get_executor(), options.bind, net::unicast_ports(options.ports, role::server), std::nullopt, true);
    if (ports) out.push_back({good, "ports", "all free on " + options.bind.to_string()});
    else if (ports.error().code == errc::port_in_use) out.push_back({warning, "ports", ports.error().message + " (expected while the server runs)"});
    else out.push_back({wrong, "ports", ports.error().message});
    if (options.file_store && !std::filesystem::is_directory(*options.file_store))
        out.push_back({wrong, "file store", options.file_store->string() + " is no directory"});
    return out;
}

}  // namespace p2pdist
