#pragma once
// Who is said to have served bad chunks, and by whom (SEC-3). Hearsay: it is shown and decides nothing, since a reporter may lie.

#include <iterator>
#include <map>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

class blame_book {
public:
    using reporters = std::map<client_id, peer_report_record>;

    /// Whether a report is worth keeping: a new reporter, or one that says so again after a day.
    [[nodiscard]] bool takes(const peer_report_record& report) const {
        const auto known = peers_.find(report.peer);
        if (known == peers_.end()) return true;
        const auto before = known->second.find(report.reporter);
        if (before != known->second.end()) return report.at.seconds - before->second.at.seconds >= seconds_a_day;
        return known->second.size() < limits::server_reporters_max;
    }
    void put(const peer_report_record& report) { peers_[report.peer][report.reporter] = report; }
    /// A client that is no more, neither blamed nor believed.
    void remove(const client_id& client) {
        peers_.erase(client);
        for (auto at = peers_.begin(); at != peers_.end();) {
            at->second.erase(client);
            at = at->second.empty() ? peers_.erase(at) : std::next(at);
        }
    }
    [[nodiscard]] const std::map<client_id, reporters>& all() const noexcept { return peers_; }

private:
    static constexpr std::int64_t seconds_a_day = 24 * 3600;

    std::map<client_id, reporters> peers_;   // at most one entry a registered client
};

}  // namespace p2pdist
