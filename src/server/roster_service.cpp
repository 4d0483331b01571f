#include "roster_service.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

/// A member that can be asked now: active, and still of this office.
const registered_client* present(const client_id& id, time_point now, const roster_service::place& where) {
    const auto* client = where.clients.find(id);
    return client != nullptr && client->office == where.office && where.clients.active(*client, now) ? client : nullptr;
}

}  // namespace

device_profile ranked_profile(const client_record& client, const topology& offices) {
    auto out = client.profile;
    out.preferred = out.preferred || offices.is_preferred(client.address);
    return out;
}

peer_info reach_of(const client_record& client) { return {client.id, client.key, client.address}; }

/// Ranking thousands for each content that somebody asks for would be a lot of work for one message.
const std::vector<candidate>& roster_service::best_of(time_point now, const place& where) {
    const auto known = ranked_.find(where.office);
    const auto changes = where.clients.changes();
    if (known != ranked_.end() && known->second.changes == changes && now - known->second.at < ranked_for) return known->second.best;
    if (known == ranked_.end() && ranked_.size() >= ranked_offices_max) ranked_.clear();
    std::vector<candidate> all;
    for (const auto& id : where.clients.in_office(where.office)) {
        if (const auto* client = present(id, now, where)) all.push_back({id, ranked_profile(client->record, where.offices)});
    }
    where.order.sort(all);
    // Beside those that a frozen ranking has already there are as many that it may take.
    all.resize(std::min(all.size(), 2 * limits::server_roster_members_max));
    ++rankings_;
    return (ranked_[where.office] = {std::move(all), now, changes}).best;
}

void roster_service::extend(time_point now, frozen& entry, const place& where) {
    auto& members = entry.members;
    if (members.size() >= limits::server_roster_members_max) {
        std::erase_if(members, [&](const candidate& member) { return present(member.id, now, where) == nullptr; });
    }
    const auto known = members.size();
    const auto is_member = [&](const candidate& one) {
        const auto end = members.begin() + static_cast<std::ptrdiff_t>(known);
        return std::any_of(members.begin(), end, [&](const candidate& member) { return member.id == one.id; });
    };
    for (const auto& one : best_of(now, where)) {
        if (members.size() >= limits::server_roster_members_max) break;
        if (!is_member(one) && present(one.id, now, where) != nullptr) members.push_back(one);
    }
}

std::vector<ranked_peer> roster_service::roster(time_point now, const content_key& content, const place& where) {
    const key wanted{content, where.offices[where.office].name};
    if (!frozen_.contains(wanted)) make_room();
    auto& entry = frozen_[wanted];
    entry.used = now;
    const auto collect = [&] {
        std::vector<ranked_peer> out;
        for (const auto& member : entry.members) {
            if (out.size() == limits::locate_roster_max) break;
            if (const auto* client = present(member.id, now, where)) out.push_back({reach_of(client->record), member.profile});
        }
        return out;
    };
    auto out = collect();
    if (out.size() == limits::locate_roster_max) return out;
    extend(now, entry, where);
    return collect();
}

void roster_service::keep(time_point now, const content_key& content, const std::string& office) {
    if (const auto at = frozen_.find({content, office}); at != frozen_.end()) at->second.used = now;
}

void roster_service::forget(const content_id& id) {
    std::erase_if(frozen_, [&](const auto& entry) { return entry.first.first.id == id; });
}

void roster_service::expire(time_point now, const registry& clients, const holdings_index& holdings, const topology& offices) {
    const auto downloading = [&](const key& which) {
        const auto office = offices.find(which.second);
        if (!office) return false;
        const auto& partial = holdings.partial(which.first);
        return std::any_of(partial.begin(), partial.end(), [&](const client_id& id) {
            const auto* client = clients.find(id);
            return client != nullptr && client->office == office && clients.active(*client, now);
        });
    };
    std::erase_if(frozen_, [&](const auto& entry) {
        const auto idle = now - entry.second.used;
        return idle >= keep_idle || (idle >= keep_done && !downloading(entry.first));
    });
}

void roster_service::make_room() {
    if (frozen_.size() < limits::server_rosters_max) return;
    const auto oldest = std::min_element(frozen_.begin(), frozen_.end(),
                                         [](const auto& left, const auto& right) { return left.second.used < right.second.used; });
    frozen_.erase(oldest);
}

}  // namespace p2pdist
