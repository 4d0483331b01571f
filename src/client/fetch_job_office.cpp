// The own office's side of a fetch_job: who brings the content in, the mesh of those who fetch it, and the answers to who asks.

#include <algorithm>

#include "fetch_job.hpp"
#include "p2pdist/base/canary.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration refresh_interval = std::chrono::seconds(2);
constexpr duration refresh_interval_holder = std::chrono::seconds(10);
constexpr duration rivals_interval = std::chrono::seconds(3);
constexpr duration look_again_pause = std::chrono::seconds(1);
constexpr duration fresh = std::chrono::seconds(1);             // news of the acting peer younger than this are believed at once
constexpr duration deferral = std::chrono::milliseconds(3500);  // a dead rendezvous point is found out and succeeded within it
constexpr int patience = 4;                                     // rounds with undecided peers before they count as declining

}  // namespace

void fetch_job::decide(time_point now) {
    next_decision_ = never;
    if (standing_ != standing::looking || node_->paused || round_.running()) return;
    if (!located_ || located_->path.empty()) {
        decide_alone(now);
        return;
    }
    if (parts_->offices.is_vpn()) {
        standing_ = standing::direct;
        download(now);
        climb(now);
        return;
    }
    round_.start(now, content_, located_->path.front(), dead(now), undecided_rounds_ < patience,
                 [this](time_point at, const office_round::outcome& got) { on_decision(at, got); });
}

/// The server has never said who belongs to the office: only neighbours that broadcast finds, and the fallback sources.
void fetch_job::decide_alone(time_point now) {
    if (standing_ != standing::looking || node_->paused) return;
    if (!for_us_) return;  // a stranger's word alone starts nothing
    if (parts_->offices.is_vpn()) {
        standing_ = standing::direct;
        climb(now);
        return;
    }
    last_broadcast_ = time_point::min();
    ask_subnet(now);
    if (!parts_->fallback.possible()) {
        next_decision_ = now + node_->jitter.jittered(std::chrono::seconds(10), 0.25);
        return;
    }
    if (++undecided_rounds_ < 2) {
        next_decision_ = now + look_again_pause;  // answers to the broadcast come first
        return;
    }
    act(now);
}

void fetch_job::on_decision(time_point now, const office_round::outcome& got) {
    for (const auto& peer : got.silent) mark_dead(now, peer);
    for (const auto& remark : got.remarks) note(remark);
    switch (got.what) {
        case office_round::decision::follow:
            undecided_rounds_ = 0;
            if (sings(canary::two_copies)) return act(now);
            follow(now, got.peer, got.peer_is_holder);
            vouched_by_ = got.told_by;
            break;
        case office_round::decision::act:
            undecided_rounds_ = 0;
            act(now);
            break;
        case office_round::decision::look_again:
            ++undecided_rounds_;
            next_decision_ = now + node_->jitter.jittered(look_again_pause, 0.25);
            if (!locating_ && next_locate_ > now + std::chrono::seconds(5)) next_locate_ = now;
            break;
    }
    if (!downloading_) return;
    for (const auto& peer : got.sources) add_office_source(now, peer);
}

void fetch_job::follow(time_point now, const peer_info& peer, bool holder) {
    const bool news = !acting_peer_ || acting_peer_->id != peer.id || standing_ != standing::following;
    standing_ = standing::following;
    acting_peer_ = peer;
    acting_peer_holds_ = holder;
    acting_heard_ = now;
    next_decision_ = next_climb_ = never;
    if (news) {
        expect_progress(now);
        vouched_by_.reset();
    }
    if (news) log("follows", " peer=" + brief(peer) + (holder ? " holder=1" : " holder=0"));
    // A child office that is sent on, and still asks, gets nothing where it was sent: whether that one lies shows to who fetches from it.
    // But not by a stranger's word alone: what it asks for may never have been published.
    if (for_us_ || (located_ && from_below_ && now - *from_below_ >= limits::join_patience)) download(now);
    if (downloading_) {
        add_office_source(now, peer);
        next_refresh_ = now + node_->jitter.jittered(holder ? refresh_interval_holder : refresh_interval, 0.25);
    } else {
        next_refresh_ = never;
        over_ = !from_below_;  // asked to act, and somebody else does: what waits is answered and the job ends
    }
    answer_deferred(now);
}

void fetch_job::act(time_point now) {
    const bool succession = acting_peer_.has_value();
    standing_ = standing::acting;
    acting_peer_.reset();
    next_refresh_ = next_decision_ = never;
    expect_progress(now);
    const auto office = parts_->offices.office();
    if (succession) {
        node_->notice(log_level::info, "took over as rendezvous point of office " + office + " for " + content_.id.text());
    }
    log("acts", succession ? " succession=1" : " succession=0");
    parts_->reporter.set_acting(now, key_, true);
    download(now);
    // The office's own chunks first (RVP-3): those who fetch it too are sources.
    for (const auto& peer : askers_.some(now, node_->self.id, node_->jitter)) add_office_source(now, peer);
    if (located_ && !located_->path.empty()) {
        for (const auto& holder : located_->path.front().holders) {
            if (!dead(now).contains(holder.id)) add_office_source(now, holder);
        }
    }
    next_rivals_ = now + node_->jitter.jittered(rivals_interval, 0.25);
    climb(now);
    answer_deferred(now);
}

