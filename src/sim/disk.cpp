#include "p2pdist/sim/disk.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {
namespace {

struct work {
    std::uint64_t bytes = 0;
    bool sync = false;
};

work work_of(const store_request& request) {
    if (const auto* write = std::get_if<store_write_chunk>(&request.operation)) return {write->data.view.size(), true};
    if (const auto* append = std::get_if<store_append>(&request.operation)) return {append->data.view.size(), true};
    if (std::holds_alternative<store_read_chunk>(request.operation)) return {chunk_bytes, false};
    return {0, false};
}

}  // namespace

disk::ticket disk::submit(time_point now, store_request request) {
    const auto what = work_of(request);
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(waiting_.size()));
        waiting_.emplace_back();
    }
    const auto slot = free_.back();
    free_.pop_back();
    waiting_[slot] = entry{std::move(request), ++submitted_};
    busy_until_ = std::max(busy_until_, now);
    if (settings_.bytes_per_second > 0) busy_until_ += duration(static_cast<duration::rep>(what.bytes * 1'000'000'000 / settings_.bytes_per_second));
    return {slot, busy_until_ + settings_.latency + (what.sync ? settings_.sync_latency : duration::zero())};
}

store_completion disk::take_effect(std::uint32_t slot) {
    P2PDIST_ASSERT(waiting_[slot].has_value());
    const auto request = std::move(waiting_[slot]->request);
    waiting_[slot].reset();
    free_.push_back(slot);
    return store_.execute(request);
}

void disk::crash(random_source& random) {
    std::erase_if(waiting_, [](const auto& each) { return !each; });
    std::sort(waiting_.begin(), waiting_.end(), [](const auto& left, const auto& right) { return left->number < right->number; });
    for (const auto& each : waiting_) store_.interrupt(each->request, random);
    waiting_.clear();
    free_.clear();
    busy_until_ = {};
    store_.restart();
}

}  // namespace p2pdist::sim
