#include "fetch_job.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration dead_time = std::chrono::seconds(10);        // a silent peer is not asked again for so long
constexpr duration care_interval = std::chrono::seconds(5);
constexpr duration unwanted_time = std::chrono::seconds(60);    // a job for others ends when nobody asked for so long
constexpr duration unwanted_below_time = std::chrono::seconds(100);   // a child office that was sent on waits there first (fruitless_time)
constexpr duration relocate_interval = std::chrono::seconds(60);
constexpr duration broadcast_gap = std::chrono::seconds(10);
constexpr duration alone_pause = std::chrono::seconds(4);       // without the server: time for neighbours to be heard first
constexpr int locate_attempts = 4;

}  // namespace

fetch_job::fetch_job(client_parts& parts, content_info content, std::optional<client_id> asked_by, time_point now)
    : parts_(&parts),
      node_(&parts.shared),
      content_(std::move(content)),
      key_(content_.key()),
      asked_by_(asked_by),
      for_us_(!asked_by),
      last_wanted_(now),
      requests_(parts.shared),
      round_(parts.shared, parts.peers),
      walk_(parts.shared, parts.peers),
      rivals_(parts.shared, parts.peers),
      next_care_(now + care_interval),
      locate_pause_(std::chrono::seconds(2), std::chrono::seconds(30)),
      climb_pause_(std::chrono::seconds(1), std::chrono::seconds(20)) {}

fetch_job::~fetch_job() { parts_->fallback.stop(key_); }

void fetch_job::begin(time_point now) {
    log("job_begins", for_us_ ? " for=us" : " for=others");
    place_ = place();
    if (for_us_) download(now);
    ask_subnet(now);
    locate(now);
}

void fetch_job::take_up(time_point now) {
    for_us_ = true;
    if (!failure_) over_ = false;
    download(now);
}

void fetch_job::release(time_point now) {
    for_us_ = false;
    if (standing_ == standing::acting && now - last_wanted_ < unwanted_time) return;
    over_ = true;
}

void fetch_job::give_way() {
    log("gives_way");
    over_ = true;
}

void fetch_job::download(time_point now) {
    if (downloading_) return;
    downloading_ = true;
    node_->transfers.download(now, content_);
    if (node_->paused) node_->transfers.pause(now, key_, true);
}

void fetch_job::ended(time_point now, const std::optional<error>& failure) {
    for (const auto& waiting : deferred_) {
        want_reply reply;
        reply.verdict = failure ? want_verdict::cannot : want_verdict::holder;
        if (failure) reply.text = failure->message;
        node_->answer_want(now, waiting.handle, std::move(reply));
    }
    deferred_.clear();
}

// ---- where is it?

void fetch_job::locate(time_point now) {
    if (locating_) return;
    if (!parts_->member.registered()) {
        next_locate_ = now + locate_pause_.next(node_->jitter);
        if (!located_ && next_decision_ == never) next_decision_ = now + node_->jitter.jittered(alone_pause, 0.5);
        return;
    }
    locating_ = true;
    next_locate_ = never;
    message_options options;
    options.attempts_max = locate_attempts;
    options.large_protocol = parts_->offices.is_central() ? transfer_protocol::foreground : transfer_protocol::background;
    requests_.ask(
        now, parts_->member.server(), locate_request{key_}, [this](time_point at, const answer& got) { on_located(at, got); }, options);
}

void fetch_job::on_located(time_point now, const answer& got) {
    locating_ = false;
    if (std::exchange(locate_again_, false)) return locate(now);
    const auto* reply = got.as<locate_reply>();
    if (reply && reply->content.key() == key_) {
        settle_size(now, reply->content);
        if (over_) return;
        located_ = *reply;
        locate_pause_.reset();
        for (const auto& office : reply->path) {
            for (const auto& ranked : office.roster) parts_->peers.note(ranked);
            for (const auto& holder : office.holders) parts_->peers.note(holder);
        }
        next_locate_ = now + node_->jitter.jittered(relocate_interval, 0.25);
        log("located", " offices=" + std::to_string(reply->path.size()) + " server_has_it=" + (reply->server_has_it ? "1" : "0"));
        if (standing_ == standing::looking) decide(now);
        if (standing_ == standing::acting && !upstream_ && !parts_->fallback.reading(key_)) climb(now);
        return;
    }
    const std::string why = got.failure ? got.failure->message : "an answer that was not understood";
    if (got.reached && got.failure && got.failure->code == errc::not_found) {
        failure_ = error{errc::not_found, "content " + content_.id.text() + " is not published (any more)"};
        over_ = true;
        return;
    }
    note("the server does not say where it is: " + why);
    next_locate_ = now + locate_pause_.next(node_->jitter);
    if (standing_ == standing::looking && !round_.running()) {
        if (located_) {
            decide(now);
        } else if (next_decision_ == never) {
            next_decision_ = now + node_->jitter.jittered(alone_pause, 0.5);
        }
    }
}

