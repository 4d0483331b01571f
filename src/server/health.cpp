#include "health.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/office/topology_lint.hpp"

namespace p2pdist {
namespace {

enum severity : std::uint8_t { good = 0, warning = 1, bad = 2 };

constexpr duration commit_slow = std::chrono::seconds(5);

health_finding database_finding(time_point now, const commit_desk& commits) {
    if (commits.trouble()) return {bad, "database", commits.trouble()->message};
    const auto since = commits.waiting_since();
    if (since && now - *since > commit_slow) {
        return {warning, "database",
                "a change has been waiting for its commit for " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - *since).count()) +
                    " s; check the load of the database's disk or server"};
    }
    return {good, "database", "changes are committed"};
}

health_finding central_finding(time_point now, const server_state& state) {
    const auto central = state.offices().central();
    const auto& name = state.offices()[central].name;
    if (state.clients.in_office(central).empty()) {
        return {bad, "central office",
                "no client is in the central office '" + name +
                    "', so nobody passes content on to the other offices; install the client on a device there"};
    }
    if (state.clients.active_in_office(central, now) == 0) {
        return {bad, "central office", "no client of the central office '" + name + "' is active; start one of them"};
    }
    return {good, "central office", std::to_string(state.clients.active_in_office(central, now)) + " active clients pass content on"};
}

void topology_findings(const server_state& state, std::vector<health_finding>& out) {
    if (const auto misplaced = state.topology.misplaced_server()) {
        out.push_back({bad, "topology", misplaced->reason + "; correct the topology and import it again"});
    }
    if (!state.topology.record().unread.empty()) {
        out.push_back({bad, "topology", "this version of the server cannot read the topology that was imported; the detected one is in force until "
                                        "another is imported, or a version runs that can read it"});
    }
    const auto outside = state.clients.in_office(std::nullopt).size();
    if (outside > 0) {
        out.push_back({warning, "topology",
                       std::to_string(outside) + " clients are in no office and fetch from the central office one by one; "
                                                 "add their subnets to the topology ('clients' shows which)"});
    }
    for (const auto& remark : lint(state.offices())) out.push_back({warning, "topology", remark.office + ": " + remark.remark});
    if (!state.topology.record().imported) out.push_back({good, "topology", "detected from the clients' subnets; none was imported"});
}

void licence_findings(const server_state& state, std::vector<health_finding>& out) {
    if (!state.versions.activated) {
        out.push_back({bad, "activation", "the server is not activated, and no client receives content; run p2pdist-admin activate"});
        return;
    }
    const auto licences = licence_report(state.licence, state.clients.members());
    // ACT-3: a surplus is billed, not warned of.
    out.push_back({good, "licences", std::to_string(licences.used) + " of " + std::to_string(licences.bought) + " in use"});
}

void client_findings(time_point now, const server_context& shared, std::vector<health_finding>& out) {
    const auto& state = shared.state;
    if (state.clients.members() == 0)
        out.push_back({warning, "clients", "no client has registered yet; install clients with the enrolment key"});
    const auto active = state.clients.active_count(now);
    if (active * 2 < state.clients.members()) {
        out.push_back({warning, "clients", std::to_string(active) + " of " + std::to_string(state.clients.members()) + " clients are active"});
    }
}

void integrity_findings(const server_context& shared, std::vector<health_finding>& out) {
    const auto& state = shared.state;
    for (const auto& [peer, reporters] : state.blamed.all()) {
        const auto count = std::count_if(reporters.begin(), reporters.end(),
                                         [&](const auto& entry) { return blame_book::is_shown(entry.second, shared.wall); });
        if (count == 0) continue;
        const auto* who = state.clients.find(peer);
        const auto where = who == nullptr ? std::string(" (not registered; 'clients revoke --unregistered' shuts it out)") : " (" + who->record.host_name + " at " + who->record.address.to_string() + ")";
        const std::string say = count == 1 ? "says 1 client" : "say " + std::to_string(count) + " clients";
        out.push_back({warning, "integrity",
                       "client " + peer.to_string() + where + " served bad chunks, " + say + "; check its disk and memory, or what runs on it"});
    }
}

void link_findings(const server_state& state, std::vector<health_finding>& out) {
    if (!state.links.is_full()) return;
    out.push_back({warning, "links",
                   "the sums of bytes over links are full (" + std::to_string(limits::server_links_max) +
                       " offices and contents): what new ones take is not counted; contents that are removed make room"});
}

void membership_findings(time_point now, const server_context& shared, std::vector<health_finding>& out) {
    const auto& state = shared.state;
    for (const auto& clone : shared.clones.findings(now)) out.push_back({warning, "identity", describe(clone)});
    if (const auto revoked = state.clients.size() - state.clients.members(); revoked > 0) {
        out.push_back({good, "revocation", std::to_string(revoked) + " clients are revoked; 'clients' shows which"});
    }
    const auto epoch = state.versions.key_epoch;
    if (state.epochs.oldest != 0 && state.epochs.oldest < epoch) {
        const auto grace = std::chrono::duration_cast<std::chrono::seconds>(state.settings.key_epoch_grace()).count();
        const auto left = std::max<std::int64_t>(0, state.epochs.since.seconds + grace - shared.wall.seconds);
        out.push_back({good, "keys", "key epoch " + std::to_string(epoch) + " has begun; certificates of the one before count for " +
                                         std::to_string((left + 59) / 60) + " more minutes"});
    }
}

}  // namespace

health_reply check_health(time_point now, const server_context& shared) {
    const auto& state = shared.state;
    health_reply out;
    out.software_version = shared.config.software_version;
    out.uptime_s = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now - shared.started).count());
    out.activated = state.versions.activated;
    out.clients_registered = static_cast<std::uint32_t>(state.clients.members());
    out.clients_active = static_cast<std::uint32_t>(state.clients.active_count(now));
    out.contents = static_cast<std::uint32_t>(state.contents.size());
    out.offices = static_cast<std::uint32_t>(state.offices().size());
    out.findings.push_back(database_finding(now, shared.commits));
    if (shared.restored) out.findings.push_back({warning, "restored", describe(*shared.restored)});
    licence_findings(state, out.findings);
    out.findings.push_back(central_finding(now, state));
    topology_findings(state, out.findings);
    client_findings(now, shared, out.findings);
    integrity_findings(shared, out.findings);
    link_findings(state, out.findings);
    membership_findings(now, shared, out.findings);
    std::stable_sort(out.findings.begin(), out.findings.end(),
                     [](const auto& left, const auto& right) { return left.severity > right.severity; });
    return out;
}

}  // namespace p2pdist
