#include "supply.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::detail::flow {

namespace {

constexpr std::size_t copied_below_bytes = 128u << 10;

/// A small part is copied: a receiver that wants a byte here and there would else keep a whole block of memory for each.
shared_bytes small_copied(const shared_bytes& data, byte_span part) {
    if (!data.owner || part.size() >= copied_below_bytes || 2 * part.size() >= data.owner->size()) return {data.owner, part};
    return std::make_shared<const bytes>(part.begin(), part.end());
}

}  // namespace

void supply::provide(std::uint64_t offset, const shared_bytes& data) {
    std::vector<index_range> fresh;
    provided_.missing_in({offset, data.view.size()}, fresh);
    for (const auto& part : fresh) {
        pieces_.emplace(part.first, small_copied(data, data.view.subspan(part.first - offset, part.length)));
        provided_.add(part);
        provided_bytes_ += part.length;
    }
    asked_.subtract({offset, data.view.size()});
}

void supply::retain(const range_set& needed) {
    for (auto piece = pieces_.begin(); piece != pieces_.end();) {
        const index_range range{piece->first, piece->second.view.size()};
        if (needed.intersects(range)) {
            ++piece;
            continue;
        }
        provided_.subtract(range);
        provided_bytes_ -= range.length;
        piece = pieces_.erase(piece);
    }
    std::vector<index_range> stale;
    for (const auto& range : asked_.ranges())
        if (!needed.intersects(range)) stale.push_back(range);
    asked_.subtract(stale);
}

std::optional<std::uint64_t> supply::first_provided(std::uint64_t offset, std::uint64_t end) const {
    auto piece = pieces_.upper_bound(offset);
    if (piece != pieces_.begin()) {
        const auto before = std::prev(piece);
        if (before->first + before->second.view.size() > offset) return offset;
    }
    if (piece == pieces_.end() || piece->first >= end) return std::nullopt;
    return piece->first;
}

shared_bytes supply::view(std::uint64_t offset, std::uint64_t length) const {
    const auto piece = std::prev(pieces_.upper_bound(offset));
    const auto skip = offset - piece->first;
    P2PDIST_ASSERT(skip < piece->second.view.size());
    const auto count = std::min<std::uint64_t>(length, piece->second.view.size() - skip);
    return {piece->second.owner, piece->second.view.subspan(skip, count)};
}

void supply::unasked_in(const index_range& range, std::vector<index_range>& out) const {
    std::vector<index_range> lacking;
    provided_.missing_in(range, lacking);
    for (const auto& part : lacking) asked_.missing_in(part, out);
}

}  // namespace p2pdist::detail::flow