void fetch_job::yield_to(time_point now, const peer_info& peer, bool holder) {
    log("yields", " peer=" + brief(peer));
    node_->notice(log_level::info, brief(peer) + " is the rendezvous point for " + content_.id.text() + "; this client gives way");
    walk_.stop();
    rivals_.stop();
    parts_->fallback.stop(key_);
    drop_upstream(now);
    next_climb_ = next_check_ = next_rivals_ = never;
    parts_->reporter.set_acting(now, key_, false);
    follow(now, peer, holder);
}

void fetch_job::add_office_source(time_point now, const peer_info& peer) {
    if (peer.id == node_->self.id || parts_->offices.relation_of(peer.address) != relation::office) return;
    if (!usable(now, peer.id)) return;
    if (!node_->seal.knows(peer.id) && !node_->seal.add_peer(peer.id, peer.key)) return;
    parts_->peers.note(peer);
    node_->transfers.add_source(now, key_, {peer.id, role::client, peer.address, source_kind::office, transfer_protocol::foreground});
}

/// Where the offices were drawn anew, a source that was of this one may be behind a WAN now: several at once by Foreground would carry a copy
/// each, and yield to nobody. Nor may anybody be asked above who is not above any more. Who fits otherwise now is found again as such; those of
/// an office that stayed as it was go on. Whether it concerns whom this job goes by.
bool fetch_job::leave_misplaced(time_point now) {
    if (!parts_->offices.known()) return false;
    const auto misplaced = [this](const ip_address& address, relation meant) {
        return parts_->offices.relation_of(address) != meant || (meant == relation::office && !parts_->offices.shares());
    };
    for (const auto& source : node_->transfers.sources(key_)) {
        const auto meant = source.kind == source_kind::office ? relation::office : relation::above;
        if (source.as == role::server || !misplaced(source.address, meant)) continue;
        log("source_misplaced", " peer=" + brief({source.peer, {}, source.address}) + " kind=" + std::string(to_string(source.kind)));
        node_->transfers.remove_source(now, key_, source.peer);
    }
    if (upstream_ && upstream_->as == role::client && misplaced(upstream_->address, relation::above)) return true;
    return standing_ == standing::following && misplaced(acting_peer_->address, relation::office);
}

// ---- while following

void fetch_job::refresh(time_point now) {
    next_refresh_ = never;
    if (standing_ != standing::following || !acting_peer_) return;
    if (refreshing_) {   // of the one before, perhaps
        next_refresh_ = now + refresh_interval;
        return;
    }
    watch_progress(now);
    if (downloading_ && fruitless(now, acting_peer_holds_)) {
        distrust_acting(now);
        return;
    }
    refreshing_ = true;
    const auto peer = *acting_peer_;
    requests_.ask(
        now, peer, want_request{content_, parts_->offices.office(), false},
        [this, peer](time_point at, const answer& got) {
            refreshing_ = false;
            on_refreshed(at, peer, got);
        },
        want_options());
}

void fetch_job::on_refreshed(time_point now, const peer_info& peer, const answer& got) {
    parts_->peers.set_reachable(peer.id, got.reached);
    if (standing_ != standing::following || !acting_peer_ || acting_peer_->id != peer.id) return;
    const auto* reply = got.as<want_reply>();
    if (!reply) {
        if (!got.reached) {
            log("acting_silent", " peer=" + brief(peer));
            mark_dead(now, peer.id);
            node_->transfers.remove_source(now, key_, peer.id);
            if (vouched_by_) distrust_.strike(now, *vouched_by_);
        }
        lost_acting(now);
        return;
    }
    for (const auto& other : reply->others) add_office_source(now, other);
    switch (reply->verdict) {
        case want_verdict::holder:
        case want_verdict::acting: follow(now, peer, reply->verdict == want_verdict::holder); return;
        case want_verdict::not_me:
            if (reply->acting_peer && reply->acting_peer->id != node_->self.id && !dead(now).contains(reply->acting_peer->id) &&
                node_->may_name(peer.address, reply->acting_peer->address)) {
                follow(now, *reply->acting_peer, false);
                vouched_by_ = peer.id;
                acting_heard_ = {};  // hearsay
                next_refresh_ = now + std::chrono::milliseconds(500);
                return;
            }
            break;
        case want_verdict::partial:
        case want_verdict::cannot:
        case want_verdict::unknown: break;
    }
    lost_acting(now);
}

/// It lives, or so it says, but nothing comes by it: the next in rank has its turn. It stays a source for what it has.
void fetch_job::distrust_acting(time_point now) {
    log("nothing_comes", " peer=" + brief(*acting_peer_));
    note("nothing comes by " + brief(*acting_peer_));
    distrust_.strike(now, acting_peer_->id, progress_at_);
    if (vouched_by_) distrust_.strike(now, *vouched_by_, progress_at_);
    lost_acting(now);
}

