#include "roster_service.hpp"

#include <algorithm>
#include <iterator>

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
    auto which = frozen_.find(wanted);
    if (which == frozen_.end()) which = add(wanted, where.asker);
    use(now, which);
    auto& entry = which->second;
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
    if (const auto at = frozen_.find({content, office}); at != frozen_.end()) use(now, at);
}

void roster_service::forget(const content_id& id) {
    auto at = frozen_.lower_bound({content_key{id, {hash_kind{}, {}}}, {}});
    while (at != frozen_.end() && at->first.first.id == id) at = erase(at);
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
    for (auto at = frozen_.begin(); at != frozen_.end();) {
        const auto idle = now - at->second.used;
        const bool goes = idle >= keep_idle || (idle >= keep_done && !downloading(at->first));
        at = goes ? erase(at) : std::next(at);
    }
}

roster_service::table::iterator roster_service::add(const key& wanted, const client_id& asker) {
    const auto own = of_client_.find(asker);
    if (own != of_client_.end() && own->second.size() >= rankings_of_client_max) {
        erase(own->second.begin()->second);
    } else if (frozen_.size() >= limits::server_rosters_max) {
        erase(by_use_.begin()->second);
    }
    const auto at = frozen_.try_emplace(wanted).first;
    at->second.first_asker = asker;
    return at;
}

void roster_service::use(time_point now, table::iterator which) {
    auto& entry = which->second;
    auto& own = of_client_[entry.first_asker];
    by_use_.erase(entry.turn);
    own.erase(entry.turn);
    entry.turn = ++last_turn_;
    entry.used = now;
    by_use_[entry.turn] = own[entry.turn] = which;
}

roster_service::table::iterator roster_service::erase(table::iterator which) {
    const auto own = of_client_.find(which->second.first_asker);
    by_use_.erase(which->second.turn);
    own->second.erase(which->second.turn);
    if (own->second.empty()) of_client_.erase(own);
    return frozen_.erase(which);
}

}  // namespace p2pdist
