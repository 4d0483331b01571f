#include "chunk_assembler.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::detail::transfer {

chunk_assembler::chunk_assembler(const chunk_geometry& geometry, chunk_index chunk, region_pool& pool)
    : region_(geometry.region(chunk)), proof_bytes_(geometry.proof_bytes(chunk)), pool_(&pool), missing_(region_.length) {}

chunk_assembler::~chunk_assembler() { pool_->give_back(std::move(buffer_)); }

void chunk_assembler::skip(std::uint64_t count) {
    (void)missing_.remove({0, count}, [](const byte_range&) {});
}

contribution* chunk_assembler::contribution_of(const client_id& peer) {
    for (auto& known : contributions_) {
        if (known.peer == peer) return &known;
    }
    if (contributions_.size() >= limits::transfer_contributors_max) return nullptr;
    contributions_.push_back({peer, 0, 0, true, {}});
    return &contributions_.back();
}

void chunk_assembler::compare_with(std::shared_ptr<const bytes> known) {
    P2PDIST_ASSERT(!begun_);
    if (known && known->size() == region_.length) known_ = std::move(known);
}

/// Takes new bytes. The first ones that are others than the known ones end the comparison: what came before is known, and copied.
void chunk_assembler::keep(std::uint64_t offset, byte_span part) {
    begun_ = true;
    if (known_ && std::ranges::equal(part, byte_span(*known_).subspan(offset, part.size()))) return;
    if (!buffer_) buffer_ = pool_->take(region_.length);
    if (known_) std::ranges::copy(*std::exchange(known_, nullptr), buffer_->begin());
    std::ranges::copy(part, buffer_->begin() + static_cast<std::ptrdiff_t>(offset));
}

std::uint64_t chunk_assembler::add(std::uint64_t offset, byte_span payload, const client_id& peer, bool authenticated) {
    if (offset >= region_.length) return 0;
    payload = payload.first(std::min<std::uint64_t>(payload.size(), region_.length - offset));
    if (missing_.within({offset, payload.size()}).empty()) return 0;
    auto* const from = contribution_of(peer);
    if (from == nullptr) return 0;

    std::uint64_t fresh_bytes = 0;
    (void)missing_.remove({offset, payload.size()}, [&](const byte_range& fresh) {
        const auto part = payload.subspan(fresh.offset - offset, fresh.length);
        keep(fresh.offset, part);
        fresh_bytes += fresh.length;
        if (authenticated) {
            auto& proven = from->proven;
            if (!proven.empty() && proven.back().end() == fresh.offset) proven.back().length += fresh.length;
            else proven.push_back(fresh);
        }
        const auto content_start = std::max(fresh.offset, proof_bytes_);
        if (fresh.end() > content_start) from->content_bytes += fresh.end() - content_start;
    });
    from->region_bytes += fresh_bytes;
    if (fresh_bytes > 0) from->authenticated = from->authenticated && authenticated;
    return fresh_bytes;
}

bool chunk_assembler::contradicts(std::uint64_t offset, byte_span payload) const {
    if (!begun_ || offset >= region_.length) return false;
    payload = payload.first(std::min<std::uint64_t>(payload.size(), region_.length - offset));
    const auto same = [&](std::uint64_t from, std::uint64_t to) {
        const auto part = payload.subspan(from - offset, to - from);
        return std::ranges::equal(part, here().subspan(from, to - from));
    };
    auto at = offset;
    for (const auto& hole : missing_.within({offset, payload.size()})) {
        if (!same(at, hole.offset)) return true;
        at = hole.end();
    }
    return !same(at, offset + payload.size());
}

std::vector<client_id> liars_of(const bad_region& bad, byte_span right) {
    std::vector<client_id> out;
    if (!bad.buffer || bad.buffer->size() != right.size()) return out;
    for (const auto& giver : bad.givers) {
        const bool lied = std::ranges::any_of(giver.proven, [&](const byte_range& part) {
            return !std::ranges::equal(byte_span(*bad.buffer).subspan(part.offset, part.length), right.subspan(part.offset, part.length));
        });
        if (lied) out.push_back(giver.peer);
    }
    return out;
}

std::shared_ptr<const bytes> chunk_assembler::take() {
    P2PDIST_ASSERT(complete() && begun_);
    return known_ ? std::move(known_) : std::shared_ptr<const bytes>(std::move(buffer_));
}

}  // namespace p2pdist::detail::transfer
