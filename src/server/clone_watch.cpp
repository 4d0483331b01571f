#include "clone_watch.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist {

void clone_watch::forget_old(time_point now, suspect& one) const {
    std::erase_if(one.returns, [&](time_point at) { return now - at > limits::clone_window; });
    while (one.processes.size() > 1 && now - one.processes.front().last > limits::clone_window) one.processes.erase(one.processes.begin());
}

void clone_watch::make_room(time_point now) {
    if (suspects_.size() < limits::clone_suspects_max) return;
    std::erase_if(suspects_, [&](const auto& entry) { return now - entry.second.processes.back().last > limits::clone_window; });
    if (suspects_.size() < limits::clone_suspects_max) return;
    suspects_.erase(std::min_element(suspects_.begin(), suspects_.end(), [](const auto& left, const auto& right) {
        return left.second.processes.back().last < right.second.processes.back().last;
    }));
}

void clone_watch::on_restart(time_point now, const client_id& id, std::uint64_t boot) {
    if (!suspects_.contains(id)) make_room(now);
    auto& one = suspects_[id];
    forget_old(now, one);
    const auto known = std::find_if(one.processes.begin(), one.processes.end(), [&](const process& p) { return p.boot == boot; });
    process present{boot, now, {}, false};
    if (known != one.processes.end()) {
        if (known + 1 != one.processes.end()) {
            one.returns.push_back(now);
            if (one.returns.size() > processes_max) one.returns.erase(one.returns.begin());
        }
        present = *known;
        present.last = now;
        one.processes.erase(known);
    }
    if (one.processes.size() >= processes_max) one.processes.erase(one.processes.begin());
    one.processes.push_back(present);
}

bool clone_watch::on_heard(time_point now, const client_id& id, const ip_address& from) {
    const auto at = suspects_.find(id);
    if (at == suspects_.end()) return false;
    auto& one = at->second;
    one.processes.back().last = now;
    one.processes.back().address = from;
    one.processes.back().heard = true;
    forget_old(now, one);
    const bool two = one.returns.size() >= static_cast<std::size_t>(limits::clone_returns);
    return std::exchange(one.told, two) != two && two;
}

std::vector<clone_watch::finding> clone_watch::findings(time_point now) const {
    std::vector<finding> out;
    for (const auto& [id, one] : suspects_) {
        const auto recent = std::count_if(one.returns.begin(), one.returns.end(), [&](time_point at) { return now - at <= limits::clone_window; });
        if (recent < limits::clone_returns) continue;
        finding what{id, {}};
        for (const auto& p : one.processes) {
            if (p.heard) what.addresses.push_back(p.address);
        }
        std::sort(what.addresses.begin(), what.addresses.end());
        what.addresses.erase(std::unique(what.addresses.begin(), what.addresses.end()), what.addresses.end());
        out.push_back(std::move(what));
    }
    return out;
}

std::string describe(const clone_watch::finding& what) {
    std::string where;
    for (std::size_t i = 0; i < what.addresses.size(); ++i) {
        where += (i == 0 ? "" : i + 1 == what.addresses.size() ? " and " : ", ") + what.addresses[i].to_string();
    }
    return "two devices use the identity of client " + what.id.to_string() + ", at " + where +
           ": a disk was copied or a snapshot started twice. On one of them stop p2pdist-client, delete its data directory, and start it "
           "again with the enrolment key";
}

}  // namespace p2pdist