/// Whoever asked first may have said any size; the server's word decides, and those who meant another one are told.
void fetch_job::settle_size(time_point now, const content_info& right) {
    const bool same = right == content_;
    if (!same && size_known()) {
        failure_ = error{errc::malformed, "the server says now that content " + content_.id.text() + " has " +
                                              std::to_string(right.size_bytes) + " bytes: fetch it again"};
        over_ = true;
        return;
    }
    content_ = right;
    std::erase_if(deferred_, [&](const deferred_want& waiting) {
        if (waiting.size_bytes == right.size_bytes) return false;
        node_->answer_want(now, waiting.handle, want_reply{want_verdict::cannot, std::nullopt, {}, std::string(other_size_text)});
        return true;
    });
    if (same) return;
    over_ = deferred_.empty();
    if (!over_) asked_by_ = deferred_.front().asker.id;
}

void fetch_job::ask_subnet(time_point now) {
    if (!parts_->broadcast.possible() || (last_broadcast_ != time_point::min() && now - last_broadcast_ < broadcast_gap)) return;
    last_broadcast_ = now;
    parts_->broadcast.ask(now, key_);
}

void fetch_job::on_state_changed(time_point now) {
    const bool moved = place() != place_;
    if (leave_misplaced(now) || moved) begin_anew(now);
    if (parts_->member.server_reachable() && !located_) locate(now);
}

void fetch_job::on_registered(time_point now) {
    if (locating_) locate_again_ = true;
    else if (located_) locate(now);
}

/// The own office, its kind, and the offices above.
std::vector<std::string> fetch_job::place() const {
    auto out = parts_->offices.path();
    out.push_back(parts_->offices.type());
    return out;
}

/// This device has moved, or the offices were drawn anew: who brings it in, and who may be asked above, is another question now. What was
/// waited for there in vain says nothing of those who are asked here. What is known of single peers, and of the content, stays.
void fetch_job::begin_anew(time_point now) {
    log("begins_anew");
    place_ = place();
    if (standing_ == standing::acting) parts_->reporter.set_acting(now, key_, false);
    parts_->fallback.stop(key_);
    drop_upstream(now);
    round_.stop();
    rivals_.stop();
    walk_.stop();
    next_decision_ = next_refresh_ = next_rivals_ = next_climb_ = never;
    passed_over_.clear();
    acting_peer_.reset();
    vouched_by_.reset();
    promised_.reset();
    from_below_.reset();
    promises_fail_ = false;
    fruitless_walks_ = undecided_rounds_ = 0;
    upstream_trouble_.clear();
    climb_pause_.reset();
    standing_ = standing::looking;
    located_.reset();
    if (locating_) locate_again_ = true;
    else locate(now);
}

void fetch_job::on_found(time_point now, const discovery::found& found) {
    if (!usable(now, found.peer.id)) return;
    auto& entry = parts_->peers.note(found.peer);
    entry.profile = found.reply.profile;
    entry.reachable = true;
    dead_until_.erase(found.peer.id);
    if (parts_->offices.is_vpn()) return;
    if (found.reply.state == holding_state::complete || found.reply.acting) {
        if (standing_ == standing::looking && !round_.running()) {
            follow(now, found.peer, found.reply.state == holding_state::complete);
            return;
        }
    }
    if (downloading_ && found.reply.state != holding_state::none) add_office_source(now, found.peer);
}

// ---- what is known of the others

void fetch_job::mark_dead(time_point now, const client_id& peer) {
    dead_until_[peer] = now + dead_time;
    parts_->peers.set_reachable(peer, false);
    askers_.forget(peer);
}

std::set<client_id> fetch_job::dead(time_point now) const {
    std::set<client_id> out;
    for (const auto& [peer, until] : dead_until_) {
        if (until > now) out.insert(peer);
    }
    distrust_.add_to(out, now);
    for (const auto& peer : node_->transfers.blamed(now)) out.insert(peer);
    return out;
}

/// Whether its word counts: a peer that served bad bytes, or whose word came to nothing, is passed over.
bool fetch_job::usable(time_point now, const client_id& peer) const {
    if (distrust_.of(now, peer)) return false;
    const auto blamed = node_->transfers.blamed(now);
    return std::find(blamed.begin(), blamed.end(), peer) == blamed.end();
}

void fetch_job::watch_progress(time_point now) {
    const auto progress = node_->transfers.progress(key_);
    if (!progress) return;
    const auto here = progress->verified_bytes + progress->unverified_bytes;
    if (here == progress_bytes_ && !node_->paused) return;
    progress_bytes_ = here;
    progress_at_ = now;
}

/// Nothing has come for long. `whole`: the peer in question says that it has all of it; one that is still getting a plain content can give
/// nothing of it before.
bool fetch_job::fruitless(time_point now, bool whole) {
    duration patience = limits::fruitless_time;
    if (content_.hash.kind == hash_kind::sha256) {
        if (whole && whole_since_ == time_point{}) whole_since_ = now;
        const std::chrono::seconds relayed(content_.size_bytes / limits::plain_relay_bytes_per_second);
        if (!whole) patience += std::min<duration>(relayed, limits::plain_relay_time_max);
    }
    return now >= std::max(progress_at_, whole_since_) + patience;
}

