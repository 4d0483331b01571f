#pragma once
// Smoothed round-trip time and its variation (RFC 9002, section 5).

#include <algorithm>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class rtt_estimator {
public:
    void add(duration sample) noexcept {
        sample = std::max(sample, duration{1000});
        latest_ = sample;
        if (!known_) {
            known_ = true;
            least_ = smoothed_ = sample;
            variation_ = sample / 2;
            return;
        }
        least_ = std::min(least_, sample);
        const auto difference = smoothed_ > sample ? smoothed_ - sample : sample - smoothed_;
        variation_ = (variation_ * 3 + difference) / 4;
        smoothed_ = (smoothed_ * 7 + sample) / 8;
    }

    [[nodiscard]] bool known() const noexcept { return known_; }
    [[nodiscard]] duration latest() const noexcept { return latest_; }
    [[nodiscard]] duration smoothed() const noexcept { return smoothed_; }
    [[nodiscard]] duration variation() const noexcept { return variation_; }
    [[nodiscard]] duration least() const noexcept { return least_; }

private:
    bool known_ = false;
    duration latest_ = std::chrono::milliseconds(200);
    duration smoothed_ = std::chrono::milliseconds(200);  // until measured
    duration variation_ = std::chrono::milliseconds(100);
    duration least_ = std::chrono::milliseconds(200);
};

}  // namespace p2pdist::detail::flow
