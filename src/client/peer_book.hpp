#pragma once
// The clients that this one has heard of: where they are, how they rank, whether they answer. For `peers`, `explain` and the order at
// a busy source; no decision needs an entry to be there.

#include <map>
#include <optional>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::client_room {

class peer_book {
public:
    struct entry {
        peer_info peer;
        std::optional<device_profile> profile;
        bool reachable = true;
        std::uint64_t noted = 0;   ///< when, in notes since the start: the smallest goes first
    };

    entry& note(const peer_info& peer) {
        if (entries_.size() >= limits::client_peers_max && entries_.find(peer.id) == entries_.end()) forget_oldest();
        auto& kept = entries_[peer.id];
        kept.peer = peer;
        kept.noted = ++notes_;
        return kept;
    }
    void note(const ranked_peer& peer) { note(peer.peer).profile = peer.profile; }
    void forget(const client_id& peer) { entries_.erase(peer); }
    void set_reachable(const client_id& peer, bool reachable) {
        const auto found = entries_.find(peer);
        if (found != entries_.end()) found->second.reachable = reachable;
    }
    [[nodiscard]] const entry* find(const client_id& peer) const {
        const auto found = entries_.find(peer);
        return found == entries_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const std::map<client_id, entry>& entries() const noexcept { return entries_; }

private:
    void forget_oldest() {
        auto oldest = entries_.begin();
        for (auto at = entries_.begin(); at != entries_.end(); ++at) {
            if (at->second.noted < oldest->second.noted) oldest = at;
        }
        entries_.erase(oldest);
    }

    std::map<client_id, entry> entries_;
    std::uint64_t notes_ = 0;
};

}  // namespace p2pdist::client_room
