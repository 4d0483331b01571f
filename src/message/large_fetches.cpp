#include "large_fetches.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

bool large_fetch::add(std::uint64_t offset, byte_span piece) {
    if (piece.empty() || offset > offer.size_bytes || piece.size() > offer.size_bytes - offset) return false;
    auto first = offset;
    auto end = offset + piece.size();
    if (data_.size() < end) data_.resize(static_cast<std::size_t>(end));
    std::copy(piece.begin(), piece.end(), data_.begin() + static_cast<std::ptrdiff_t>(offset));
    auto next = covered_.upper_bound(end);
    while (next != covered_.begin()) {
        const auto before = std::prev(next);
        if (before->second < first) break;
        first = std::min(first, before->first);
        end = std::max(end, before->second);
        next = covered_.erase(before);
    }
    covered_.emplace(first, end);
    return true;
}

void large_fetch::restart() {
    data_.clear();
    covered_.clear();
}

bool large_fetches::has_room(const client_id& peer, std::uint64_t size_bytes) const noexcept {
    const auto of_peer = of_peer_.find(peer);
    return fetches_.size() < limits::large_fetches_max && bytes_in_all_ + size_bytes <= limits::large_fetch_bytes_max &&
           (of_peer == of_peer_.end() || of_peer->second < limits::large_fetches_of_peer_max);
}

std::uint64_t large_fetches::add(large_fetch fetch) {
    bytes_in_all_ += fetch.offer.size_bytes;
    ++of_peer_[fetch.peer];
    fetches_.emplace(next_key_, std::move(fetch));
    return next_key_++;
}

void large_fetches::set_flow(std::uint64_t key, std::uint64_t flow) {
    auto& fetch = fetches_.at(key);
    if (fetch.flow != 0) by_flow_.erase(fetch.flow);
    fetch.flow = flow;
    if (flow != 0) by_flow_[flow] = key;
}

large_fetch* large_fetches::find(std::uint64_t key) noexcept {
    const auto found = fetches_.find(key);
    return found == fetches_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> large_fetches::key_of_flow(std::uint64_t flow) const noexcept {
    const auto found = by_flow_.find(flow);
    if (found == by_flow_.end()) return std::nullopt;
    return found->second;
}

void large_fetches::erase(std::uint64_t key) {
    const auto found = fetches_.find(key);
    if (found == fetches_.end()) return;
    set_flow(key, 0);
    bytes_in_all_ -= found->second.offer.size_bytes;
    const auto of_peer = of_peer_.find(found->second.peer);
    if (--of_peer->second == 0) of_peer_.erase(of_peer);
    fetches_.erase(found);
}

}  // namespace p2pdist
