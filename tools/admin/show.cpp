#include "admin/show.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>

#include "common/program.hpp"

namespace p2pdist::tools {
namespace {

using table = std::vector<std::vector<std::string>>;

std::string time_text(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
#ifdef _WIN32
    gmtime_s(&parts, &time);
#else
    gmtime_r(&time, &parts);
#endif
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

const char* state_text(holding_state state) {
    return state == holding_state::complete ? "complete" : state == holding_state::partial ? "partial" : "none";
}

/// Prints either form of a list.
template <class Rows, class ToJson, class ToRow>
int show_list(const Rows& rows, bool as_json, const char* key, std::vector<std::string> head, ToJson to_json, ToRow to_row) {
    if (as_json) {
        json list = json::array();
        for (const auto& row : rows) list.push_back(to_json(row));
        std::cout << json{{key, list}}.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
        return done;
    }
    table lines{std::move(head)};
    for (const auto& row : rows) lines.push_back(to_row(row));
    print_table(lines);
    return done;
}

std::string activity(const client_row& row) {
    if (row.revoked.since_s != 0) return row.revoked.reason.empty() ? "revoked" : "revoked: " + row.revoked.reason;
    return row.active ? "yes" : "no";
}

int print(const json& value) {
    std::cout << value.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    return done;
}

struct printer {
    bool as_json;

    int operator()(const activate_reply& reply) const {
        if (as_json) return print({{"activated", true}, {"bought", reply.bought}, {"used", reply.used}, {"already_active", reply.already_active}});
        std::cout << (reply.already_active ? "was active already; " : "activated; ") << reply.bought << " licences bought, " << reply.used << " used\n";
        return done;
    }
    int operator()(const health_reply& reply) const {
        constexpr const char* words[] = {"good", "warning", "error"};
        const auto severity = [&](const health_finding& finding) { return words[std::min<int>(finding.severity, 2)]; };
        if (as_json) {
            json findings = json::array();
            for (const auto& finding : reply.findings) findings.push_back({{"severity", severity(finding)}, {"subject", finding.subject}, {"text", finding.text}});
            print({{"version", reply.software_version}, {"uptime_seconds", reply.uptime_s}, {"activated", reply.activated},
                   {"clients_registered", reply.clients_registered}, {"clients_active", reply.clients_active}, {"contents", reply.contents},
                   {"offices", reply.offices}, {"findings", findings}});
            return done;
        }
        std::cout << "server " << reply.software_version << ", up " << duration_text(static_cast<double>(reply.uptime_s)) << ", "
                  << (reply.activated ? "activated" : "not activated") << "\n" << reply.clients_registered << " clients, " << reply.clients_active << " active; "
                  << reply.contents << " contents; " << reply.offices << " offices\n";
        for (const auto& finding : reply.findings) std::cout << severity(finding) << ": " << finding.subject << ": " << finding.text << '\n';
        return done;   // the question was answered; the findings say how the server is
    }
    int operator()(const licences_reply& reply) const {
        if (as_json) return print({{"activated", reply.activated}, {"bought", reply.bought}, {"used", reply.used}, {"surplus", reply.surplus}});
        std::cout << "bought " << reply.bought << ", used " << reply.used << ", surplus " << reply.surplus << '\n';
        return done;
    }
    int operator()(const contents_reply& reply) const {
        return show_list(reply.rows, as_json, "contents", {"CONTENT", "SIZE", "HOLDERS", "PARTIAL", "PUBLISHED", "HASH"},
            [](const content_row& row) -> json {
                return {{"content", row.content.id.text()}, {"size", row.content.size_bytes}, {"hash", row.content.hash.to_string()},
                        {"holders", row.holders_complete}, {"partial", row.holders_partial}, {"published", time_text(row.published_s)}};
            },
            [](const content_row& row) -> std::vector<std::string> {
                return {row.content.id.text(), size_text(row.content.size_bytes), std::to_string(row.holders_complete), std::to_string(row.holders_partial),
                        time_text(row.published_s), row.content.hash.to_string()};
            });
    }
    int operator()(const holders_reply& reply) const {
        return show_list(reply.rows, as_json, "holders", {"ADDRESS", "HOST", "OFFICE", "STATE", "ID"},
            [](const holder_row& row) -> json {
                return {{"id", row.id.to_string()}, {"address", row.address.to_string()}, {"host", row.host_name}, {"office", row.office}, {"state", state_text(row.state)}};
            },
            [](const holder_row& row) -> std::vector<std::string> {
                return {row.address.to_string(), row.host_name, row.office, state_text(row.state), row.id.to_string()};
            });
    }
    int operator()(const topology_import_reply& reply) const {
        const auto rows = [](const std::vector<refusal_row>& list) {
            json out = json::array();
            for (const auto& row : list) out.push_back({{"row", row.row}, {"column", row.column}, {"reason", row.reason}});
            return out;
        };
        if (as_json) {
            print({{"imported", reply.imported}, {"version", reply.version}, {"offices", reply.offices}, {"refusals", rows(reply.refusals)},
                   {"warnings", rows(reply.warnings)}});
            return reply.refusals.empty() ? done : refused;
        }
        for (const auto& row : reply.refusals) std::cerr << "row " << row.row << ", column " << row.column << ": " << row.reason << '\n';
        for (const auto& row : reply.warnings) std::cout << "note: row " << row.row << ", column " << row.column << ": " << row.reason << '\n';
        if (!reply.refusals.empty()) {
            std::cerr << "p2pdist: the spreadsheet is refused; the topology in force is unchanged\n";
            return refused;
        }
        std::cout << reply.offices << " offices" << (reply.imported ? ", in force as version " + std::to_string(reply.version) : ", all good; nothing was changed") << '\n';
        return done;
    }
    int operator()(const clients_reply& reply) const {
        return show_list(reply.rows, as_json, "clients", {"ADDRESS", "HOST", "OFFICE", "ACTIVE", "LAST SEEN", "VERSION", "ID"},
            [](const client_row& row) -> json {
                return {{"id", row.id.to_string()}, {"address", row.address.to_string()}, {"host", row.host_name}, {"office", row.office},
                        {"version", row.software_version}, {"active", row.active}, {"last_seen", time_text(row.last_seen_s)},
                        {"free_storage", row.profile.free_storage_bytes}, {"usable_storage", row.profile.usable_storage_bytes},
                        {"preferred", row.profile.preferred}, {"model", row.profile.model == device_model::desktop ? "desktop" : "laptop"},
                        {"os", row.profile.os == os_kind::server ? "server" : "workstation"},
                        {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(row.profile.uptime).count()},
                        {"revoked", row.revoked.since_s != 0},
                        {"revoked_at", row.revoked.since_s != 0 ? json(time_text(row.revoked.since_s)) : json()},
                        {"revocation_reason", row.revoked.reason}};
            },
            [](const client_row& row) -> std::vector<std::string> {
                return {row.address.to_string(), row.host_name, row.office, activity(row), time_text(row.last_seen_s), row.software_version, row.id.to_string()};
            });
    }
    int operator()(const rotate_epoch_reply& reply) const {
        if (as_json) return print({{"key_epoch", reply.key_epoch}, {"oldest_accepted", reply.oldest_accepted}});
        std::cout << "key epoch " << reply.key_epoch << " has begun; certificates from epoch " << reply.oldest_accepted << " on are accepted\n";
        return done;
    }
    int operator()(const offices_reply& reply) const {
        return show_list(reply.rows, as_json, "offices", {"OFFICE", "TYPE", "PARENT", "CLIENTS", "ACTIVE", "RENDEZVOUS POINT"},
            [](const office_row& row) -> json {
                return {{"office", row.name}, {"type", row.type}, {"parent", row.parent}, {"clients", row.clients}, {"active", row.active},
                        {"rendezvous_point", row.rendezvous_point}};
            },
            [](const office_row& row) -> std::vector<std::string> {
                return {row.name, row.type, row.parent, std::to_string(row.clients), std::to_string(row.active), row.rendezvous_point};
            });
    }
    int operator()(const links_reply& reply) const {
        return show_list(reply.rows, as_json, "links", {"OFFICE", "CONTENT", "SIZE", "BYTES IN", "BYTES OUT", "COPIES"},
            [](const link_row& row) -> json {
                return {{"office", row.office}, {"content", row.content.text()}, {"size", row.size_bytes}, {"bytes_in", row.bytes_in}, {"bytes_out", row.bytes_out}};
            },
            [](const link_row& row) -> std::vector<std::string> {
                const auto copies = row.size_bytes == 0 ? 0.0 : static_cast<double>(row.bytes_in) / static_cast<double>(row.size_bytes);
                return {row.office, row.content.text(), size_text(row.size_bytes), size_text(row.bytes_in), size_text(row.bytes_out), std::to_string(copies).substr(0, 5)};
            });
    }
    int operator()(const settings_reply& reply) const {
        return show_list(reply.settings, as_json, "settings", {"KEY", "VALUE"},
            [](const auto& pair) -> json { return {{"key", pair.first}, {"value", pair.second}}; },
            [](const auto& pair) -> std::vector<std::string> { return {pair.first, pair.second}; });
    }
    /// Answers that say nothing but "done".
    template <class Other>
    int operator()(const Other&) const {
        if (as_json) return print({{"done", true}});
        std::cout << "done\n";
        return done;
    }
};

}  // namespace

int show_answer(const message_body& answer, bool as_json) { return std::visit(printer{as_json}, answer); }

}  // namespace p2pdist::tools
