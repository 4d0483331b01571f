// From pieces to verified chunks, and what follows when one does not fit.

#include <algorithm>

#include "download.hpp"
#include "p2pdist/base/canary.hpp"
#include "p2pdist/content/hash_tree.hpp"

namespace p2pdist::detail::transfer {

void download::on_piece(time_point now, const flow_piece& piece) {
    auto* const one = source_of(piece.flow);
    if (one == nullptr || state_ != life::running) return;
    if (!piece.repeated) {
        one->progress_at = now;
        one->retries = 0;
        one->watched_bytes += piece.payload.size();
        if (!one->outer()) barren_ = 0;
    }
    const auto& geometry = content_->geometry;
    auto payload = piece.payload;
    auto offset = piece.offset;
    std::optional<chunk_index> refused;
    bool free = false;
    while (!payload.empty()) {
        const auto chunk = geometry.chunk_at_object_offset(offset);
        if (chunk >= chunk_count()) return;
        const auto region = geometry.region(chunk);
        if (offset >= region.end()) return;
        const auto size = std::min<std::uint64_t>(payload.size(), region.end() - offset);
        const auto found = active_.find(chunk);
        if (found != active_.end() && (piece.repeated || one->has_assigned(chunk))) {
            auto& assembler = found->second.assembler;
            if (piece.repeated) {
                if (assembler.contradicts(offset - region.offset, payload.first(size))) context_->suspect_forgery(now);
                return;
            }
            const auto fresh = assembler.add(offset - region.offset, payload.first(size), one->source.peer, piece.authenticated);
            rate_.add(now, fresh);
            one->rate.add(now, fresh);
            if (assembler.complete()) on_region(now, chunk);
            else if (fresh > 0) free = end_share(now, *one, chunk) || free;
            else if (!assembler.missing().within({offset - region.offset, size}).empty()) refused = chunk;
        }
        payload = payload.subspan(size);
        offset += size;
    }
    if (refused) start_afresh(now, *refused);
    if (free) after_change(now);
}

/// Whoever has given his part of a chunk owes nothing more of it, however long others take over theirs.
bool download::end_share(time_point now, source_state& one, chunk_index chunk) {
    auto& work = active_.at(chunk);
    const auto own = std::ranges::find(work.shares, one.source.peer, &share::peer);
    if (own == work.shares.end() || own->part.length == work.assembler.region().length) return false;
    if (!work.assembler.missing().within(own->part).empty()) return false;
    one.on_chunk_done(now, own->part.length);
    work.shares.erase(own);
    std::erase(one.assigned, chunk);
    one.wants_changed = true;
    return true;
}

/// So many gave a part of it, or it has so many holes, that it takes no more: whoever gives now is not to suffer for those before.
void download::start_afresh(time_point now, chunk_index chunk) {
    take_away(now, chunk);
    after_change(now);
}

void download::on_region(time_point now, chunk_index chunk) {
    auto& work = active_.at(chunk);
    auto givers = work.assembler.contributions();
    for (const auto& part : work.shares) {
        auto* const one = find_source(part.peer);
        if (one == nullptr) continue;
        std::erase(one->assigned, chunk);
        one->wants_changed = true;
        const auto given = std::ranges::find(givers, part.peer, &contribution::peer);
        one->on_chunk_done(now, given == givers.end() ? 0 : std::min(given->region_bytes, part.part.length));
    }
    const bool borrowed = work.assembler.borrowed();
    auto buffer = work.assembler.take();
    active_.erase(chunk);
    --context_->regions_in_use;
    if (plain()) {
        ready_.insert_or_assign(chunk, std::pair(std::move(buffer), std::move(givers)));
        pour(now);
    } else {
        verification next;
        auto parts = split_region(content_->geometry, chunk, shared_bytes(buffer));
        next.buffer = std::move(buffer);
        next.borrowed = borrowed;
        next.proof = std::move(parts.proof);
        next.data = std::move(parts.data);
        next.givers = std::move(givers);
        write(now, chunk, std::move(next));
    }
    after_change(now);
}

void download::write(time_point now, chunk_index chunk, verification work) {
    work.waits = false;
    context_->verifying_bytes += work.data.view.size();
    ++context_->regions_in_use;
    store_write_chunk request{content_->info.key(), chunk, work.proof, work.data};
    verifying_.insert_or_assign(chunk, std::move(work));
    context_->ask_store({store_task::write, content_->info.key(), serial_, chunk, now}, std::move(request));
}

void download::on_written(time_point now, chunk_index chunk, time_point asked_at, const store_completion& completion) {
    const auto found = verifying_.find(chunk);
    if (found == verifying_.end()) return;
    context_->verifying_bytes -= found->second.data.view.size();
    if (!completion.ok() && completion.failure->code == errc::limit_reached) {
        found->second.waits = true;
        return;
    }
    auto work = std::move(found->second);
    verifying_.erase(found);
    --context_->regions_in_use;
    verification_time_ = (verification_time_ * 7 + (now - asked_at)) / 8;
    if (completion.ok()) {
        on_chunk_verified(now, chunk, std::move(work));
    } else if (completion.failure->code == errc::integrity_failed) {
        on_chunk_bad(now, chunk, std::move(work));
    } else {
        return fail(now, *completion.failure);
    }
    if (content_->held.full()) return complete(now);
    pour(now);  // what was appended may have waited for this chunk alone
    after_change(now);
}

void download::on_chunk_verified(time_point now, chunk_index chunk, verification work) {
    suspected_.erase(chunk);
    blame_by_evidence(now, chunk, work);
    if (!content_->acquire(chunk)) return;
    blocked_.insert(chunk);
    const auto size = content_->geometry.chunk(chunk).length;
    std::uint64_t credited = 0;
    for (const auto& from : work.givers) {
        auto* const one = find_source(from.peer);
        const auto kind = one != nullptr ? one->source.kind : source_kind::office;
        split_[static_cast<std::size_t>(kind)] += from.content_bytes;
        if (sings(canary::counts_twice) && chunk == 3) split_[static_cast<std::size_t>(kind)] += from.content_bytes;
        if (one != nullptr) one->verified_bytes += from.content_bytes;
        credited += from.content_bytes;
    }
    split_[static_cast<std::size_t>(work.fallback)] += size - std::min(size, credited);
    // Receivers ask for it within milliseconds: it need not be read from the disk for them.
    if (work.buffer && uploads_->any_of(content_->info.key())) context_->cache.put({content_->number, chunk}, shared_bytes(work.buffer));
    else if (work.buffer) {
        release(std::move(work));
    }
    announce_held();
    uploads_->on_holdings_changed(now, *content_);
}

/// Only bytes that a peer has authenticated are held against it. Where it alone gave all of them, that is settled; otherwise the chunk is
/// fetched again from one source, and the right bytes will tell who had altered his part.
void download::on_chunk_bad(time_point now, chunk_index chunk, verification work) {
    blocked_.erase(chunk);
    if (work.fallback != source_kind::store) {
        transfer_source source;
        source.kind = work.fallback;
        context_->outputs.push_back(source_lost{content_->info.key(), source, errc::integrity_failed,
                                                "a chunk of this source does not fit the content's hash", {}});
        return;
    }
    if (work.givers.empty()) return;
    if (work.givers.size() == 1 && work.givers.front().authenticated) {
        suspected_.erase(chunk);
        evidence_.erase(chunk);
        return blame(now, work.givers.front().peer, chunk);
    }
    context_->suspect_forgery(now);
    const auto most = std::ranges::max_element(work.givers, {}, &contribution::region_bytes);
    suspected_.insert_or_assign(chunk, most->peer);
    blocked_.insert(chunk);
    keep_evidence(chunk, std::move(work));
}

void download::keep_evidence(chunk_index chunk, verification work) {
    const bool any = std::ranges::any_of(work.givers, [](const contribution& giver) { return !giver.proven.empty(); });
    if (any && work.buffer && evidence_.size() < limits::transfer_evidence_max) {
        evidence_.insert_or_assign(chunk, bad_region{std::move(work.buffer), std::move(work.givers)});
        return;
    }
    release(std::move(work));
}

/// Its memory is free for the next region.
void download::release(verification work) {
    work.proof = work.data = {};
    if (!work.borrowed) context_->pool.give_back(std::move(work.buffer));
}

void download::blame_by_evidence(time_point now, chunk_index chunk, const verification& right) {
    const auto found = evidence_.find(chunk);
    if (found == evidence_.end()) return;
    const auto bad = std::move(found->second);
    evidence_.erase(found);
    if (!right.buffer) return;
    for (const auto& peer : liars_of(bad, *right.buffer)) blame(now, peer, chunk);
}

void download::on_chunk_lost(time_point now, chunk_index chunk) {
    if (finished() || active_.contains(chunk) || verifying_.contains(chunk)) return;
    // It was counted with whoever gave it; what replaces it will be counted again.
    const auto size = content_->geometry.chunk(chunk).length;
    for (auto& counted : split_) {
        if (counted < size) continue;
        counted -= size;
        break;
    }
    blocked_.erase(chunk);
    after_change(now);
}

void download::give_tree(time_point now, shared_bytes tree_file) {
    if (state_ != life::running || plain() || tree_known_ || tree_asked_) return;
    tree_asked_ = true;
    context_->ask_store({store_task::install_tree, content_->info.key(), serial_, 0, now},
                        store_install_tree{content_->info.key(), std::move(tree_file)});
}

void download::on_tree(time_point now, const store_completion& completion) {
    tree_asked_ = false;
    const auto* opened = completion.ok() ? std::get_if<store_opened>(&completion.value) : nullptr;
    if (opened == nullptr) {
        context_->say(log_level::info, "event=tree_file_refused content=" + content_->info.id.text());
        return;
    }
    tree_known_ = opened->tree_known;
    // What was appended before has been checked chunk by chunk.
    for (auto chunk = opened->verified.first_present(); chunk; chunk = opened->verified.first_present(*chunk + 1)) {
        if (content_->held.contains(*chunk) || verifying_.contains(*chunk)) continue;
        content_->acquire(*chunk);
        blocked_.insert(*chunk);
        suspected_.erase(*chunk);
        split_[static_cast<std::size_t>(line_.last_giver().kind)] += content_->geometry.chunk(*chunk).length;
        if (active_.contains(*chunk)) {
            take_away(now, *chunk);
            blocked_.insert(*chunk);
        }
    }
    announce_held();
    uploads_->on_holdings_changed(now, *content_);
    if (content_->held.full()) return complete(now);
    after_change(now);
}

}  // namespace p2pdist::detail::transfer
