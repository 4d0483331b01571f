#include "p2pdist/client/event_queue.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

void event_queue::push(const client_event& event) {
    if (std::holds_alternative<client_piece>(event)) return;
    const auto number = next_++;
    if (const auto* fresh = std::get_if<client_progress>(&event)) {
        const auto [known, added] = progress_.try_emplace(fresh->transfer.content.id, number);
        if (!added) {
            events_.at(known->second) = event;
            return;
        }
        if (progress_.size() > limits::event_queue_progress_max) {
            const auto oldest = std::ranges::min_element(progress_, {}, &decltype(progress_)::value_type::second);
            events_.erase(oldest->second);
            progress_.erase(oldest);
        }
    } else if (std::holds_alternative<client_notice>(event)) {
        notices_.push_back(number);
        if (notices_.size() > limits::event_queue_notices_max) {
            events_.erase(notices_.front());
            notices_.pop_front();
        }
    } else if (std::holds_alternative<client_enrolled>(event)) {
        if (const auto old = std::exchange(enrolled_, number)) events_.erase(*old);
    } else if (std::holds_alternative<client_registered>(event)) {
        if (const auto old = std::exchange(registered_, number)) events_.erase(*old);
    } else if (std::holds_alternative<command_done>(event)) {
        ++ends_;
    }
    events_.emplace(number, event);
}

std::optional<client_event> event_queue::pop() {
    if (events_.empty()) return std::nullopt;
    const auto number = events_.begin()->first;
    auto first = std::move(events_.extract(events_.begin()).mapped());
    if (const auto* moved = std::get_if<client_progress>(&first)) progress_.erase(moved->transfer.content.id);
    if (std::holds_alternative<client_notice>(first)) notices_.pop_front();
    if (enrolled_ == number) enrolled_.reset();
    if (registered_ == number) registered_.reset();
    if (std::holds_alternative<command_done>(first)) --ends_;
    return first;
}

bool event_queue::full() const noexcept { return ends_ >= limits::event_queue_ends_max; }

}  // namespace p2pdist
