// Whom a download asks for a content that can only be verified as a whole, and what follows when it does not fit.

#include <algorithm>
#include <tuple>

#include "download.hpp"

namespace p2pdist::detail::transfer {

namespace {
using namespace std::chrono_literals;
constexpr duration fallback_silence = 2s;  // after which a fallback source no longer keeps others away
constexpr int barren_max = 2;              // sources of the office in a row that give nothing, before one above has its turn
}  // namespace

/// Whoever was part of what did not fit comes last: those who left before its end behind those who stayed, since an honest source that
/// stays is in every attempt that liars begin; then those who failed longest ago, then the own office before others. Somebody in it may go on
/// naming new ones that give nothing: those above have their turn in between.
std::vector<source_state*> download::plain_order() {
    auto out = in_order();
    const bool office_first = barren_ < barren_max;
    std::ranges::stable_sort(out, {}, [office_first](const source_state* one) {
        return std::tuple(one->unfinished, one->failed_attempt, one->outer() == office_first);
    });
    return out;
}

source_state* download::plain_giver() {
    const auto found = std::ranges::find_if(sources_, [](const auto& item) { return item.second.in_use() && !item.second.rival; });
    return found == sources_.end() ? nullptr : &found->second;
}

/// Whether a fallback source is to be read rather than this one.
bool download::fallback_before(const source_state& one) const noexcept {
    return one.failed_attempt > 0 && fallback_unfinished_ <= one.unfinished;
}

/// Whether the rest would take longer at the pace at which it was last seen to give.
bool download::longer_than(duration patience, const source_state& one) const {
    const auto rest = content_->info.size_bytes - std::min(content_->info.size_bytes, line_.queued_to());
    return one.pace.value_or(0) * std::chrono::duration<double>(patience).count() < static_cast<double>(rest);
}

/// It keeps others away and will need long: who could find others is asked to, now and then.
bool download::crawls(time_point now) {
    const auto* const giving = plain() ? plain_giver() : nullptr;
    const bool slow = giving != nullptr && giving->slow_watches > 0 && longer_than(limits::transfer_plain_crawl, *giving);
    return slow && now >= wanted_at_ + limits::transfer_plain_patience;
}

/// At the end of a watch.
void download::watch_pace(time_point now, source_state& one) const {
    const double seconds = std::max(std::chrono::duration<double>(now - one.watched_since).count(), 1e-6);
    one.pace = static_cast<double>(one.watched_bytes) / seconds;
    one.slow_watches = longer_than(limits::transfer_plain_patience, one) ? one.slow_watches + 1 : 0;
}

/// It gives slowly, or has not said for a while whether it has anything.
bool download::too_slow(time_point now, const source_state& one) const {
    const bool ready = one.answering() && one.told && one.held.full();
    return one.slow_watches > 0 || (!ready && now >= one.opened_at + context_->config.status_wait);
}

void download::manage_plain(time_point now) {
    const bool fallback_gives = fallback_used_ && now < given_at_ + fallback_silence;
    source_state* rival = nullptr;
    for (auto& [peer, one] : sources_) {
        if (one.in_use() && one.rival) rival = &one;
    }
    auto* giving = plain_giver();
    if (giving != nullptr && fallback_gives && fallback_before(*giving)) {
        shut(now, *giving, errc::cancelled);
        giving = nullptr;
    }
    if (giving != nullptr) return replace_slow(now, *giving, rival);
    if (rival != nullptr) {
        rival->rival = false;
        return;
    }
    for (auto* one : plain_order()) {
        if (one->phase != source_phase::standby || one->not_before > now || (fallback_gives && fallback_before(*one))) continue;
        return open(now, *one);
    }
}

/// A second source is asked beside one that is slow, and takes its place as soon as it has the content: one that was quicker before, or one
/// that was never tried. One that left this attempt, or more that failed, does so only where the slow one crawls, and the longer that goes
/// on, the less it matters: it would spoil attempt after attempt of an honest source that is merely slow.
void download::replace_slow(time_point now, source_state& giving, source_state* rival) {
    const bool slow = too_slow(now, giving);
    if (rival != nullptr) {
        if (!slow) {
            shut(now, *rival, errc::cancelled);
        } else if (rival->answering() && rival->told && rival->held.full()) {
            shut(now, giving, errc::cancelled);
            giving.order = ++named_;
            rival->rival = false;
        }
        return;
    }
    if (!slow || now < next_rival_) return;
    const int forgiven = longer_than(limits::transfer_plain_crawl, giving) ? giving.slow_watches : 0;
    source_state* best = nullptr;
    for (auto* one : plain_order()) {
        if (one->phase != source_phase::standby || one->not_before > now) continue;
        const int left = one->unfinished + (one->left_attempt == integrity_failures_ + 1 ? 1 : 0);
        if (left > giving.unfinished + forgiven) continue;
        if (one->pace && *one->pace < limits::transfer_plain_gain * giving.pace.value_or(0)) continue;
        if (best == nullptr || one->pace.value_or(0) > best->pace.value_or(0)) best = one;
    }
    if (best == nullptr) return;
    next_rival_ = now + limits::transfer_watch_time;
    open(now, *best);
    best->rival = true;
}

/// All of it fits: whoever gave other bytes before has lied.
void download::on_whole(time_point now, const store_opened& opened) {
    const auto here = content_->held.content_bytes(content_->geometry);  // chunk by chunk, counted already
    if (here == 0) split_ = line_.split();
    else split_[static_cast<std::size_t>(line_.last_giver().kind)] += content_->info.size_bytes - here;
    (void)content_->refresh(opened);
    announce_held();
    if (record_) {
        for (const auto& lie : record_->liars()) {
            if (lie.from.peer != client_id{}) blame(now, lie.from.peer, lie.chunk);
        }
    }
    complete(now);
}

/// Whether the next attempt may fare better than the last ones.
bool download::anybody_left() const {
    return std::ranges::any_of(sources_, [](const auto& item) {
        const auto& one = item.second;
        const bool known_to_lack = one.opened_at != time_point{} && !one.was_whole;
        return (one.in_use() || one.phase == source_phase::standby) && !known_to_lack && one.unfinished < limits::transfer_unfinished_max;
    });
}

void download::on_misfit(time_point now) {
    ++integrity_failures_;
    state_ = life::running;
    const auto givers = line_.givers();
    if (record_) record_->failed();
    // What was here already, among what was given, may be what did not fit. Nothing is here now.
    const bool given_alone = !plain() || content_->held.empty();
    if (!given_alone) {
        content_->held.clear();
        content_->log.reset(content_->held);
        blocked_.clear();
        split_ = {};
        announce_held();
    }
    if (const auto giver = given_alone ? line_.sole_giver() : std::nullopt) {
        auto* const one = find_source(giver->peer);
        if (one != nullptr && line_.all_authenticated()) {
            blame(now, giver->peer, 0);
        } else if (one == nullptr) {
            transfer_source source;
            source.kind = giver->kind;
            context_->outputs.push_back(source_lost{content_->info.key(), source, errc::integrity_failed,
                                                    "the bytes of this source do not fit the content's hash", {}});
        }
    }
    // One of several altered its part, nobody knows which: the next attempt begins with others, and last with who began this one.
    for (auto giver = givers.rbegin(); giver != givers.rend(); ++giver) {
        const int left = line_.stayed(*giver) ? 0 : 1;
        if (giver->peer == client_id{}) fallback_unfinished_ += left;
        auto* const one = find_source(giver->peer);
        if (one == nullptr) continue;
        one->failed_attempt = integrity_failures_;
        one->unfinished += left;
        one->order = ++named_;
    }
    const bool hopeless = integrity_failures_ >= limits::transfer_integrity_attempts_max && !(plain() && anybody_left());
    if (hopeless || content_->info.size_bytes == 0) {
        return fail(now, {errc::integrity_failed, "no source gave bytes that fit the hash of " + content_->info.key().to_string() +
                                                      ": check the package that was published"});
    }
    start_over(now, 0);
}

}  // namespace p2pdist::detail::transfer
