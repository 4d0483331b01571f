#include "blame_book.hpp"

#include <algorithm>
#include <iterator>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

constexpr std::int64_t clock_slack = 60;

/// When it was made; long ago where that was after `wall`, by a clock that was ahead.
std::int64_t time_of(const peer_report_record& report, wall_time wall) {
    return report.at.seconds - wall.seconds <= clock_slack ? report.at.seconds : 0;
}

std::int64_t newest_of(const blame_book::reporters& reports, wall_time wall) {
    std::int64_t newest = 0;
    for (const auto& [reporter, report] : reports) newest = std::max(newest, time_of(report, wall));
    return newest;
}

const peer_report_record& oldest_of(const blame_book::reporters& reports, wall_time wall) {
    return std::ranges::min_element(reports, {}, [wall](const auto& entry) { return time_of(entry.second, wall); })->second;
}

}  // namespace

bool blame_book::is_shown(const peer_report_record& report, wall_time wall) { return wall.seconds - time_of(report, wall) < shown_seconds; }

bool blame_book::takes(const peer_report_record& report, bool registered) const {
    const auto known = peers_.find(report.peer);
    if (known != peers_.end()) {
        const auto before = known->second.find(report.reporter);
        if (before != known->second.end()) return report.at.seconds - time_of(before->second, report.at) >= seconds_a_day;
        // Reports that nobody is shown any more make room, lest accomplices keep a liar from being named for ever.
        const bool full = known->second.size() >= limits::server_reporters_max;
        if (full && is_shown(oldest_of(known->second, report.at), report.at)) return false;
    }
    return registered || strangers_named_by(report.reporter) < limits::server_strangers_of_reporter_max;
}

void blame_book::put(const peer_report_record& report, bool registered, wall_time wall) {
    auto& of_peer = peers_[report.peer];
    of_peer[report.reporter] = report;
    if (of_peer.size() > limits::server_reporters_max) {
        const auto oldest = oldest_of(of_peer, wall).reporter;
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
    const auto oldest = std::ranges::min_element(strangers_, {}, [&](const client_id& id) { return newest_of(peers_.at(id), wall); });
    return wall.seconds - newest_of(peers_.at(*oldest), wall) >= shown_seconds ? *oldest : peer;
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
