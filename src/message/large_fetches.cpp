#include "large_fetches.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

namespace {

bool counts_bytes(const large_offer& offer) noexcept { return offer.size_bytes > limits::large_fetch_small_bytes; }

}  // namespace

void large_fetch::begin(time_point now) {
    data_.clear();
    covered_.clear();
    paced_at_ = now;
    since_paced_ = 0;
}

bool large_fetch::add(time_point now, std::uint64_t offset, byte_span piece) {
    if (piece.empty() || offset > offer.size_bytes || piece.size() > offer.size_bytes - offset) return false;
    since_paced_ += piece.size();
    if (since_paced_ >= limits::large_fetch_pace_bytes_min) {
        since_paced_ = 0;
        paced_at_ = now;
    }
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

time_point large_fetch::slow_from() const noexcept { return paced_at_ + limits::large_fetch_watch_time; }

bool large_fetches::peer_has_room(const client_id& peer, std::uint64_t size_bytes, bool is_reply, std::uint64_t peer_bytes_max) const noexcept {
    const auto& shares = room_of(is_reply).of_peer;
    const auto found = shares.find(peer);
    if (found == shares.end()) return size_bytes <= peer_bytes_max;
    return found->second.count < limits::large_fetches_of_peer_max && found->second.bytes + size_bytes <= peer_bytes_max;
}

bool large_fetches::has_room(std::uint64_t size_bytes, bool is_reply) const noexcept {
    const auto& all = room_of(is_reply);
    return all.count < limits::large_fetches_max &&
           (size_bytes <= limits::large_fetch_small_bytes || all.large_bytes + size_bytes <= limits::large_fetch_bytes_max);
}

const large_fetch* large_fetches::slowest_request(time_point now, const client_id& but_of) const noexcept {
    const large_fetch* out = nullptr;
    for (const auto& [key, fetch] : fetches_) {
        if (fetch.purpose.is_reply || fetch.peer == but_of || fetch.slow_from() > now) continue;
        if (!out || fetch.slow_from() < out->slow_from()) out = &fetch;
    }
    return out;
}

std::uint64_t large_fetches::add(large_fetch fetch) {
    auto& all = room_of(fetch.purpose.is_reply);
    ++all.count;
    if (counts_bytes(fetch.offer)) all.large_bytes += fetch.offer.size_bytes;
    auto& share = all.of_peer[fetch.peer];
    ++share.count;
    share.bytes += fetch.offer.size_bytes;
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
    const auto& fetch = found->second;
    auto& all = room_of(fetch.purpose.is_reply);
    --all.count;
    if (counts_bytes(fetch.offer)) all.large_bytes -= fetch.offer.size_bytes;
    const auto share = all.of_peer.find(fetch.peer);
    share->second.bytes -= fetch.offer.size_bytes;
    if (--share->second.count == 0) all.of_peer.erase(share);
    fetches_.erase(found);
}

void large_fetches::send_back(time_point now, const client_id& peer) {
    std::erase_if(turns_, [&](const auto& entry) { return entry.second <= now; });
    if (turns_.size() >= limits::large_fetch_turns_max)
        turns_.erase(std::ranges::min_element(turns_, {}, [](const auto& entry) { return entry.second; }));
    turns_[peer] = now + limits::large_fetch_turn_time;
}

bool large_fetches::waits_its_turn(time_point now, const client_id& peer) const noexcept {
    const auto found = turns_.find(peer);
    return found != turns_.end() && now < found->second;
}

}  // namespace p2pdist
