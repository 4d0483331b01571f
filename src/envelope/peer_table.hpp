#pragma once
// The peers that a node remembers: keys, checked certificates and sessions, least recently used first out.

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "rate_limit.hpp"
#include "session.hpp"

namespace p2pdist::detail {

struct peer_entry {
    client_id id;
    public_key key{};
    std::optional<secret_key> shared;    ///< X25519 with our key, computed when first needed
    std::optional<certificate> checked;  ///< the last certificate whose signature was good; a fresh one is replaced by fresh ones only
    bool checked_fresh = false;          ///< it came in a hello with a cookie or in a welcome: not in a recording
    std::vector<session> sessions;
    std::optional<session_number> current;  ///< the session that we send under; always in `sessions`
    std::optional<boot_id> last_boot;       ///< of the peer's process in the last confirmed session
    std::optional<time_point> held_off_until;
    std::optional<time_point> renew_not_before;
    time_point checks_free_at{};        ///< when all of certificate_checks_of_peer_max may be made again
    time_point fresh_checks_free_at{};  ///< the same, of certificates that come in no recording
    // Of this peer alone. The first two are asked only behind a good tag: recordings use up the one, nobody else the other.
    rate_limit hellos{limits::session_hellos_of_peer_max};
    rate_limit hellos_with_cookie{limits::session_hellos_of_peer_max};
    rate_limit notices{limits::session_notices_of_peer_max};

    [[nodiscard]] session* find(session_number number) noexcept;
    [[nodiscard]] const session* find(session_number number) const noexcept;
    /// A session that the peer initiated by this hello from this address.
    [[nodiscard]] session* find_hello(const session_nonce& hello_nonce, const ip_address& from) noexcept;
    /// Whether a session by this hello was used already, from wherever.
    [[nodiscard]] bool used_hello(const session_nonce& hello_nonce) const noexcept;
    /// Whether the peer has shown that it receives there, by a session that still is.
    [[nodiscard]] bool proven(const ip_address& address) const noexcept;
    /// Whether one more session may wait for its first frame without taking another's place. Those that nobody waits for any more go.
    [[nodiscard]] bool has_room(time_point now);
    [[nodiscard]] session* current_session() noexcept { return current ? find(*current) : nullptr; }

    void erase(session_number number);
    /// Adds one; where there are too many of its kind (confirmed or pending) the least recently used of the kind goes, but not the current.
    session& add(session made);
    /// After a session became confirmed: at most sessions_confirmed_max stay.
    void trim();

private:
    void trim(bool confirmed, std::size_t most, session_number keep);
};

class peer_table {
public:
    explicit peer_table(std::size_t most) : most_(most) {}

    [[nodiscard]] peer_entry* find(const client_id& id) noexcept;
    [[nodiscard]] const peer_entry* find(const client_id& id) const noexcept;
    /// As find, and makes it the most recently used.
    peer_entry* use(const client_id& id) noexcept;
    /// Adds a peer or finds the one that is there. `evicted` is told who had to go.
    peer_entry& add(const client_id& id, const public_key& key, std::optional<client_id>& evicted);
    void erase(const client_id& id);
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    template <class Function>
    void for_each(Function function) {
        for (auto& [id, held] : entries_) function(held.entry);
    }

private:
    struct slot {
        peer_entry entry;
        std::list<client_id>::iterator place;
    };
    std::size_t most_;
    std::map<client_id, slot> entries_;
    std::list<client_id> order_;  // most recently used first
};

}  // namespace p2pdist::detail
