// What a download asks its sources for.

#include "chunk_picker.hpp"
#include "download.hpp"

namespace p2pdist::detail::transfer {

namespace {
using namespace std::chrono_literals;
constexpr double help_margin_seconds = 0.1;             // an owner that is done within this needs no help
constexpr std::uint64_t split_bytes_min = 64u << 10;    // less is not worth two requests
constexpr duration silence_before_doubling = 500ms;
}  // namespace

/// Whether another region may be started: memory and the store's work are bounded. One is there for each download, whatever others that
/// stand still have begun: of many, their shares exceed the whole.
bool download::room() const {
    const auto fair = std::max<std::size_t>(4, limits::transfer_regions_max / std::max<std::size_t>(1, context_->downloads_running));
    const auto own = active_.size() + verifying_.size() + ready_.size();
    return (own == 0 || (context_->regions_in_use < limits::transfer_regions_max && own < fair)) && !store_is_behind();
}

void download::assign(time_point now) {
    if (state_ != life::running || paused_) return;
    if (plain()) {
        assign_plain(now);
        return send_wants(now);
    }
    auto all = in_order();
    std::stable_partition(all.begin(), all.end(), [](const auto* one) { return !one->lags; });
    const auto office_busy = [&] {
        const auto busy = std::ranges::count_if(all, [](const auto* one) { return !one->outer() && !one->assigned.empty() && !one->lags; });
        return static_cast<std::size_t>(busy);
    };
    // One chunk each in turn, so that the first source does not get all the work of a small content.
    for (bool more = true; more && !store_is_behind();) {
        more = false;
        for (auto* one : all) {
            if (!one->answering() || !one->told || one->assigned.size() >= one->window(verification_time_)) continue;
            if (!one->outer() && one->assigned.empty() && office_busy() >= context_->config.office_sources_max) continue;
            if (one->outer() && office_still_asked(now)) continue;
            more = pick_for(now, *one) || more;
        }
    }
    if (!room()) drop_what_nobody_has();
    for (auto* one : all) {
        const bool idle = one->answering() && !one->outer() && one->assigned.empty() && !one->paused;
        if (idle && office_busy() < context_->config.office_sources_max) help_slowest(now, *one);
    }
    tell_fetching(now);
    send_wants(now);
}

bool download::pick_for(time_point now, source_state& one) {
    if (room() && pick_suspected(now, one)) return true;
    return one.answering() && (pick_orphan(now, one) || (room() && pick_new(now, one)));
}

/// Chunks that failed once go to one source alone, in strict mode; first to the one that gave most of it, as long as it says that it has it:
/// who gave bad bytes must not keep a chunk from others by saying nothing any more, or next to nothing.
bool download::pick_suspected(time_point now, source_state& one) {
    for (const auto& [chunk, suspect] : suspected_) {
        if (active_.contains(chunk) || verifying_.contains(chunk) || !one.held.contains(chunk) || left_to_suspect(one, chunk)) continue;
        authenticate(now, one);
        start_chunk(now, one, chunk, true);
        return true;
    }
    return false;
}

/// Whether somebody else is to give again, before all others, what did not fit.
bool download::left_to_suspect(const source_state& one, chunk_index chunk) const {
    const auto suspected = suspected_.find(chunk);
    if (suspected == suspected_.end() || suspected->second == one.source.peer) return false;
    const auto suspect = sources_.find(suspected->second);
    return suspect != sources_.end() && suspect->second.answering() && !suspect->second.lags && suspect->second.held.contains(chunk);
}

/// In strict mode, and held against the one who gave it: who gives the rest can still be told to have lied, if it is the same one.
bool download::proven_of_one(const active_chunk& work) {
    const auto& givers = work.assembler.contributions();
    return work.strict && givers.size() == 1 && givers.front().authenticated;
}

/// Whether so much of it came since this was asked last that it is here within a few watches: it would begin anew with anybody else.
bool download::goes_on(active_chunk& work) {
    if (!proven_of_one(work)) return false;
    const auto here = work.assembler.contributions().front().region_bytes;
    return here >= std::exchange(work.seen_bytes, here) + limits::transfer_suspect_pace_bytes_min;
}

/// Regions whose source was lost go on from the bytes that are missing; those in strict mode with the same source, or afresh.
bool download::pick_orphan(time_point now, source_state& one) {
    const auto office = one.outer() ? in_office() : std::vector<const chunk_set*>{};
    for (auto& [chunk, work] : active_) {
        if (!work.shares.empty() || !one.held.contains(chunk)) continue;
        if (work.strict) {
            const bool own = work.assembler.contributions().front().peer == one.source.peer;
            if (!own && left_to_suspect(one, chunk)) continue;
            authenticate(now, one);
            if (!own) {
                const auto number = chunk;   // its entry goes
                drop_chunk(number);
                start_chunk(now, one, number, true);
                return true;
            }
        } else if (std::ranges::any_of(office, [number = chunk](const chunk_set* set) { return set->contains(number); })) {
            continue;
        }
        work.outer = one.outer();
        add_share(now, one, chunk, {0, work.assembler.region().length});
        return true;
    }
    return false;
}

bool download::pick_new(time_point now, source_state& one) {
    std::optional<chunk_index> chunk;
    if (one.outer()) {
        chunk = pick_first(one.held, blocked_, in_office());
    } else if (const auto next = reader_ ? pick_first(one.held, blocked_, {}, *reader_) : std::nullopt;
               next && *next - *reader_ < limits::transfer_read_ahead_chunks) {
        chunk = next;
    } else {
        std::vector<const chunk_set*> holders;
        for (const auto& [peer, other] : sources_) {
            if (other.answering()) holders.push_back(&other.held);
        }
        // On from the last pick where that is possible, else from a new random place: clients that all ended up with the same chunks
        // would else all ask for the same next ones.
        if (start_ >= chunk_count() || blocked_.contains(start_) || !one.held.contains(start_))
            start_ = static_cast<chunk_index>(context_->random.below(chunk_count()));
        chunk = pick_rarest(one.held, blocked_, holders, start_);
        if (chunk) start_ = *chunk + 1;
    }
    if (!chunk) return false;
    start_chunk(now, one, *chunk, false);
    return true;
}

void download::start_chunk(time_point now, source_state& one, chunk_index chunk, bool strict) {
    auto& work = active_.try_emplace(chunk, content_->geometry, chunk, context_->pool).first->second;
    work.assembler.compare_with(content_->known_region(chunk));
    ++context_->regions_in_use;
    work.strict = strict;
    work.outer = one.outer();
    blocked_.insert(chunk);
    add_share(now, one, chunk, {0, work.assembler.region().length});
}

void download::add_share(time_point now, source_state& one, chunk_index chunk, const byte_range& part) {
    auto& work = active_.at(chunk);
    work.shares.push_back({one.source.peer, part, work.assembler.begun()});
    if (one.assigned.empty()) one.progress_at = one.busy_since = now;
    one.assigned.push_back(chunk);
    one.wants_changed = true;
}

/// Forgets a region in progress; the chunk is missing again.
void download::drop_chunk(chunk_index chunk) {
    if (active_.erase(chunk) == 0) return;
    --context_->regions_in_use;
    if (!suspected_.contains(chunk)) blocked_.erase(chunk);
}

/// The same with one that is being asked for.
void download::take_away(time_point now, chunk_index chunk) {
    for (auto& [peer, one] : sources_) {
        if (std::erase(one.assigned, chunk) > 0) one.wants_changed = true;
    }
    drop_chunk(chunk);
    send_wants(now);   // without it: what stays wanted is not given twice
}

/// Who begins chunks that nobody else has, and goes, must not use up the room for all others.
void download::drop_what_nobody_has() {
    std::vector<chunk_index> orphans;
    for (const auto& [chunk, work] : active_) {
        const auto has_it = [number = chunk](const auto& item) { return item.second.answering() && item.second.held.contains(number); };
        if (work.shares.empty() && std::ranges::none_of(sources_, has_it)) orphans.push_back(chunk);
    }
    for (const auto chunk : orphans) drop_chunk(chunk);
}

double download::seconds_until_done(const source_state& owner, chunk_index chunk) const {
    std::uint64_t ahead = 0;
    for (const auto other : owner.assigned) {
        const auto& work = active_.at(other);
        for (const auto& part : work.shares) {
            if (part.peer != owner.source.peer) continue;
            for (const auto& range : work.assembler.missing().within(part.part)) ahead += range.length;
        }
        if (other == chunk) break;
    }
    return static_cast<double>(ahead) / std::max(owner.service_rate, 1.0);
}

/// The end of a download: a source without work takes over from the one that would be done last: a chunk that was not begun, or the
/// second half of what is missing of one. So nothing is sent twice but what is on its way just then.
void download::help_slowest(time_point now, source_state& idle) {
    const double idle_rate = idle.service_rate;
    if (idle_rate <= 0) return;
    chunk_index slowest = 0;
    source_state* owner = nullptr;
    double longest = 0;
    for (auto& [chunk, work] : active_) {
        if (work.strict || work.shares.size() != 1 || !idle.held.contains(chunk)) continue;
        auto* const one = find_source(work.shares.front().peer);
        if (one == nullptr || one == &idle || one->outer()) continue;
        if (one->service_rate <= 0 && now < one->progress_at + silence_before_doubling) continue;
        const double seconds = seconds_until_done(*one, chunk);
        if (seconds <= longest) continue;
        longest = seconds;
        slowest = chunk;
        owner = one;
    }
    if (owner == nullptr) return;

    auto& work = active_.at(slowest);
    auto& owned = work.shares.front();
    const auto missing = work.assembler.missing().within(owned.part);
    std::uint64_t count = 0;
    for (const auto& range : missing) count += range.length;
    const double own_seconds = std::chrono::duration<double>(idle.round_trip).count() + static_cast<double>(count) / idle_rate;
    if (longest < 2 * own_seconds + help_margin_seconds) return;

    if (!work.assembler.begun()) {
        work.shares.clear();
        std::erase(owner->assigned, slowest);
        owner->wants_changed = true;
        return add_share(now, idle, slowest, {0, work.assembler.region().length});
    }
    if (count >= split_bytes_min) {
        auto half = count / 2;
        auto middle = owned.part.end();
        for (const auto& range : missing) {
            if (half < range.length) {
                middle = range.offset + half;
                break;
            }
            half -= range.length;
        }
        const byte_range tail{middle, owned.part.end() - middle};
        owned.part.length = middle - owned.part.offset;
        owner->wants_changed = true;
        return add_share(now, idle, slowest, tail);
    }
    if (now >= owner->progress_at + silence_before_doubling) add_share(now, idle, slowest, owned.part);
}

void download::send_wants(time_point now) {
    for (auto& [peer, one] : sources_) {
        if (!one.wants_changed || !one.in_use()) continue;
        one.wants_changed = false;
        std::vector<index_range> wanted;
        for (const auto chunk : one.assigned) {
            if (paused_) break;
            const auto& work = active_.at(chunk);
            const auto& region = work.assembler.region();
            for (const auto& part : work.shares) {
                if (part.peer != peer) continue;
                if (!part.exact) {
                    wanted.push_back({region.offset + part.part.offset, part.part.length});
                    continue;
                }
                for (const auto& range : work.assembler.missing().within(part.part))
                    wanted.push_back({region.offset + range.offset, range.length});
            }
        }
        // What does not fit is asked for as soon as something of this has come.
        if (wanted.size() > flow_ranges_max) {
            wanted.resize(flow_ranges_max);
            one.wants_changed = true;
        }
        context_->flows.want(now, one.flow, std::move(wanted));
    }
}

/// Tells our receivers what is under way from beyond the office, so that none of them fetches it as well.
void download::tell_fetching(time_point now) {
    std::vector<chunk_range> ranges;
    if (!paused_ && !plain()) {
        for (const auto& [chunk, work] : active_) {
            if (!work.outer || work.shares.empty()) continue;
            if (!ranges.empty() && ranges.back().end() == chunk) ++ranges.back().count;
            else if (ranges.size() < fetching_ranges_max) ranges.push_back({chunk, 1});
        }
    }
    if (ranges == content_->fetching) return;
    content_->fetching = std::move(ranges);
    uploads_->on_holdings_changed(now, *content_);
}

}  // namespace p2pdist::detail::transfer
