#include "holdings_index.hpp"

namespace p2pdist {
namespace {
const std::set<client_id> nobody;
const std::map<content_key, holding> nothing;
}  // namespace

void holdings_index::link(const client_id& client, office_slot office, const holding& what) {
    auto& entry = contents_[what.content];
    if (what.state == holding_state::complete) {
        entry.complete[office].insert(client);
        ++entry.complete_count;
    } else {
        entry.partial.insert(client);
    }
    ++count_;
}

void holdings_index::unlink(const client_id& client, office_slot office, const holding& what) {
    const auto at = contents_.find(what.content);
    auto& entry = at->second;
    if (what.state == holding_state::complete) {
        const auto ids = entry.complete.find(office);
        ids->second.erase(client);
        if (ids->second.empty()) entry.complete.erase(ids);
        --entry.complete_count;
    } else {
        entry.partial.erase(client);
    }
    if (entry.complete_count == 0 && entry.partial.empty()) contents_.erase(at);
    --count_;
}

void holdings_index::put(const client_id& client, office_slot office, const std::vector<holding>& holdings, bool replace_all) {
    if (replace_all) remove_client(client);
    move_client(client, office);
    auto& entry = clients_[client];
    entry.office = office;
    for (const auto& what : holdings) {
        if (const auto old = entry.holdings.find(what.content); old != entry.holdings.end()) {
            unlink(client, office, old->second);
            entry.holdings.erase(old);
        }
        if (what.state == holding_state::none) continue;
        entry.holdings.emplace(what.content, what);
        link(client, office, what);
    }
    if (entry.holdings.empty()) clients_.erase(client);
}

void holdings_index::remove_client(const client_id& client) {
    const auto at = clients_.find(client);
    if (at == clients_.end()) return;
    for (const auto& [key, what] : at->second.holdings) unlink(client, at->second.office, what);
    clients_.erase(at);
}

void holdings_index::remove_content(const content_id& id) {
    for (auto at = clients_.begin(); at != clients_.end();) {
        auto& [client, entry] = *at;
        auto first = entry.holdings.lower_bound(content_key{id, {hash_kind{}, {}}});
        while (first != entry.holdings.end() && first->first.id == id) {
            unlink(client, entry.office, first->second);
            first = entry.holdings.erase(first);
        }
        at = entry.holdings.empty() ? clients_.erase(at) : std::next(at);
    }
}

void holdings_index::move_client(const client_id& client, office_slot office) {
    const auto at = clients_.find(client);
    if (at == clients_.end() || at->second.office == office) return;
    for (const auto& [key, what] : at->second.holdings) {
        unlink(client, at->second.office, what);
        link(client, office, what);
    }
    at->second.office = office;
}

void holdings_index::place_all(const registry& clients) {
    contents_.clear();
    count_ = 0;
    for (auto& [id, entry] : clients_) {
        const auto* client = clients.find(id);
        entry.office = client != nullptr ? client->office : office_slot{};
        for (const auto& [key, what] : entry.holdings) link(id, entry.office, what);
    }
}

const std::set<client_id>& holdings_index::complete(const content_key& content, office_slot office) const {
    const auto at = contents_.find(content);
    if (at == contents_.end()) return nobody;
    const auto ids = at->second.complete.find(office);
    return ids == at->second.complete.end() ? nobody : ids->second;
}

std::size_t holdings_index::complete_count(const content_key& content) const {
    const auto at = contents_.find(content);
    return at == contents_.end() ? 0 : at->second.complete_count;
}

std::vector<std::pair<client_id, holding>> holdings_index::holders(const content_key& content) const {
    std::set<client_id> ids;
    if (const auto at = contents_.find(content); at != contents_.end()) {
        ids = at->second.partial;
        for (const auto& [office, complete] : at->second.complete) ids.insert(complete.begin(), complete.end());
    }
    std::vector<std::pair<client_id, holding>> out;
    for (const auto& id : ids) out.emplace_back(id, clients_.at(id).holdings.at(content));
    return out;
}

const std::set<client_id>& holdings_index::partial(const content_key& content) const {
    const auto at = contents_.find(content);
    return at == contents_.end() ? nobody : at->second.partial;
}

const std::map<content_key, holding>& holdings_index::of_client(const client_id& client) const {
    const auto at = clients_.find(client);
    return at == clients_.end() ? nothing : at->second.holdings;
}

}  // namespace p2pdist
