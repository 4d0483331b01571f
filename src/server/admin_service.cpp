#include "admin_service.hpp"

#include "p2pdist/base/limits.hpp"
#include "p2pdist/office/topology_lint.hpp"

namespace p2pdist {
namespace {

std::vector<refusal_row> rows_of(const std::vector<refusal>& refusals) {
    std::vector<refusal_row> out;
    for (const auto& one : refusals) out.push_back({static_cast<std::uint32_t>(one.row), one.column, one.reason});
    return out;
}

/// What is legal and still worth a look before it is put in force.
std::vector<refusal_row> warnings_of(const topology& offices, const registry& clients) {
    std::vector<refusal_row> out;
    for (const auto& remark : lint(offices)) out.push_back({0, "Office", remark.office + ": " + remark.remark});
    std::size_t outside = 0;
    bool feeder = false;
    for (const auto& [id, client] : clients.all()) {
        if (client.record.revoked) continue;
        const auto office = offices.office_of(client.record.address);
        if (!office) ++outside;
        feeder = feeder || office == offices.central();
    }
    if (outside > 0)
        out.push_back({0, "Subnet",
                       std::to_string(outside) + " registered clients are in no office; each fetches from the central office by itself"});
    if (!feeder && clients.size() > 0) {
        out.push_back({0, "Office",
                       offices[offices.central()].name + ": no client is in the central office, so nobody passes the server's content on"});
    }
    return out;
}

}  // namespace

void admin_service::handle(time_point now, const message_body& body, const reply_function& reply) {
    std::visit(
        [&](const auto& request) {
            if constexpr (requires { answer(now, request, reply); }) {
                answer(now, request, reply);
            } else {
                reply(now, error_reply{errc::refused, "the server takes no such message from a connector"});
            }
        },
        body);
}

void admin_service::answer(time_point now, const activate_request& request, const reply_function& reply) {
    if (const auto good = check_licence(request.licence_key, request.seats); !good) return reply(now, to_reply(good.error()));
    const auto was_active = std::make_shared<bool>(false);
    const auto report = [this, was_active, reply](time_point at) {
        const auto licences = licence_report(shared_->state.licence, shared_->state.clients.members());
        reply(at, activate_reply{licences.bought, licences.used, *was_active});
    };
    change(
        now, reply,
        [this, request, was_active, report](time_point at) -> std::vector<catalogue_change> {
            *was_active = shared_->state.licence.activated;
            // The key itself is nobody's business who reads the database, or a copy of it.
            const auto seal = crypto_->hmac_sha256(shared_->config.signing, {as_bytes("p2pdist licence"), as_bytes(request.licence_key)});
            const licence_record licence{to_hex(seal), request.seats, true};
            if (shared_->state.licence == licence) return report(at), std::vector<catalogue_change>{};
            auto versions = shared_->state.versions;
            versions.activated = true;
            return {put_licence{licence}, put_versions{versions}};
        },
        [this, was_active, report](time_point at) {
            report(at);
            if (*was_active) return;
            shared_->tell(server_event::kind::activated, "activated");
            shared_->push(at);
            shared_->note_growth(at);
        });
}

void admin_service::answer(time_point now, const publish_request& request, const reply_function& reply) {
    const auto added = std::make_shared<std::vector<content_info>>();
    const auto total = static_cast<std::uint32_t>(request.contents.size());
    const auto report = [added, total, reply](time_point at) {
        const auto count = static_cast<std::uint32_t>(added->size());
        reply(at, publish_reply{count, total - count});
    };
    change(
        now, reply,
        [this, request, added, report, reply](time_point at) -> std::vector<catalogue_change> {
            auto additions = shared_->state.contents.additions(request.contents);
            if (!additions) return reply(at, to_reply(additions.error())), std::vector<catalogue_change>{};
            if (additions->empty()) return report(at), std::vector<catalogue_change>{};
            *added = *additions;
            std::vector<catalogue_change> out;
            for (const auto& content : *added) out.push_back(put_content{{content, shared_->wall}});
            auto versions = shared_->state.versions;
            ++versions.contents;
            out.push_back(put_versions{versions});
            return out;
        },
        [this, added, report](time_point at) {
            for (const auto& content : *added) shared_->tell(server_event::kind::content_published, content.key().to_string());
            report(at);
        });
}

void admin_service::answer(time_point now, const remove_content_request& request, const reply_function& reply) {
    change(
        now, reply,
        [this, request, reply](time_point at) -> std::vector<catalogue_change> {
            if (shared_->state.contents.find(request.id) == nullptr) {
                reply(at, error_reply{errc::not_found, "'" + request.id.text() + "' is not published"});
                return {};
            }
            if (shared_->state.contents.removed() >= limits::server_removed_contents_max) {
                reply(at, error_reply{errc::limit_reached, "the server remembers what " + std::to_string(limits::server_removed_contents_max) +
                                                               " removed ids meant, and can't remember more"});
                return {};
            }
            auto versions = shared_->state.versions;
            ++versions.contents;
            return {remove_content{request.id}, put_versions{versions}};
        },
        [this, request, reply](time_point at) {
            feeder_->forget(at, request.id);
            shared_->tell(server_event::kind::content_removed, request.id.text());
            reply(at, accepted{});
        });
}

void admin_service::answer(time_point now, const topology_import_request& request, const reply_function& reply) {
    const auto parsed = parse_spreadsheet(request.spreadsheet, shared_->state.topology.server());
    if (!parsed) {
        return reply(now, topology_import_reply{false, shared_->state.versions.topology, 0, rows_of(parsed.refusals()), {}});
    }
    const auto report = [this, offices = *parsed, reply](time_point at, bool imported) {
        reply(at, topology_import_reply{imported,
                                        shared_->state.versions.topology,
                                        static_cast<std::uint32_t>(offices.size()),
                                        {},
                                        warnings_of(offices, shared_->state.clients)});
    };
    if (request.check_only) return report(now, false);
    change(
        now, reply,
        [this, offices = *parsed, report](time_point at) -> std::vector<catalogue_change> {
            const auto record = shared_->state.topology.imported(offices);
            if (record == shared_->state.topology.record()) return report(at, true), std::vector<catalogue_change>{};
            auto versions = shared_->state.versions;
            versions.topology = record.version;
            return {put_topology{record}, put_versions{versions}};
        },
        [this, report](time_point at) {
            shared_->tell(server_event::kind::topology_changed,
                          "a topology of " + std::to_string(shared_->state.offices().size()) + " offices was imported");
            report(at, true);
            shared_->push(at);
        });
}

void admin_service::answer(time_point now, const settings_set_request& request, const reply_function& reply) {
    const auto value = settings_book::checked(request.key, request.value);
    if (!value) return reply(now, to_reply(value.error()));
    change(
        now, reply,
        [this, key = request.key, value = *value, reply](time_point at) -> std::vector<catalogue_change> {
            const auto& all = shared_->state.settings.all();
            const auto known = all.find(key);
            const bool same = known == all.end() ? value.empty() : known->second == value;
            if (same) return reply(at, accepted{}), std::vector<catalogue_change>{};
            auto versions = shared_->state.versions;
            ++versions.settings;
            return {put_setting{key, value}, put_versions{versions}};
        },
        [this, reply](time_point at) {
            reply(at, accepted{});
            shared_->push(at);
        });
}

}  // namespace p2pdist