void fetch_job::lost_acting(time_point now) {
    log("lost_acting", acting_peer_ ? " peer=" + brief(*acting_peer_) : std::string());
    standing_ = standing::looking;
    next_refresh_ = never;
    if (!located_) {
        next_decision_ = now + look_again_pause;
        return;
    }
    decide(now);
}

// ---- while acting

/// Two can act where a part of the network was cut off for a while. The better-ranked stays; therefore each asks those before it.
void fetch_job::look_for_rivals(time_point now) {
    if (standing_ != standing::acting || rivals_.running()) return;
    next_rivals_ = now + node_->jitter.jittered(rivals_interval, 0.25);
    if (!located_ || located_->path.empty()) return;
    std::vector<peer_info> before;
    for (const auto& candidate : located_->path.front().roster) {
        if (candidate.peer.id == node_->self.id) break;
        if (!dead(now).contains(candidate.peer.id)) before.push_back(candidate.peer);
    }
    if (before.empty()) return;
    rivals_.start(now, want_request{content_, parts_->offices.office(), true}, before, [this](time_point at, const interview_outcome& got) {
        for (const auto& peer : got.silent) mark_dead(at, peer);
        if (standing_ != standing::acting || !got.found || got.found->peer.id == node_->self.id) return;
        if (dead(at).contains(got.found->peer.id) || !ranks_before(got.found->peer.id, node_->self.id)) return;
        yield_to(at, got.found->peer, got.found->reply.verdict == want_verdict::holder);
    });
}

/// By the server's frozen order; who is not in the roster comes after it, by id.
bool fetch_job::ranks_before(const client_id& left, const client_id& right) const {
    const auto position = [this](const client_id& id) {
        std::size_t at = 0;
        if (!located_ || located_->path.empty()) return at;
        for (const auto& candidate : located_->path.front().roster) {
            if (candidate.peer.id == id) return at;
            ++at;
        }
        return at;
    };
    const auto first = position(left);
    const auto second = position(right);
    return first != second ? first < second : left < right;
}

// ---- answers

void fetch_job::on_want(time_point now, message_handle handle, const peer_info& asker, relation where, const want_request& request) {
    const bool poll = where == relation::office && request.as_rendezvous_point;
    last_wanted_ = now;
    if (where == relation::office) askers_.note(now, asker);
    if (where == relation::below && !from_below_) from_below_ = now;
    if (auto reply = verdict(now, asker.id, where, poll)) {
        node_->answer_want(now, handle, std::move(*reply));
        return;
    }
    // One of each asker: who asks again has given up waiting for the first answer.
    const auto before = std::ranges::find(deferred_, asker.id, [](const deferred_want& want) { return want.asker.id; });
    if (before != deferred_.end()) {
        node_->answer_want(now, before->handle, want_reply{want_verdict::unknown, std::nullopt, {}, "asked again"});
        deferred_.erase(before);
    }
    if (deferred_.size() >= limits::wants_deferred_max) {
        node_->answer_want(now, handle, want_reply{want_verdict::unknown, std::nullopt, {}, "too many ask at once"});
        return;
    }
    deferred_.push_back({handle, now + deferral, asker, where, request.content.size_bytes});
    if (standing_ == standing::following) refresh(now);
}

/// Nothing: it has to find out first.
std::optional<want_reply> fetch_job::verdict(time_point now, const client_id& asker, relation where, bool poll) {
    want_reply reply;
    if (where == relation::office) reply.others = askers_.some(now, asker, node_->jitter);
    if (node_->paused) {
        reply.verdict = want_verdict::cannot;
        reply.text = "paused by its user";
        return reply;
    }
    const auto* held = node_->transfers.held(key_);
    const bool some = held && !held->empty();
    switch (standing_) {
        case standing::acting: reply.verdict = want_verdict::acting; return reply;
        case standing::following:
            if (acting_peer_->id == asker) break;
            // Somebody who asks does not reach the acting one, perhaps: believe only fresh news of it.
            if (!poll && now - acting_heard_ > fresh) return std::nullopt;
            reply.verdict = want_verdict::not_me;
            reply.acting_peer = acting_peer_;
            return reply;
        case standing::looking:
            if (!poll) return std::nullopt;
            if (round_.claiming() && ranks_before(node_->self.id, asker)) {
                reply.verdict = want_verdict::acting;
                return reply;
            }
            break;
        case standing::direct:
            reply.verdict = want_verdict::cannot;
            reply.text = "clients of a VPN office do not share";
            return reply;
    }
    reply.verdict = some ? want_verdict::partial : want_verdict::unknown;
    return reply;
}

void fetch_job::answer_deferred(time_point now) {
    auto waiting = std::exchange(deferred_, {});
    for (auto& want : waiting) {
        if (auto reply = verdict(now, want.asker.id, want.where, false)) {
            node_->answer_want(now, want.handle, std::move(*reply));
        } else {
            deferred_.push_back(std::move(want));
        }
    }
}

}  // namespace p2pdist::client_room
