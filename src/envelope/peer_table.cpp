#include "peer_table.hpp"

#include <algorithm>

namespace p2pdist::detail {

session* peer_entry::find(session_number number) noexcept {
    const auto at = std::find_if(sessions.begin(), sessions.end(), [&](const session& s) { return s.keys.number == number; });
    return at == sessions.end() ? nullptr : &*at;
}

const session* peer_entry::find(session_number number) const noexcept { return const_cast<peer_entry*>(this)->find(number); }

session* peer_entry::find_hello(const session_nonce& hello_nonce, const ip_address& from) noexcept {
    const auto at = std::find_if(sessions.begin(), sessions.end(), [&](const session& s) {
        return !s.initiated && s.facts.hello_nonce == hello_nonce && s.proven == from;
    });
    return at == sessions.end() ? nullptr : &*at;
}

bool peer_entry::used_hello(const session_nonce& hello_nonce) const noexcept {
    return std::ranges::any_of(sessions,
                               [&](const session& s) { return !s.initiated && s.confirmed && s.facts.hello_nonce == hello_nonce; });
}

bool peer_entry::proven(const ip_address& address) const noexcept {
    return std::ranges::any_of(sessions, [&](const session& s) { return s.confirmed && s.proven == address; });
}

bool peer_entry::has_room(time_point now) {
    const auto waits = [](const session& s) { return !s.confirmed; };
    if (static_cast<std::size_t>(std::ranges::count_if(sessions, waits)) < limits::sessions_pending_max) return true;
    return std::erase_if(sessions, [&](const session& s) { return waits(s) && s.last_heard + limits::session_pending_time <= now; }) > 0;
}

void peer_entry::erase(session_number number) {
    if (current == number) current.reset();
    std::erase_if(sessions, [&](const session& s) { return s.keys.number == number; });
}

session& peer_entry::add(session made) {
    const auto number = made.keys.number;
    erase(number);  // one in 2^32: the older of two sessions of one number goes
    const bool confirmed = made.confirmed;
    sessions.push_back(std::move(made));
    trim(confirmed, confirmed ? limits::sessions_confirmed_max : limits::sessions_pending_max, number);
    return *find(number);
}

void peer_entry::trim() { trim(true, limits::sessions_confirmed_max, current.value_or(0)); }

void peer_entry::trim(bool confirmed, std::size_t most, session_number keep) {
    const auto of_kind = [&](const session& s) { return s.confirmed == confirmed; };
    while (static_cast<std::size_t>(std::count_if(sessions.begin(), sessions.end(), of_kind)) > most) {
        const session* oldest = nullptr;
        for (const auto& s : sessions) {
            if (!of_kind(s) || s.keys.number == keep || current == s.keys.number) continue;
            if (oldest == nullptr || s.last_use < oldest->last_use) oldest = &s;
        }
        erase(oldest->keys.number);
    }
}

peer_entry* peer_table::find(const client_id& id) noexcept {
    const auto at = entries_.find(id);
    return at == entries_.end() ? nullptr : &at->second.entry;
}

const peer_entry* peer_table::find(const client_id& id) const noexcept { return const_cast<peer_table*>(this)->find(id); }

peer_entry* peer_table::use(const client_id& id) noexcept {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second.place);
    return &at->second.entry;
}

peer_entry& peer_table::add(const client_id& id, const public_key& key, std::optional<client_id>& evicted) {
    if (auto* known = use(id)) return *known;
    if (entries_.size() >= most_) {
        evicted = order_.back();
        erase(*evicted);
    }
    order_.push_front(id);
    auto& made = entries_[id];
    made.place = order_.begin();
    made.entry.id = id;
    made.entry.key = key;
    return made.entry;
}

void peer_table::erase(const client_id& id) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return;
    order_.erase(at->second.place);
    entries_.erase(at);
}

}  // namespace p2pdist::detail
