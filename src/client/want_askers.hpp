#pragma once
// Who asked for a content lately: named to each other, they form the office's mesh (RVP-4).

#include <map>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::client_room {

class want_askers {
public:
    void note(time_point now, const peer_info& peer) {
        if (askers_.size() >= limits::want_askers_max && !askers_.contains(peer.id)) {
            auto oldest = askers_.begin();
            for (auto at = askers_.begin(); at != askers_.end(); ++at) {
                if (at->second.when < oldest->second.when) oldest = at;
            }
            askers_.erase(oldest);
        }
        askers_[peer.id] = {peer, now};
    }
    void forget(const client_id& peer) { askers_.erase(peer); }
    /// A random few (at most want_others_max) that asked within the last 15 seconds, without `except`.
    [[nodiscard]] std::vector<peer_info> some(time_point now, const client_id& except, random_source& choice) const {
        std::vector<peer_info> out;
        std::size_t seen = 0;
        for (const auto& [id, entry] : askers_) {
            if (id == except || entry.when + std::chrono::seconds(15) < now) continue;
            ++seen;
            if (out.size() < limits::want_others_max) {
                out.push_back(entry.peer);
            } else if (const auto slot = choice.below(seen); slot < out.size()) {
                out[static_cast<std::size_t>(slot)] = entry.peer;
            }
        }
        return out;
    }
    [[nodiscard]] std::size_t size() const noexcept { return askers_.size(); }

private:
    struct asker {
        peer_info peer;
        time_point when;
    };
    std::map<client_id, asker> askers_;
};

}  // namespace p2pdist::client_room
