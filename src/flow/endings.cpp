#include "endings.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr duration remembered = 15s;
constexpr duration answer_spacing = 100ms;

}  // namespace

void endings::add(time_point now, flow_ending ending) {
    forget(now);
    if (list_.size() >= limits::flow_endings_max) list_.pop_front();
    ending.until = now + remembered;
    ending.next_answer_at = now + answer_spacing;
    list_.push_back(std::move(ending));
}

void endings::forget(time_point now) {
    while (!list_.empty() && list_.front().until <= now) list_.pop_front();
}

endings::match endings::answer(time_point now, flow_ending& ending) {
    if (now < ending.next_answer_at) return {&ending, false};
    ending.next_answer_at = now + answer_spacing;
    return {&ending, true};
}

endings::match endings::find(time_point now, const client_id& peer, std::uint32_t token, bool to_sender) {
    forget(now);
    for (auto& ending : list_)
        if (ending.token == token && ending.to_sender == to_sender && ending.peer == peer) return answer(now, ending);
    return {};
}

endings::match endings::find_received(time_point now, std::uint32_t token) {
    forget(now);
    for (auto& ending : list_)
        if (ending.token == token && ending.to_sender) return answer(now, ending);
    return {};
}

}  // namespace p2pdist::detail::flow
