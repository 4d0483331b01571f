#pragma once
// The air of one Wi-Fi office: one transmission at a time, whoever sends it.

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/sim/network.hpp"

namespace p2pdist::sim {

/// Stations are hosts by their numbers, and the access point. Each has a queue for each receiver; these take turns. The next to transmit is
/// any of those that have something, with equal chance, as their back-off has it. Single-threaded.
class air {
public:
    static constexpr std::uint32_t access_point = UINT32_MAX, everybody = UINT32_MAX - 1;

    struct frame {
        std::uint32_t id = 0;
        std::uint64_t bytes = 0;
        std::uint32_t receiver = access_point;
    };

    air(const wifi_settings& settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

    /// False: the station's queue is full. Sets `due` where finish() is to be called.
    [[nodiscard]] bool offer(time_point now, std::uint32_t station, const frame& what, time_point& due);
    /// What was under way has come to its end: `done` gets it. When to call it again; never: not until offer() says so.
    [[nodiscard]] time_point finish(time_point now, std::vector<std::uint32_t>& done);
    /// The station has left: what it had to send.
    [[nodiscard]] std::vector<std::uint32_t> forget(std::uint32_t station);
    [[nodiscard]] const air_counters& counters() const noexcept { return counters_; }

private:
    struct sender {
        std::map<std::uint32_t, std::deque<frame>> queues;   // by receiver, none empty
        std::deque<std::uint32_t> turns;                     // of the receivers
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] time_point transmit(time_point now);
    [[nodiscard]] duration contention(std::size_t contenders, duration transmission);
    [[nodiscard]] duration on_air(std::uint64_t bytes, std::uint64_t bytes_per_second) const;

    wifi_settings settings_;
    random_source random_;
    std::map<std::uint32_t, sender> stations_;   // that have something to send
    std::vector<std::uint32_t> under_way_;
    air_counters counters_;
};

}  // namespace p2pdist::sim
