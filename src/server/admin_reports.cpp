// What connectors ask without changing anything.

#include <algorithm>

#include "admin_service.hpp"
#include "health.hpp"

namespace p2pdist {
namespace {

/// "4f… 10.0.0.5": the client that would receive first if it started now.
std::string best_in_rank(time_point now, const server_state& state, office_index office) {
    std::vector<candidate> found;
    for (const auto& id : state.clients.in_office(office)) {
        const auto& client = *state.clients.find(id);
        if (state.clients.active(client, now)) found.push_back({id, ranked_profile(client.record, state.offices())});
    }
    if (found.empty() || !state.offices().has_rendezvous_point(office)) return {};
    const auto best = std::min_element(found.begin(), found.end(),
                                       [&](const candidate& left, const candidate& right) { return state.order.compare(left, right) < 0; });
    return best->id.to_string() + " " + state.clients.find(best->id)->record.address.to_string();
}

}  // namespace

void admin_service::answer(time_point now, const ping&, const reply_function& reply) { reply(now, pong{}); }

void admin_service::answer(time_point now, const health_request&, const reply_function& reply) { reply(now, check_health(now, *shared_)); }

void admin_service::answer(time_point now, const licences_request&, const reply_function& reply) {
    reply(now, licence_report(shared_->state.licence, shared_->state.clients.members()));
}

void admin_service::answer(time_point now, const contents_request&, const reply_function& reply) {
    contents_reply out;
    for (const auto& [id, record] : shared_->state.contents.all()) {
        const auto key = record.content.key();
        out.rows.push_back({record.content, static_cast<std::uint32_t>(shared_->state.holdings.complete_count(key)),
                            static_cast<std::uint32_t>(shared_->state.holdings.partial(key).size()), record.published.seconds});
    }
    reply(now, std::move(out));
}

void admin_service::answer(time_point now, const holders_request& request, const reply_function& reply) {
    const auto& state = shared_->state;
    const auto* record = state.contents.find(request.id);
    if (record == nullptr) return reply(now, error_reply{errc::not_found, "'" + request.id.text() + "' is not published"});
    holders_reply out;
    for (const auto& [id, what] : state.holdings.holders(record->content.key())) {
        const auto* client = state.clients.find(id);
        if (client == nullptr) continue;
        out.rows.push_back({id, client->record.address, state.office_name(client->office), client->record.host_name, what.state});
    }
    reply(now, std::move(out));
}

void admin_service::answer(time_point now, const topology_export_request& request, const reply_function& reply) {
    const auto& topology = shared_->state.topology;
    reply(now, topology_export_reply{shared_->state.versions.topology,
                                     to_spreadsheet(request.detected ? topology.detected() : topology.in_force())});
}

void admin_service::answer(time_point now, const clients_request&, const reply_function& reply) {
    const auto& state = shared_->state;
    clients_reply out;
    for (const auto& [id, client] : state.clients.all()) {
        const auto& record = client.record;
        out.rows.push_back({id, record.address, state.office_name(client.office), record.host_name, record.software_version, record.profile,
                            record.last_seen.seconds, state.clients.active(client, now),
                            record.revoked ? revocation_mark{record.revoked->at.seconds, record.revoked->reason} : revocation_mark{}});
    }
    reply(now, std::move(out));
}

void admin_service::answer(time_point now, const offices_request&, const reply_function& reply) {
    const auto& state = shared_->state;
    offices_reply out;
    for (std::uint32_t number = 0; number < state.offices().size(); ++number) {
        const office_index index{number};
        const auto& one = state.offices()[index];
        out.rows.push_back({one.name, std::string(to_string(one.type)), one.parent,
                            static_cast<std::uint32_t>(state.clients.in_office(index).size()),
                            static_cast<std::uint32_t>(state.clients.active_in_office(index, now)), best_in_rank(now, state, index)});
    }
    reply(now, std::move(out));
}

void admin_service::answer(time_point now, const links_request&, const reply_function& reply) {
    links_reply out;
    for (const auto& [link, sums] : shared_->state.links.all()) {
        const auto* content = shared_->state.contents.find(link.second);
        out.rows.push_back({link.first, link.second.id, content != nullptr ? content->size_bytes : 0, sums.bytes_in, sums.bytes_out});
    }
    reply(now, std::move(out));
}

void admin_service::answer(time_point now, const settings_show_request&, const reply_function& reply) {
    settings_reply out{shared_->state.versions.settings, {}};
    for (const auto& setting : shared_->state.settings.all()) out.settings.push_back(setting);
    reply(now, std::move(out));
}

}  // namespace p2pdist
