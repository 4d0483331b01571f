#pragma once
// Who receives first, for each content and office: ranked when it is first asked for, and frozen from then on (RANK-7), since a
// download eats free storage and must not dethrone its own rendezvous point.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "holdings_index.hpp"
#include "p2pdist/office/topology.hpp"
#include "p2pdist/ranking/ranking.hpp"
#include "registry.hpp"

namespace p2pdist {

/// The profile that a client is ranked by: a device that the spreadsheet prefers counts as one that prefers itself (RANK-2).
[[nodiscard]] device_profile ranked_profile(const client_record& client, const topology& offices);
[[nodiscard]] peer_info reach_of(const client_record& client);

class roster_service {
public:
    struct place {
        const topology& offices;
        const registry& clients;
        const ranking& order;
        office_index office;
        client_id asker{};  ///< whose ranking it is, where it is the first to ask
    };

    /// The first limits::locate_roster_max active clients of the office in its frozen ranking for this content. Clients that were not
    /// there when it was frozen come behind all that were, ranked when they are first needed.
    [[nodiscard]] std::vector<ranked_peer> roster(time_point now, const content_key& content, const place& where);
    /// A download of it is going on in the office.
    void keep(time_point now, const content_key& content, const std::string& office);
    void forget(const content_id& id);
    /// The order is another one: for contents that are asked for from now on.
    void rank_anew() { ranked_.clear(); }
    /// Lets go of rankings that nobody uses: nobody has asked for keep_idle, or for keep_done and no active client of the office is
    /// still downloading.
    void expire(time_point now, const registry& clients, const holdings_index& holdings, const topology& offices);
    [[nodiscard]] std::size_t size() const noexcept { return frozen_.size(); }
    /// How often all of an office were ranked.
    [[nodiscard]] std::uint64_t rankings() const noexcept { return rankings_; }

    /// All of an office are ranked once in so long, while nobody comes or goes, however many contents are asked for. Profiles that
    /// heartbeats tell meanwhile count afterwards.
    static constexpr duration ranked_for = std::chrono::seconds(1);
    static constexpr std::size_t ranked_offices_max = 64;  ///< of which that is remembered; a client asks for those on its path
    /// Of those that one and the same client asked for first: of more, the least recently used goes. More than limits::client_jobs_max
    /// contents on a path of offices.
    static constexpr std::size_t rankings_of_client_max = 1024;
    static constexpr duration keep_idle = std::chrono::hours(24);
    static constexpr duration keep_done = std::chrono::minutes(10);

private:
    using key = std::pair<content_key, std::string>;  ///< the office by name: it outlives a new version of the topology
    struct frozen {
        std::vector<candidate> members;  ///< best first
        time_point used;
        std::uint64_t turn = 0;          ///< in the order of use
        client_id first_asker;
    };
    using table = std::map<key, frozen>;
    using by_use = std::map<std::uint64_t, table::iterator>;  ///< by their turns

    struct ranked {
        std::vector<candidate> best;  ///< as many as extend() takes of any office, the best first
        time_point at;
        std::uint64_t changes = 0;    ///< of the registry
    };

    [[nodiscard]] const std::vector<candidate>& best_of(time_point now, const place& where);
    void extend(time_point now, frozen& entry, const place& where);
    [[nodiscard]] table::iterator add(const key& wanted, const client_id& asker);
    void use(time_point now, table::iterator which);
    table::iterator erase(table::iterator which);

    table frozen_;
    by_use by_use_;
    std::map<client_id, by_use> of_client_;  // by who was the first to ask
    std::uint64_t last_turn_ = 0;
    std::map<office_index, ranked> ranked_;
    std::uint64_t rankings_ = 0;
};

}  // namespace p2pdist
