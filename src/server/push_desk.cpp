#include "push_desk.hpp"

namespace p2pdist {

void push_desk::begin(time_point now, const registry& clients, std::optional<office_slot> first) {
    waiting_.clear();
    const auto is_first = [&](const registered_client& client) { return first && client.office == *first; };
    for (const bool round : {true, false}) {
        for (const auto& [id, client] : clients.all()) {
            if (is_first(client) == round && clients.active(client, now)) waiting_.push_back(id);
        }
    }
    next_ = std::max(next_, now);
}

std::vector<client_id> push_desk::take(time_point now) {
    std::vector<client_id> out;
    if (waiting_.empty() || now < next_) return out;
    next_ = now + interval;
    while (!waiting_.empty() && out.size() < clients_per_interval) {
        out.push_back(waiting_.front());
        waiting_.pop_front();
    }
    return out;
}

}  // namespace p2pdist
