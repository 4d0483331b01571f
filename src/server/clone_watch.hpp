#pragma once
// Two devices with one identity: a copied disk, or two machines from one snapshot. They speak in turns, so a process of the client that
// had been succeeded by another comes back, which a restarted client never does: each start draws a new boot id.

#include <map>
#include <string>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

class clone_watch {
public:
    /// The client speaks from another process than before.
    void on_restart(time_point now, const client_id& id, std::uint64_t boot);
    /// It said something from there. True when this shows for the first time that it is two devices.
    bool on_heard(time_point now, const client_id& id, const ip_address& from);

    struct finding {
        client_id id;
        std::vector<ip_address> addresses;  ///< ascending; one where both have the same
    };
    /// Those that were two devices within the last limits::clone_window.
    [[nodiscard]] std::vector<finding> findings(time_point now) const;

private:
    struct process {
        std::uint64_t boot = 0;
        time_point last;
        ip_address address;
        bool heard = false;
    };
    struct suspect {
        std::vector<process> processes;  ///< the present one last; at most processes_max
        std::vector<time_point> returns;
        bool told = false;
    };
    static constexpr std::size_t processes_max = 8;

    void forget_old(time_point now, suspect& one) const;
    void make_room(time_point now);

    std::map<client_id, suspect> suspects_;
};

/// For a health finding and the log: who, where, and what to do.
[[nodiscard]] std::string describe(const clone_watch::finding& what);

}  // namespace p2pdist
