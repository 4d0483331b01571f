#include "p2pdist/sim/event_queue.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist::sim {

void event_queue::push(time_point when, event_handler* who, std::uint64_t what) {
    heap_.push_back({std::max(when, now_), sequence_++, who, what});
    std::push_heap(heap_.begin(), heap_.end(), later{});
}

void event_queue::at(time_point when, event_handler& who, std::uint64_t what) {
    if (when != never) push(when, &who, what);
}

void event_queue::at(time_point when, std::function<void()> what) {
    if (when == never) return;
    if (free_callbacks_.empty()) {
        free_callbacks_.push_back(callbacks_.size());
        callbacks_.emplace_back();
    }
    const auto slot = free_callbacks_.back();
    free_callbacks_.pop_back();
    callbacks_[slot] = std::move(what);
    push(when, nullptr, slot);
}

bool event_queue::step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later{});
    const auto next = heap_.back();
    heap_.pop_back();
    now_ = next.when;
    ++processed_;
    if (next.who) {
        next.who->on_event(now_, next.what);
        return true;
    }
    const auto callback = std::exchange(callbacks_[next.what], {});
    free_callbacks_.push_back(next.what);
    callback();
    return true;
}

void event_queue::advance_to(time_point when) noexcept { now_ = std::max(now_, std::min(when, next_time())); }

}  // namespace p2pdist::sim
