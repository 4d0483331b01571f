#include "air.hpp"

#include <algorithm>
#include <cmath>

namespace p2pdist::sim {
namespace {

constexpr double contention_window = 16;
constexpr int retries_max = 6;

}  // namespace

bool air::offer(time_point now, std::uint32_t station, const frame& what, time_point& due) {
    due = never;
    if (const auto found = stations_.find(station); found != stations_.end() && found->second.bytes + what.bytes > settings_.queue_bytes) {
        ++counters_.queue_dropped;
        return false;
    }
    const bool idle = stations_.empty() && under_way_.empty();
    auto& from = stations_[station];
    auto& queue = from.queues[what.receiver];
    if (queue.empty()) from.turns.push_back(what.receiver);
    queue.push_back(what);
    from.bytes += what.bytes;
    if (idle) due = transmit(now);
    return true;
}

duration air::on_air(std::uint64_t bytes, std::uint64_t bytes_per_second) const {
    return duration(static_cast<duration::rep>(static_cast<double>(bytes) * 1e9 / static_cast<double>(bytes_per_second)));
}

/// What collisions cost: two choose the same slot, and both transmit in vain.
duration air::contention(std::size_t contenders, duration transmission) {
    duration lost{};
    auto window = contention_window;
    for (int i = 0; i < retries_max && contenders > 1; ++i, window *= 2) {
        if (random_.unit() < std::pow(1 - 1 / window, static_cast<double>(contenders - 1))) break;
        lost += settings_.overhead + transmission;
        ++counters_.collisions;
    }
    return lost;
}

time_point air::transmit(time_point now) {
    auto chosen = stations_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(stations_.size())));
    auto& from = chosen->second;
    const auto receiver = from.turns.front();
    from.turns.pop_front();
    auto& queue = from.queues[receiver];
    const bool to_all = receiver == everybody;
    std::uint64_t bytes = 0;
    const auto first = queue.front().bytes;
    do {
        bytes += queue.front().bytes;
        under_way_.push_back(queue.front().id);
        queue.pop_front();
    } while (!queue.empty() && !to_all && bytes + queue.front().bytes <= settings_.aggregate_bytes);
    from.bytes -= bytes;
    counters_.bytes += bytes;
    ++counters_.transmissions;
    auto time = settings_.overhead + on_air(bytes, to_all ? settings_.basic_bytes_per_second : settings_.bytes_per_second);
    time += contention(stations_.size(), on_air(first, settings_.bytes_per_second));
    counters_.busy += time;
    if (!queue.empty()) from.turns.push_back(receiver);
    else from.queues.erase(receiver);
    if (from.turns.empty()) stations_.erase(chosen);
    return now + time;
}

time_point air::finish(time_point now, std::vector<std::uint32_t>& done) {
    done.insert(done.end(), under_way_.begin(), under_way_.end());
    under_way_.clear();
    return stations_.empty() ? never : transmit(now);
}

std::vector<std::uint32_t> air::forget(std::uint32_t station) {
    std::vector<std::uint32_t> out;
    const auto found = stations_.find(station);
    if (found == stations_.end()) return out;
    for (const auto& [receiver, queue] : found->second.queues) {
        for (const auto& each : queue) out.push_back(each.id);
    }
    stations_.erase(found);
    return out;
}

}  // namespace p2pdist::sim
