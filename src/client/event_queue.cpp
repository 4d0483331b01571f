#include "p2pdist/client/event_queue.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

template <class Event>
bool is(const client_event& event) noexcept {
    return std::holds_alternative<Event>(event);
}

}  // namespace

template <class Event>
void event_queue::drop_oldest(std::size_t keep) {
    auto excess = static_cast<std::size_t>(std::ranges::count_if(events_, is<Event>));
    std::erase_if(events_, [&](const client_event& event) {
        if (excess <= keep || !is<Event>(event)) return false;
        --excess;
        return true;
    });
}

void event_queue::push(const client_event& event) {
    if (is<client_piece>(event)) return;
    if (const auto* fresh = std::get_if<client_progress>(&event)) {
        for (auto& waiting : events_) {
            auto* old = std::get_if<client_progress>(&waiting);
            if (!old || old->transfer.content.id != fresh->transfer.content.id) continue;
            *old = *fresh;
            return;
        }
    }
    if (is<client_enrolled>(event)) std::erase_if(events_, is<client_enrolled>);
    if (is<client_registered>(event)) std::erase_if(events_, is<client_registered>);
    events_.push_back(event);
    if (is<command_done>(event)) ++ends_;
    if (is<client_notice>(event)) drop_oldest<client_notice>(limits::event_queue_notices_max);
    if (is<client_progress>(event)) drop_oldest<client_progress>(limits::event_queue_progress_max);
}

std::optional<client_event> event_queue::pop() {
    if (events_.empty()) return std::nullopt;
    auto first = std::move(events_.front());
    events_.pop_front();
    if (is<command_done>(first)) --ends_;
    return first;
}

bool event_queue::full() const noexcept { return ends_ >= limits::event_queue_ends_max; }

}  // namespace p2pdist
