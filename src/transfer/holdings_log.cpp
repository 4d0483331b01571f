#include "holdings_log.hpp"

#include <algorithm>

namespace p2pdist::detail::transfer {

void holdings_log::reset(const chunk_set& held) {
    runs_.clear();
    size_ = 0;
    for (const auto& range : held.ranges()) {
        runs_.push_back({size_, range});
        size_ += range.count;
    }
}

void holdings_log::append(chunk_index chunk) {
    if (!runs_.empty() && runs_.back().chunks.end() == chunk) {
        ++runs_.back().chunks.count;
    } else {
        runs_.push_back({size_, {chunk, 1}});
    }
    ++size_;
}

chunk_index holdings_log::read(chunk_index from, std::size_t limit, std::vector<chunk_range>& out) const {
    auto position = std::min(from, size_);
    auto at = std::partition_point(runs_.begin(), runs_.end(), [&](const run& one) { return one.position + one.chunks.count <= position; });
    for (; at != runs_.end() && limit > 0; ++at, --limit) {
        const auto skipped = position - at->position;
        out.push_back({at->chunks.first + skipped, at->chunks.count - skipped});
        position = at->position + at->chunks.count;
    }
    return position;
}

}  // namespace p2pdist::detail::transfer
