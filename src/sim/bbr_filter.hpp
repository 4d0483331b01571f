#pragma once
// What both versions of BBR measure with.

#include <cstdint>
#include <deque>
#include <utility>

#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

inline constexpr double full_growth = 1.25, pacing_margin = 0.99, window_min = 4;   // in segments
inline constexpr int full_rounds = 3;
inline constexpr duration least_lives = std::chrono::seconds(10);   // of the shortest round trip

/// The largest value of a window of the last so many ticks.
class max_filter {
public:
    void add(std::uint64_t tick, double value, std::uint64_t ticks) {
        while (!best_.empty() && best_.back().second <= value) best_.pop_back();
        best_.emplace_back(tick, value);
        while (best_.front().first + ticks <= tick) best_.pop_front();
    }
    [[nodiscard]] double get() const { return best_.empty() ? 0 : best_.front().second; }

private:
    std::deque<std::pair<std::uint64_t, double>> best_;   // falling
};

}  // namespace p2pdist::sim
