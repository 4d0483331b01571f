#pragma once
// Bytes a second, smoothed over a few seconds.

#include <chrono>
#include <cmath>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::transfer {

/// Counts bytes as they come; update() folds them into an exponential average with the given time constant. The first seconds
/// are averaged over the time since the first byte, so that a short download shows its true rate.
class rate_meter {
public:
    explicit rate_meter(duration smoothing = std::chrono::seconds(3)) noexcept
        : smoothing_(std::chrono::duration<double>(smoothing).count()) {}

    void add(time_point now, std::uint64_t count) noexcept {
        if (!started_) {
            started_ = true;
            updated_at_ = now;
        }
        bytes_ += count;
    }

    /// Call every fraction of a second; calls that come closer than 50 ms wait for each other.
    void update(time_point now) noexcept {
        if (!started_) return;
        const double seconds = std::chrono::duration<double>(now - updated_at_).count();
        if (seconds < 0.05) return;
        const double decay = std::exp(-seconds / smoothing_);
        weight_ = weight_ * decay + (1 - decay);
        average_ = average_ * decay + (1 - decay) * (static_cast<double>(bytes_) / seconds);
        bytes_ = 0;
        updated_at_ = now;
    }

    [[nodiscard]] double bytes_per_second() const noexcept { return weight_ > 0 ? average_ / weight_ : 0; }

private:
    double smoothing_;
    double average_ = 0;
    double weight_ = 0;  // of all samples so far; 1 after a while
    std::uint64_t bytes_ = 0;
    time_point updated_at_{};
    bool started_ = false;
};

}  // namespace p2pdist::detail::transfer
