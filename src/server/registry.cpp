#include "registry.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist {

void registry::put(client_record record, office_slot office) {
    ++changes_;
    const auto id = record.id;
    auto& client = clients_[id];
    by_office_[client.office].erase(id);
    revoked_ -= client.record.revoked ? 1 : 0;
    revoked_ += record.revoked ? 1 : 0;
    client.record = std::move(record);
    client.office = office;
    client.stored = true;
    by_office_[office].insert(id);
}

void registry::remove(const client_id& id) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) return;
    ++changes_;
    by_office_[at->second.office].erase(id);
    revoked_ -= at->second.record.revoked ? 1 : 0;
    heard_.erase(id);
    clients_.erase(at);
}

void registry::place_all(const topology& offices) {
    ++changes_;
    by_office_.clear();
    for (auto& [id, client] : clients_) {
        client.office = offices.office_of(client.record.address);
        by_office_[client.office].insert(id);
    }
}

bool registry::hear(const client_id& id, time_point now, wall_time wall) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) return false;
    if (!active(at->second, now)) ++changes_;
    at->second.heard = now;
    at->second.record.last_seen = wall;
    heard_.insert(id);
    return true;
}

void registry::set_profile(const client_id& id, const device_profile& profile) {
    const auto at = clients_.find(id);
    if (at == clients_.end() || at->second.record.profile == profile) return;
    at->second.record.profile = profile;
    at->second.stored = false;
}

std::vector<std::pair<client_id, wall_time>> registry::take_heard() {
    std::vector<std::pair<client_id, wall_time>> out;
    out.reserve(heard_.size());
    for (const auto& id : heard_) out.emplace_back(id, clients_.at(id).record.last_seen);
    heard_.clear();
    return out;
}

const registered_client* registry::find(const client_id& id) const {
    const auto at = clients_.find(id);
    return at == clients_.end() ? nullptr : &at->second;
}

std::size_t registry::active_count(time_point now) const {
    return static_cast<std::size_t>(
        std::count_if(clients_.begin(), clients_.end(), [&](const auto& entry) { return active(entry.second, now); }));
}

const std::set<client_id>& registry::in_office(office_slot office) const {
    static const std::set<client_id> nobody;
    const auto at = by_office_.find(office);
    return at == by_office_.end() ? nobody : at->second;
}

std::size_t registry::active_in_office(office_slot office, time_point now) const {
    const auto& ids = in_office(office);
    return static_cast<std::size_t>(
        std::count_if(ids.begin(), ids.end(), [&](const client_id& id) { return active(clients_.at(id), now); }));
}

}  // namespace p2pdist
