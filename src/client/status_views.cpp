// What a client tells of itself: status, peers, explain.

#include <algorithm>

#include "implementation.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist {

using namespace client_room;

client_status client_core::status() const {
    const auto& self = *self_;
    client_status out;
    out.id = self.shared.self.id;
    out.enrolled = self.member.enrolled();
    out.registered = self.member.registered();
    out.activated = self.member.activated();
    out.revoked = self.member.revoked();
    if (const auto& held = self.shared.seal.held()) out.key_epoch = held->key_epoch;
    out.revocations = self.shared.seal.revocations().number;
    out.server_reachable = self.member.server_reachable();
    out.holdings_reported = self.reporter.all_reported();
    out.problem = self.member.problem();
    out.paused = self.shared.paused;
    out.office = self.offices.office();
    out.office_type = self.offices.type();
    out.path = self.offices.path();
    if (!self.shared.config.servers.empty()) out.server = self.member.server().address;
    out.store = self.store;
    out.profile = self.shared.config.profile;
    for (const auto& [key, job] : self.jobs.jobs()) {
        if (auto progress = self.jobs.progress(key)) out.downloads.push_back(std::move(*progress));
    }
    out.uploads = self.shared.transfers.uploads();
    return out;
}

std::vector<peer_view> client_core::peers() const {
    const auto& self = *self_;
    std::vector<peer_view> out;
    if (self.member.enrolled()) {
        out.push_back({self.member.server_info(), {}, "server", holding_state::none, false});
    }
    for (const auto& [id, entry] : self.peers.entries()) {
        if (id == self.shared.self.id) continue;
        peer_view view;
        view.peer = entry.peer;
        view.office = self.offices.office_of(entry.peer.address);
        view.relation = std::string(to_string(self.offices.relation_of(entry.peer.address)));
        for (const auto& [key, job] : self.jobs.jobs()) {
            const auto& acting = job->acting_peer();
            view.acting = view.acting || (acting && acting->id == id && job->state() == fetch_job::standing::following);
            const auto progress = self.shared.transfers.progress(key);
            if (!progress) continue;
            for (const auto& source : progress->sources) {
                if (source.source.peer != id || source.chunks_held == 0) continue;
                const bool all = source.chunks_held == chunk_geometry(job->content().size_bytes).chunk_count();
                view.state = std::max(view.state, all ? holding_state::complete : holding_state::partial);
            }
        }
        out.push_back(std::move(view));
    }
    return out;
}

namespace {

/// The offices of a job's path with their rosters, and what decided the order.
void explain_ranking(explanation& out, const node& shared, const peer_book& peers, const fetch_job& job) {
    if (!job.located()) return;
    for (const auto& office : job.located()->path) {
        const ranked_peer* before = nullptr;
        int position = 0;
        for (const auto& ranked : office.roster) {
            explanation::line line;
            line.office = office.office;
            line.peer = ranked.peer;
            line.position = ++position;
            if (before) {
                line.decided_by =
                    shared.order().explain({before->peer.id, before->profile}, {ranked.peer.id, ranked.profile}).criterion;
            }
            const auto holds = [&](const peer_info& holder) { return holder.id == ranked.peer.id; };
            if (std::any_of(office.holders.begin(), office.holders.end(), holds)) line.state = holding_state::complete;
            line.acting = out.acting_is_self ? ranked.peer.id == shared.self.id
                                             : job.acting_peer() && job.acting_peer()->id == ranked.peer.id;
            if (const auto* known = peers.find(ranked.peer.id)) line.reachable = known->reachable;
            out.ranking.push_back(std::move(line));
            before = &ranked;
        }
    }
}

void explain_holders(explanation& out, const locate_reply& located) {
    for (const auto& office : located.path) {
        std::string names;
        for (const auto& holder : office.holders) names += (names.empty() ? "" : ", ") + brief(holder);
        if (names.empty()) continue;
        if (office.holders_elsewhere > 0) names += " and " + std::to_string(office.holders_elsewhere) + " more";
        out.notes.push_back("held in office " + (office.office.empty() ? std::string("(none)") : office.office) + " by " + names);
    }
    if (located.server_has_it) out.notes.push_back("the server has it, for clients of the central office");
    if (located.holders_outside > 0) {
        out.notes.push_back(std::to_string(located.holders_outside) +
                            " clients hold it in offices that are neither this one nor above it: content never travels up or sideways");
    }
}

}  // namespace

std::optional<explanation> client_core::explain(const content_id& id) const {
    const auto& self = *self_;
    explanation out;
    const fetch_job* job = nullptr;
    for (const auto& [key, candidate] : self.jobs.jobs()) {
        if (key.id == id) job = candidate.get();
    }
    if (!job) {
        const auto held = self.shelf.of(id);
        if (held.empty()) return std::nullopt;
        const auto& entry = held.front();
        out.content = entry.content;
        out.notes.push_back(entry.whole ? "all of it is in this client's store"
                                        : std::to_string(entry.verified_bytes) + " of " + std::to_string(entry.content.size_bytes) +
                                              " bytes are in this client's store; nobody asks for the rest now");
        if (entry.whole && !self.offices.shares()) out.notes.push_back("clients of a VPN office do not share it");
        return out;
    }
    out.content = job->content();
    switch (job->state()) {
        case fetch_job::standing::acting:
            out.acting_is_self = true;
            out.acting = brief(self.shared.self_info());
            break;
        case fetch_job::standing::following: out.acting = brief(*job->acting_peer()); break;
        case fetch_job::standing::direct:
            out.notes.push_back("a VPN office has no rendezvous point: this client fetches from the offices above itself");
            break;
        case fetch_job::standing::looking: out.notes.push_back("the office's rendezvous point is being looked for"); break;
    }
    explain_ranking(out, self.shared, self.peers, *job);
    if (job->located()) {
        explain_holders(out, *job->located());
    } else {
        out.notes.push_back("the server has not said who could have it");
    }
    if (const auto progress = self.jobs.progress(job->content().key()); progress && !progress->reason.empty()) {
        out.notes.push_back("now: " + progress->reason);
    }
    for (const auto& remark : job->notes()) out.notes.push_back(remark);
    return out;
}

std::optional<transfer_progress> client_core::progress(const content_id& id) const {
    for (const auto& [key, job] : self_->jobs.jobs()) {
        if (key.id == id) return self_->jobs.progress(key);
    }
    return std::nullopt;
}

std::vector<store_entry> client_core::contents() const {
    std::vector<store_entry> out;
    for (const auto& [key, entry] : self_->shelf.entries()) out.push_back(entry);
    return out;
}

}  // namespace p2pdist
