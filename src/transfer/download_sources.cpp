// Whom a download asks: several sources of the own office, one beyond it, and when to give one up.

#include "chunk_picker.hpp"
#include "download.hpp"

namespace p2pdist::detail::transfer {

namespace {
using namespace std::chrono_literals;
constexpr duration short_grace = 1s;  // before a gap counts as "nobody has it"
constexpr duration growth_hope = 2s;  // a source that grew so lately will grow again
}  // namespace

void download::add_source(time_point now, const transfer_source& source) {
    if (finished()) return;
    if (context_->blamed.contains(now, source.peer)) {
        context_->outputs.push_back(
            source_lost{content_->info.key(), source, errc::integrity_failed, "this peer served a chunk that does not fit", {}});
        return;
    }
    auto* one = find_source(source.peer);
    if (one == nullptr) {
        if (sources_.size() >= limits::transfer_sources_max) {
            const auto lost = [](const auto& item) { return item.second.phase == source_phase::lost; };
            // Who spoiled attempts is remembered as long as others can be forgotten.
            if (std::erase_if(sources_, [&](const auto& item) { return lost(item) && item.second.failed_attempt == 0; }) == 0)
                std::erase_if(sources_, lost);
            if (sources_.size() >= limits::transfer_sources_max) return;
        }
        one = &sources_.try_emplace(source.peer, source, chunk_count(), ++named_).first->second;
    } else if (one->phase == source_phase::lost) {
        one->source = source;
        one->order = ++named_;
        one->phase = source_phase::standby;
        one->not_before = now;
        one->retries = 0;
    } else {
        return;
    }
    short_since_ = never;
    if (state_ == life::running && !paused_) after_change(now);
}

void download::remove_source(time_point now, const client_id& peer) {
    auto* const one = find_source(peer);
    if (one == nullptr || one->phase == source_phase::blamed) return;
    if (one->in_use()) shut(now, *one, errc::cancelled);
    one->phase = source_phase::lost;
    after_change(now);
}

void download::drop_blamed(time_point now, const client_id& peer) {
    auto* const one = find_source(peer);
    if (one == nullptr || one->phase == source_phase::blamed || finished()) return;
    const bool told = one->phase != source_phase::lost;
    if (one->in_use()) shut(now, *one, errc::integrity_failed);
    one->phase = source_phase::blamed;
    if (told) {
        context_->outputs.push_back(
            source_lost{content_->info.key(), one->source, errc::integrity_failed, "this peer served a chunk that does not fit", {}});
    }
    after_change(now);
}

void download::open(time_point now, source_state& one) {
    const auto pair = content_pair(one.source.as, one.source.protocol);
    const path way{context_->config.ports[pair.from], {one.source.address, context_->config.ports[pair.to]}};
    one.strict = plain() || context_->guarded(now);
    flow_open request;
    request.object = content_object{content_->info};
    request.protocol = one.source.protocol;
    request.strict = one.strict;
    request.status = encode(receiver_status{0});
    one.phase = source_phase::opening;
    if (one.outer()) barren_ = 0;
    one.told = one.paused = one.wants_changed = one.rival = false;
    one.slow_watches = 0;
    one.log_seen = 0;
    one.held.clear();
    one.claimed.clear();
    one.opened_at = one.grew_at = one.progress_at = one.watched_since = now;
    one.watched_bytes = 0;
    one.flow = context_->flows.open(now, one.source.peer, way, std::move(request));
    by_flow_.emplace(one.flow, one.source.peer);
}

/// Ends its flow; the phase is the caller's.
void download::shut(time_point now, source_state& one, errc why) {
    release(now, one);
    by_flow_.erase(one.flow);
    context_->flows.close(now, one.flow, {why, std::string(state_ == life::complete ? complete_text : std::string_view{}), 0});
    one.flow = {};
    one.phase = source_phase::standby;
    one.told = one.paused = one.rival = false;
    one.held.clear();
    one.claimed.clear();
}

void download::lose(time_point now, source_state& one, errc reason, std::string text, duration retry_after) {
    const bool had_its_turn = one.answering() && !one.rival;
    if (one.in_use()) shut(now, one, reason);
    // A short "not now" is not worth a search for other sources.
    if (retry_after > duration::zero() && retry_after <= 2s && one.retries < limits::transfer_retries_max) {
        ++one.retries;
        // Once is a disk that was busy. Who does so in each of its turns has others begin their chunk anew again and again.
        if (had_its_turn && std::exchange(one.broken_attempt, integrity_failures_ + 1) == integrity_failures_ + 1)
            one.left_attempt = integrity_failures_ + 1;
        one.phase = source_phase::standby;
        one.not_before = now + retry_after;
        return;
    }
    one.phase = source_phase::lost;
    if (had_its_turn) one.left_attempt = integrity_failures_ + 1;
    if (!one.outer()) ++barren_;
    if (context_->config.log.wants(log_level::info)) {
        context_->say(log_level::info, "event=source_lost content=" + content_->info.id.text() + " peer=" + one.source.peer.to_string() +
                                           " text=\"" + text + "\"");
    }
    context_->outputs.push_back(source_lost{content_->info.key(), one.source, reason, std::move(text), retry_after});
}

void download::blame(time_point now, const client_id& peer, chunk_index chunk) {
    if (context_->blamed.contains(now, peer)) return drop_blamed(now, peer);   // several chunks of it were under way
    context_->say(log_level::warning, "event=peer_blamed content=" + content_->info.id.text() + " peer=" + peer.to_string());
    context_->blamed.add(now, peer);
    context_->newly_blamed.push_back(peer);
    context_->outputs.push_back(peer_blamed{peer, content_->info.key(), chunk});
    drop_blamed(now, peer);
}

/// Takes its work back. What it gave stays; of what was asked strictly, for itself to go on with, if all of it is authenticated. Of a plain
/// content only what is lined up stays: what somebody else has to give before it would have him begin twice, as if he had left in between.
void download::release(time_point, source_state& one, taking what) {
    for (const auto chunk : std::exchange(one.assigned, {})) {
        const auto found = active_.find(chunk);
        if (found == active_.end()) continue;
        auto& work = found->second;
        if (what == taking::all_but_what_goes_on && goes_on(work)) {
            one.assigned.push_back(chunk);
            continue;
        }
        std::erase_if(work.shares, [&](const share& part) { return part.peer == one.source.peer; });
        const bool stays = work.assembler.begun() && !plain() && (!work.strict || proven_of_one(work));
        if (work.shares.empty() && !stays) drop_chunk(chunk);
    }
    std::erase_if(ready_, [&](auto& item) {
        auto& [buffer, givers] = item.second;
        if (std::ranges::find(givers, one.source.peer, &contribution::peer) == givers.end()) return false;
        context_->pool.give_back(std::move(buffer));
        return true;
    });
}

void download::authenticate(time_point now, source_state& one) {
    if (one.strict || !one.in_use()) return;
    one.strict = true;
    context_->flows.authenticate(now, one.flow);
}

void download::guard(time_point now) {
    for (auto& [peer, one] : sources_) authenticate(now, one);
}

bool download::office_still_asked(time_point now) const {
    for (const auto& [peer, one] : sources_) {
        if (one.outer()) continue;
        if (one.phase == source_phase::opening && now < one.opened_at + context_->config.status_wait) return true;
        if (one.answering() && !one.told && now < one.opened_at + context_->config.status_wait) return true;
    }
    return false;
}

std::vector<const chunk_set*> download::in_office() const {
    std::vector<const chunk_set*> out;
    for (const auto& [peer, one] : sources_) {
        if (one.outer() || !one.answering()) continue;
        if (!one.lags) out.push_back(&one.held);
        if (!one.claimed.empty() && next_tick_ < one.claimed_at + limits::transfer_claim_time) out.push_back(&one.claimed);
    }
    return out;
}

bool download::outer_needed() const {
    if (first_absent(blocked_, in_office())) return true;
    const auto office = in_office();
    const auto lacking = [&](chunk_index chunk) {
        return std::ranges::none_of(office, [&](const chunk_set* set) { return set->contains(chunk); });
    };
    for (const auto& [chunk, work] : active_) {
        if (work.shares.empty() && lacking(chunk)) return true;
    }
    for (const auto& [chunk, peer] : suspected_) {
        if (!active_.contains(chunk) && lacking(chunk)) return true;
    }
    return false;
}

/// Whether it has, or may soon have, something for us.
bool download::useful(const source_state& one) const {
    if (!one.assigned.empty() || !one.told) return true;
    return !(one.held - content_->held).empty();
}

void download::manage_sources(time_point now) {
    if (state_ != life::running || paused_) return;
    if (plain()) return manage_plain(now);
    manage_office(now);
    manage_outer(now);
}

void download::manage_office(time_point now) {
    const bool beside_wan = std::ranges::any_of(sources_, [](const auto& item) {
        return item.second.outer() && item.second.phase != source_phase::lost && item.second.phase != source_phase::blamed;
    });
    // Where a WAN would be used for what others lack, all of them are asked what they hold.
    auto most = context_->config.office_sources_max;
    if (beside_wan) most = std::max(most, limits::transfer_status_sources_max);
    const auto all = in_order();
    auto used = static_cast<std::size_t>(std::ranges::count_if(all, [](const auto* one) { return !one->outer() && one->in_use(); }));
    for (auto* one : all) {
        if (one->outer() || one->phase != source_phase::standby || one->not_before > now) continue;
        if (used >= most) {
            const auto idle = std::ranges::find_if(all, [&](const auto* other) {
                const bool idle_long = !useful(*other) && now > other->grew_at + limits::transfer_useless_time;
                return !other->outer() && other->answering() && (idle_long || other->lags);
            });
            if (idle == all.end()) break;
            shut(now, **idle, errc::cancelled);
            (*idle)->order = ++named_;
            (*idle)->not_before = now + limits::transfer_useless_time;
            --used;
        }
        open(now, *one);
        ++used;
    }
}

void download::manage_outer(time_point now) {
    const auto all = in_order();
    const auto current = std::ranges::find_if(all, [](const auto* one) { return one->outer() && one->in_use(); });
    const auto next = std::ranges::find_if(
        all, [&](const auto* one) { return one->outer() && one->phase == source_phase::standby && one->not_before <= now; });
    // Each event comes here: what is needed, which takes a look at every chunk, is asked where there is somebody to ask for it.
    if (next == all.end() || office_still_asked(now) || !outer_needed()) return;
    if (current != all.end()) {
        if (useful(**current) || now < (*current)->grew_at + limits::transfer_useless_time) return;
        shut(now, **current, errc::cancelled);
        (*current)->order = ++named_;
        (*current)->not_before = now + limits::transfer_useless_time;
    }
    open(now, **next);
}

/// It has a chunk to give again that did not fit, as the one who gave it (SEC-3), and somebody else could: who lies gains nothing by being slow.
bool download::suspected_and_replaceable(const source_state& one) const {
    return std::ranges::any_of(one.assigned, [&](chunk_index chunk) {
        return suspected_.contains(chunk) && std::ranges::any_of(sources_, [&](const auto& other) {
                   return &other.second != &one && other.second.answering() && other.second.held.contains(chunk);
               });
    });
}

/// A source that holds what is wanted and gives nothing of it, or next to nothing, is left for others. Whoever names sources decides when
/// to try it again. One that gives little more, or stands aside, gives back what it owes now and then, so that who can do better takes it:
/// all but chunks that would begin anew elsewhere and are soon here.
void download::look_for_stalls(time_point now) {
    bool released = false;
    for (auto* one : in_order()) {
        if (!one->answering()) continue;
        // A source in use keeps others from being asked. Of a plain content only whole ones are shared.
        const bool silent = !one->told || (plain() && !one->held.full());
        if (silent && now >= one->opened_at + one->round_trip + limits::transfer_stall_time) {
            lose(now, *one, errc::timed_out, "the source accepted, and does not say that it has it", {});
            continue;
        }
        // Foreground stands aside for nobody: who says so only wants to be waited for.
        const bool aside = one->paused && one->source.protocol == transfer_protocol::background;
        if (aside || one->assigned.empty()) one->progress_at = now;
        if (one->assigned.empty() || store_is_behind()) {
            one->watched_since = now;
            one->watched_bytes = 0;
            continue;
        }
        if (now >= one->progress_at + limits::transfer_stall_time) {
            lose(now, *one, errc::timed_out, "the source holds what is wanted but gave nothing for seconds", {});
            continue;
        }
        if (now < one->watched_since + limits::transfer_watch_time) continue;
        const auto least = suspected_and_replaceable(*one) ? limits::transfer_suspect_pace_bytes_min : limits::transfer_pace_bytes_min;
        const auto given = one->watched_bytes;
        if (plain()) watch_pace(now, *one);
        one->watched_since = now;
        one->watched_bytes = 0;
        if (!aside && given < least) {
            lose(now, *one, errc::timed_out, "the source holds what is wanted but gives next to nothing", {});
            continue;
        }
        one->lags = !plain() && given < limits::transfer_crawl_bytes_max;
        if (!one->lags) continue;
        release(now, *one, taking::all_but_what_goes_on);
        released = one->wants_changed = true;
    }
    if (released) send_wants(now);   // without it: what stays wanted is not given twice
}

void download::ask_for_sources(time_point now) {
    bool hope = !verifying_.empty() || line_.waiting_bytes() > 0 || (fallback_used_ && now < given_at_ + growth_hope);
    for (const auto& [peer, one] : sources_) {
        if (one.phase == source_phase::opening || (one.phase == source_phase::standby && one.not_before < now + growth_hope)) hope = true;
        if (!one.answering()) continue;
        const bool getting = !one.claimed.empty() && now < one.claimed_at + limits::transfer_claim_time;
        if (!one.assigned.empty() || getting || now < one.grew_at + growth_hope) hope = true;
    }
    if (hope && !crawls(now)) {
        short_since_ = never;
        return;
    }
    if (short_since_ == never) short_since_ = now;
    if (!sources_.empty() && now < short_since_ + short_grace) return;
    if (wanted_said_ && now < wanted_at_ + limits::transfer_wanted_gap) return;
    wanted_said_ = true;
    wanted_at_ = now;
    context_->outputs.push_back(sources_wanted{content_->info.key()});
}

bool download::on_accepted(time_point now, const flow_accepted& accepted) {
    auto* const one = source_of(accepted.flow);
    if (one == nullptr) return false;
    if (accepted.object_bytes != content_->geometry.object_bytes()) {
        lose(now, *one, errc::malformed, "the source has a content of another size", {});
    } else {
        one->phase = source_phase::answering;
        one->round_trip = now - one->opened_at;
        one->progress_at = one->grew_at = now;
    }
    after_change(now);
    return true;
}

bool download::on_status(time_point now, const flow_status_changed& status) {
    auto* const one = source_of(status.flow);
    if (one == nullptr) return false;
    if (one->paused != status.paused) one->progress_at = now;
    one->paused = status.paused;
    const auto seen = one->log_seen;
    if (!status.status.empty() && !one->hear(now, status.status, content_->held)) {
        context_->say(log_level::debug, "event=bad_status peer=" + one->source.peer.to_string());
        return true;
    }
    if (one->log_seen != seen) context_->flows.set_status(now, one->flow, encode(receiver_status{one->log_seen}));
    after_change(now);
    return true;
}

bool download::on_ended(time_point now, const flow_ended& ended) {
    auto* const one = source_of(ended.flow);
    if (one == nullptr) return false;
    // Whoever named it said where it is: it may never have heard of us, and has broken no word then.
    const bool unheard = one->phase == source_phase::opening && ended.reason == errc::timed_out &&
                         !context_->link.receives_at(one->source.peer, one->source.address);
    lose(now, *one, unheard ? errc::unreachable : ended.reason, ended.text, ended.retry_after);
    after_change(now);
    return true;
}

}  // namespace p2pdist::detail::transfer
