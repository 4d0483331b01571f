#pragma once
// Who is said to have served bad chunks, and by whom (SEC-3). Hearsay: it is shown and decides nothing, since a reporter may lie.

#include <map>
#include <optional>
#include <set>

#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

/// Also of strangers: devices that have a certificate and are not registered, because they never did, or left. Leaving clears nobody.
class blame_book {
public:
    using reporters = std::map<client_id, peer_report_record>;
    static constexpr std::int64_t shown_seconds = 7 * 24 * 3600;   ///< whoever mended the device need not look at reports for ever

    [[nodiscard]] static bool is_shown(const peer_report_record& report, wall_time wall);

    /// Whether a report is worth keeping: a new reporter, or one that says so again after a day. Anybody can invent strangers: a reporter
    /// names limits::server_strangers_of_reporter_max of them at the most.
    [[nodiscard]] bool takes(const peer_report_record& report, bool registered) const;
    /// Of too many the oldest goes, as they are at `wall`.
    void put(const peer_report_record& report, bool registered, wall_time wall);
    void forget(const client_id& peer);
    /// Whom to forget before this peer may become one more stranger. Nothing: nobody, or where `peer` itself is the answer, that there
    /// is no room for it.
    [[nodiscard]] std::optional<client_id> in_the_way_of(const client_id& peer, wall_time wall) const;

    void on_registered(const client_id& peer) { strangers_.erase(peer); }
    /// What is said of it stays. What it said is not believed any more.
    void on_left(const client_id& client);

    [[nodiscard]] const std::map<client_id, reporters>& all() const noexcept { return peers_; }

private:
    static constexpr std::int64_t seconds_a_day = 24 * 3600;

    [[nodiscard]] std::size_t strangers_named_by(const client_id& reporter) const;

    std::map<client_id, reporters> peers_;
    std::set<client_id> strangers_;   // of these; at most limits::server_strangers_blamed_max
};

}  // namespace p2pdist
