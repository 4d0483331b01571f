// Bytes that are written in order: of contents that can only be verified as a whole, and of fallback sources.

#include <algorithm>

#include "chunk_picker.hpp"
#include "download.hpp"
#include "p2pdist/content/hash_tree.hpp"

namespace p2pdist::detail::transfer {

namespace {
constexpr int missed_appends_max = 8;   // in a row, before the download fails
}  // namespace

/// A plain content's regions in ascending order from the one source.
void download::assign_plain(time_point now) {
    auto* const found = plain_giver();
    if (found == nullptr || !found->answering() || !found->told || !found->held.full()) return;
    auto& one = *found;
    while (room() && one.assigned.size() < one.window(verification_time_)) {
        auto next = static_cast<chunk_index>(line_.queued_to() / chunk_bytes);
        while (next < chunk_count() && (active_.contains(next) || ready_.contains(next))) ++next;
        if (next >= chunk_count()) return;
        auto& work = active_.try_emplace(next, content_->geometry, next, context_->pool).first->second;
        ++context_->regions_in_use;
        work.strict = true;
        work.outer = one.outer();
        const auto first_byte = content_->geometry.chunk(next).offset;
        add_share(now, one, next, {0, work.assembler.region().length});
        if (line_.queued_to() > first_byte) {  // resumed in the middle of a chunk
            work.assembler.skip(content_->geometry.proof_bytes(next) + line_.queued_to() - first_byte);
            work.shares.back().exact = true;
        }
    }
}

/// As append_line::give(), and notes who gave it.
bool download::line_up(std::uint64_t offset, const shared_bytes& data, const append_line::giver& from, bool authenticated) {
    const auto skip = line_.queued_to() - std::min(offset, line_.queued_to());
    if (!line_.give(offset, data, from, authenticated)) return false;
    if (record_ && skip < data.view.size()) record_->note(offset + skip, data.view.subspan(skip), from, authenticated);
    return true;
}

/// Moves what has come to the store, in order, one request at a time.
void download::pour(time_point now) {
    if (state_ != life::running) return;
    while (!ready_.empty()) {
        const auto first = ready_.begin();
        const auto offset = content_->geometry.chunk(first->first).offset;
        if (offset > line_.queued_to()) break;
        const auto parts = split_region(content_->geometry, first->first, shared_bytes(first->second.first));
        const auto& givers = first->second.second;
        append_line::giver from;
        if (!givers.empty()) from.peer = givers.front().peer;
        if (const auto* one = find_source(from.peer)) from.kind = one->source.kind;
        (void)line_up(offset, parts.data, from, givers.size() == 1 && givers.front().authenticated);
        ready_.erase(first);
    }
    if (auto request = line_.next(content_->info.key())) {
        context_->ask_store({store_task::append, content_->info.key(), serial_, 0, now}, std::move(*request));
        return;
    }
    const bool by_appending = plain() || line_.appended() > 0 || chunk_count() == 0;
    if (by_appending && !line_.busy() && line_.appended() == content_->info.size_bytes && verifying_.empty()) {
        state_ = life::checking;
        for (auto& [peer, one] : sources_) {
            if (one.in_use()) shut(now, one, errc::cancelled);
        }
        context_->ask_store({store_task::finish, content_->info.key(), serial_, 0, now}, store_finish{content_->info.key()});
    }
}

void download::on_appended(time_point now, const store_completion& completion) {
    if (!completion.ok() && completion.failure->code == errc::limit_reached) {
        append_waits_ = true;   // asked again with the next tick
        return;
    }
    if (!completion.ok() && completion.failure->code == errc::invalid_argument && appends_missed_ < missed_appends_max) {
        append_misses_ = true;
        ++appends_missed_;
        return;
    }
    const auto* done = completion.ok() ? std::get_if<store_appended>(&completion.value) : nullptr;
    if (done == nullptr) return fail(now, completion.failure.value_or(error{errc::io_failed, "the store did not take the bytes"}));
    appends_missed_ = 0;
    if (!line_.on_appended(done->appended_bytes)) start_over(now, line_.appended());
    pour(now);
    after_change(now);
}

/// The store is elsewhere than it said last: it lost a chunk, or ended late what an earlier download had it append.
void download::on_reopened(time_point now, const store_completion& completion) {
    const auto* opened = completion.ok() ? std::get_if<store_opened>(&completion.value) : nullptr;
    if (opened == nullptr) return fail(now, completion.failure.value_or(error{errc::io_failed, "the store did not open the content"}));
    context_->ask_store({store_task::close, content_->info.key(), 0, 0, {}}, store_close{content_->info.key()});   // it is open besides
    start_over(now, opened->appended_bytes);
    pour(now);
}

void download::on_checked(time_point now, const store_completion& completion) {
    const auto* opened = completion.ok() ? std::get_if<store_opened>(&completion.value) : nullptr;
    if (opened != nullptr && opened->whole) return on_whole(now, *opened);
    if (completion.ok() || completion.failure->code != errc::integrity_failed)
        return fail(now, completion.failure.value_or(error{errc::io_failed, "the store did not finish the content"}));
    on_misfit(now);
}

/// Appends from there on, and what has come for it meanwhile is fetched again.
void download::start_over(time_point now, std::uint64_t from) {
    for (auto& [peer, one] : sources_) {
        if (!plain() || !one.in_use()) continue;
        release(now, one);
        one.wants_changed = true;
    }
    send_wants(now);   // without it: what stays wanted is not given twice
    for (const auto& [chunk, work] : std::exchange(ready_, {})) context_->pool.give_back(work.first);
    line_.reset(from);
    if (record_) record_->begin(from);
    after_change(now);
}

/// Nobody is asked for it who gives more than next to nothing.
bool download::owed_by_the_slow_alone(const active_chunk& work) const {
    return std::ranges::all_of(work.shares, [this](const share& part) {
        const auto owner = sources_.find(part.peer);
        return owner == sources_.end() || owner->second.lags;
    });
}

/// What nobody is asked for has to come from elsewhere, too: what a lost source has begun, and what did not fit and is to be fetched again.
/// And in the end, if not `though_slow`, what is owed by those alone who give next to nothing.
chunk_set download::settled(bool though_slow) const {
    auto out = blocked_;
    for (const auto& [chunk, work] : active_) {
        if (though_slow ? work.shares.empty() : owed_by_the_slow_alone(work)) out.erase(chunk);
    }
    for (const auto& [chunk, suspect] : suspected_) {
        if (!active_.contains(chunk) && !verifying_.contains(chunk)) out.erase(chunk);
    }
    return out;
}

std::optional<byte_range> download::fallback_wants() const {
    if (state_ != life::running || paused_ || tree_asked_ || office_still_asked(next_tick_)) return std::nullopt;
    if (store_is_behind()) return std::nullopt;
    std::vector<const chunk_set*> elsewhere = in_office();
    for (const auto& [peer, one] : sources_) {
        const bool besides = one.rival || fallback_before(one) || (one.slow_watches > 0 && longer_than(limits::transfer_plain_crawl, one));
        if (plain() && one.in_use() && !besides) return std::nullopt;
        if (one.outer() && one.answering() && !one.lags) elsewhere.push_back(&one.held);
    }
    const auto size = content_->info.size_bytes;
    const std::uint64_t most = limits::transfer_fallback_bytes_max;
    auto blocked = settled(true);
    auto first = first_absent(blocked, elsewhere);
    if (!plain() && !first) {
        blocked = settled(false);
        first = first_absent(blocked, elsewhere);
    }
    if (!plain() && !first) return std::nullopt;
    if (plain() || !tree_known_) {
        const auto from = line_.queued_to();
        return from < size ? std::optional(byte_range{from, std::min(most, size - from)}) : std::nullopt;
    }
    chunk_index end = *first + 1;
    while (end < chunk_count() && (end - *first) * chunk_bytes < most && first_absent(blocked, elsewhere, end) == end) ++end;
    const auto offset = content_->geometry.chunk(*first).offset;
    return byte_range{offset, content_->geometry.chunk(end - 1).end() - offset};
}

void download::give(time_point now, source_kind kind, std::uint64_t offset, shared_bytes data) {
    if (state_ != life::running || data.view.empty()) return;
    fallback_used_ = true;
    given_at_ = now;
    short_since_ = never;
    rate_.add(now, data.view.size());
    if (plain() || !tree_known_) {
        if (line_.waiting_bytes() > 2 * limits::transfer_fallback_bytes_max) return;
        (void)line_up(offset, data, {kind, {}}, true);
        return pour(now);
    }
    if (offset % chunk_bytes != 0) return;
    while (!data.view.empty() && offset < content_->info.size_bytes) {
        const auto chunk = static_cast<chunk_index>(offset / chunk_bytes);
        const auto length = content_->geometry.chunk(chunk).length;
        if (data.view.size() < length) return;
        const bool bounded = context_->verifying_bytes < 2 * limits::transfer_verify_bytes_max;
        if (const auto begun = active_.find(chunk); bounded && begun != active_.end() && owed_by_the_slow_alone(begun->second)) take_away(now, chunk);
        const bool waits = suspected_.contains(chunk) && !active_.contains(chunk) && !verifying_.contains(chunk);
        if (bounded && (waits || !blocked_.contains(chunk))) {
            blocked_.insert(chunk);
            verification work;
            work.data = {data.owner, data.view.first(length)};
            work.fallback = kind;
            write(now, chunk, std::move(work));
        }
        data.view = data.view.subspan(length);
        offset += length;
    }
}

}  // namespace p2pdist::detail::transfer
