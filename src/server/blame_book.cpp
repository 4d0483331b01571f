#include "blame_book.hpp"

#include <algorithm>
#include <iterator>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

std::int64_t newest_of(const blame_book::reporters& reports) {
    std::int64_t newest = 0;
    for (const auto& [reporter, report] : reports) newest = std::max(newest, report.at.seconds);
    return newest;
}

const peer_report_record& oldest_of(const blame_book::reporters& reports) {
    return std::ranges::min_element(reports, {}, [](const auto& entry) { return entry.second.at.seconds; })->second;
}

}  // namespace

bool blame_book::takes(const peer_report_record& report, bool registered) const {
    const auto known = peers_.find(report.peer);
    if (known != peers_.end()) {
        const auto before = known->second.find(report.reporter);
        if (before != known->second.end()) return report.at.seconds - before->second.at.seconds >= seconds_a_day;
        // Reports that nobody is shown any more make room, lest accomplices keep a liar from being named for ever.
        const bool full = known->second.size() >= limits::server_reporters_max;
        if (full && report.at.seconds - oldest_of(known->second).at.seconds < shown_seconds) return false;
    }
    return registered || strangers_named_by(report.reporter) < limits::server_strangers_of_reporter_max;
}

void blame_book::put(const peer_report_record& report, bool registered) {
    auto& of_peer = peers_[report.peer];
    of_peer[report.reporter] = report;
    if (of_peer.size() > limits::server_reporters_max) {
        const auto oldest = oldest_of(of_peer).reporter;
        of_peer.erase(oldest);
    }
    if (!registered) strangers_.insert(report.peer);
}

void blame_book::forget(const client_id& peer) {
    peers_.erase(peer);
    strangers_.erase(peer);
}

std::optional<client_id> blame_book::in_the_way_of(const client_id& peer, wall_time wall) const {
    if (strangers_.contains(peer) || strangers_.size() < limits::server_strangers_blamed_max) return std::nullopt;
    const auto oldest = std::ranges::min_element(strangers_, {}, [this](const client_id& id) { return newest_of(peers_.at(id)); });
    return wall.seconds - newest_of(peers_.at(*oldest)) >= shown_seconds ? *oldest : peer;
}

void blame_book::on_left(const client_id& client) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        at->second.erase(client);
        if (at->second.empty()) strangers_.erase(at->first);
        at = at->second.empty() ? peers_.erase(at) : std::next(at);
    }
    if (peers_.contains(client)) strangers_.insert(client);
}

std::size_t blame_book::strangers_named_by(const client_id& reporter) const {
    return static_cast<std::size_t>(std::ranges::count_if(strangers_, [&](const client_id& id) { return peers_.at(id).contains(reporter); }));
}

}  // namespace p2pdist
