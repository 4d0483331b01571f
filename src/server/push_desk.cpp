#include "push_desk.hpp"

#include <set>
#include <utility>

namespace p2pdist {

void push_desk::begin(time_point now, const registry& clients, std::optional<office_slot> first) {
    const auto before = std::exchange(waiting_, {});
    std::set<client_id> placed;
    const auto place = [&](const client_id& id, const registered_client& client) {
        if (clients.active(client, now) && placed.insert(id).second) waiting_.push_back(id);
    };
    if (first) {
        for (const auto& [id, client] : clients.all()) {
            if (client.office == *first) place(id, client);
        }
    }
    for (const auto& id : before) {
        if (const auto* client = clients.find(id)) place(id, *client);
    }
    for (const auto& [id, client] : clients.all()) place(id, client);
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
