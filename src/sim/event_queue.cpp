#include "p2pdist/sim/event_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace p2pdist::sim {

time_point event_queue::next_time() const noexcept {
    if (size_ == 0) return never;
    return head_ < lists_[0].entries.size() ? turn_ : lists_[static_cast<std::size_t>(std::countr_zero(occupied_)) + 1].least;
}

void event_queue::put(const entry& what) {
    const auto away = static_cast<std::uint64_t>(what.when.time_since_epoch().count() ^ turn_.time_since_epoch().count());
    const auto number = static_cast<std::size_t>(std::bit_width(away));
    auto& to = lists_[number];
    to.entries.push_back(what);
    if (number == 0) return;
    to.least = std::min(to.least, what.when);
    occupied_ |= std::uint64_t{1} << (number - 1);
}

void event_queue::push(time_point when, event_handler* who, std::uint64_t what) {
    put({std::max(when, now_), who, what});
    ++size_;
}

/// The next event's time has come: its list goes to those below, what is due now to the first.
void event_queue::deal_out() {
    lists_[0].entries.clear();
    head_ = 0;
    const auto number = static_cast<std::size_t>(std::countr_zero(occupied_)) + 1;
    auto& from = lists_[number];
    turn_ = from.least;
    for (const auto& each : from.entries) put(each);
    from.entries.clear();
    from.least = never;
    occupied_ &= ~(std::uint64_t{1} << (number - 1));
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
    if (size_ == 0) return false;
    if (head_ == lists_[0].entries.size()) deal_out();
    const auto next = lists_[0].entries[head_++];
    --size_;
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
