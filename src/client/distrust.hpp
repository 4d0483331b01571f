#pragma once
// Peers whose word came to nothing: they said that they hold or bring a content, and gave nothing of it, or named others who did not.

#include <algorithm>
#include <map>
#include <set>

#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::client_room {

/// Each strike lets a peer be passed over for a while, three times as long as the one before. Nobody else is told of it: what this client
/// saw may be the network's fault, and only bad bytes can be proven (SEC-3). Bounded: who has paid his time goes first.
class distrust {
public:
    void strike(time_point now, const client_id& peer) { strike(now, peer, now); }
    /// `since`: from when on it was waited for in vain. That time is no good conduct, however long it was.
    void strike(time_point now, const client_id& peer, time_point since) {
        if (entries_.size() >= limits::distrusted_peers_max && !entries_.contains(peer)) {
            entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; }));
        }
        auto& entry = entries_[peer];
        if (entry.until != time_point{} && since > entry.until + limits::distrust_time_max) entry.time = {};
        entry.time = std::clamp<duration>(entry.time * 3, limits::distrust_time_min, limits::distrust_time_max);
        entry.until = now + entry.time;
    }
    [[nodiscard]] bool of(time_point now, const client_id& peer) const {
        const auto found = entries_.find(peer);
        return found != entries_.end() && now < found->second.until;
    }
    void add_to(std::set<client_id>& out, time_point now) const {
        for (const auto& [peer, entry] : entries_) {
            if (now < entry.until) out.insert(peer);
        }
    }

private:
    struct record {
        duration time{};
        time_point until{};
    };
    std::map<client_id, record> entries_;
};

}  // namespace p2pdist::client_room
