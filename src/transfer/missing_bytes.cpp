#include "missing_bytes.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail::transfer {

missing_bytes::missing_bytes(std::uint64_t size) : count_(size) {
    if (size > 0) ranges_.push_back({0, size});
}

std::vector<byte_range> missing_bytes::within(const byte_range& part) const {
    std::vector<byte_range> found;
    auto at = std::partition_point(ranges_.begin(), ranges_.end(), [&](const byte_range& range) { return range.end() <= part.offset; });
    for (; at != ranges_.end() && at->offset < part.end(); ++at) {
        const auto first = std::max(at->offset, part.offset);
        found.push_back({first, std::min(at->end(), part.end()) - first});
    }
    return found;
}

bool missing_bytes::cut(const byte_range& arrived) {
    const auto before = [&](const byte_range& range) { return range.end() <= arrived.offset; };
    const auto touched = [&](const byte_range& range) { return range.offset < arrived.end(); };
    const auto first = std::partition_point(ranges_.begin(), ranges_.end(), before);
    const auto last = std::partition_point(first, ranges_.end(), touched);
    if (first == last) return true;
    const byte_range head{first->offset, arrived.offset > first->offset ? arrived.offset - first->offset : 0};
    const auto tail_end = std::prev(last)->end();
    const byte_range tail{arrived.end(), tail_end > arrived.end() ? tail_end - arrived.end() : 0};

    std::uint64_t covered = 0;
    for (auto at = first; at != last; ++at) covered += at->length;
    const auto kept = static_cast<std::size_t>(head.length > 0) + static_cast<std::size_t>(tail.length > 0);
    const auto replaced = static_cast<std::size_t>(last - first);
    if (ranges_.size() - replaced + kept > limits::transfer_fragments_max) return false;

    count_ -= covered - head.length - tail.length;
    auto at = ranges_.erase(first, last);
    if (tail.length > 0) at = ranges_.insert(at, tail);
    if (head.length > 0) ranges_.insert(at, head);
    return true;
}

}  // namespace p2pdist::detail::transfer