/// Of a peer that was not asked before.
void fetch_job::expect_progress(time_point now) {
    progress_at_ = now;
    whole_since_ = {};
}

void fetch_job::note(std::string text) {
    if (std::find(notes_.begin(), notes_.end(), text) != notes_.end()) return;
    log("note", " text=\"" + text + '"');
    if (notes_.size() >= limits::explain_notes_max) notes_.erase(notes_.begin());
    notes_.push_back(std::move(text));
}

void fetch_job::log(std::string_view event, const std::string& rest) const {
    if (!node_->logs(log_level::debug)) return;
    node_->log(log_level::debug, "event=" + std::string(event) + " content=" + content_.id.text() + " self=" +
                                     node_->self.id.to_string().substr(0, 8) + " standing=" + std::string(to_string(standing_)) + rest);
}

std::string fetch_job::reason() const {
    if (node_->paused) return "paused by the user";
    switch (standing_) {
        case standing::looking: {
            if (located_) return "looking for the office's rendezvous point";
            if (parts_->member.server_reachable()) return "asking the server who has it";
            const auto obstacle = parts_->member.obstacle();
            return obstacle.empty() ? "the server cannot be reached; looking for neighbours that have it" : obstacle;
        }
        case standing::following:
            return "waiting for " + brief(*acting_peer_) + (acting_peer_holds_ ? ", which holds it" : ", the office's rendezvous point");
        case standing::acting:
        case standing::direct: break;
    }
    if (const auto fallback = parts_->fallback.state_of(key_); !fallback.empty()) return fallback;
    if (upstream_ && upstream_->as == role::server) return "waiting for the server";
    if (upstream_) return "waiting for " + brief({upstream_->peer, {}, upstream_->address}) + " in office " + upstream_office_;
    if (!upstream_trouble_.empty()) return upstream_trouble_;
    return "looking for a source in the offices above";
}

// ---- time

void fetch_job::on_paused(time_point now, bool paused) {
    if (downloading_) node_->transfers.pause(now, key_, paused);
    if (paused && standing_ == standing::acting) {
        // Whoever waits for this office's copy gets another rendezvous point.
        parts_->fallback.stop(key_);
        drop_upstream(now);
        walk_.stop();
        next_climb_ = next_rivals_ = never;
        parts_->reporter.set_acting(now, key_, false);
        standing_ = standing::looking;
        next_decision_ = never;
    }
    if (!paused) promised_.reset();
    if (!paused && standing_ == standing::looking && !round_.running()) next_decision_ = now;
    if (!paused && standing_ == standing::direct && !upstream_) next_climb_ = now;
}

void fetch_job::on_timer(time_point now) {
    const auto due = [now](time_point& at) {
        if (at > now) return false;
        at = never;
        return true;
    };
    round_.on_timer(now);
    rivals_.on_timer(now);
    if (due(next_locate_)) locate(now);
    if (due(next_decision_)) located_ ? decide(now) : decide_alone(now);
    if (due(next_refresh_)) refresh(now);
    if (due(next_rivals_)) look_for_rivals(now);
    if (due(next_check_)) check_upstream(now);
    if (due(next_climb_)) climb(now);
    for (auto waiting = deferred_.begin(); waiting != deferred_.end();) {
        if (waiting->until > now) {
            ++waiting;
            continue;
        }
        want_reply reply;
        reply.verdict = want_verdict::unknown;
        reply.text = "still looking for it";
        node_->answer_want(now, waiting->handle, std::move(reply));
        waiting = deferred_.erase(waiting);
    }
    for (auto busy = again_.begin(); busy != again_.end();) {
        if (busy->second.second > now) {
            ++busy;
            continue;
        }
        const auto peer = busy->second.first;
        busy = again_.erase(busy);
        if (downloading_) add_office_source(now, peer);
    }
    if (due(next_care_)) {
        next_care_ = now + care_interval;
        std::erase_if(dead_until_, [now](const auto& entry) { return entry.second <= now; });
        if (!for_us_ && now - last_wanted_ > (from_below_ ? unwanted_below_time : unwanted_time)) {
            log("unwanted");
            over_ = true;
        }
    }
}

time_point fetch_job::deadline() const {
    auto out = std::min({next_locate_, next_decision_, next_refresh_, next_rivals_, next_check_, next_climb_, next_care_, round_.deadline(),
                         rivals_.deadline()});
    for (const auto& waiting : deferred_) out = std::min(out, waiting.until);
    for (const auto& [peer, busy] : again_) out = std::min(out, busy.second);
    return out;
}

std::string_view to_string(fetch_job::standing state) noexcept {
    switch (state) {
        case fetch_job::standing::looking: return "looking";
        case fetch_job::standing::following: return "following";
        case fetch_job::standing::acting: return "acting";
        case fetch_job::standing::direct: return "direct";
    }
    return "?";
}

}  // namespace p2pdist::client_room
