#pragma once
// Spreads datagrams over time: a token bucket whose depth lets a sender that was woken late catch up.

#include <algorithm>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class pacer {
public:
    /// Call before asking, with the controller's current rate (bytes a second, 0 = unlimited) and burst.
    void refill(time_point now, double rate, std::uint64_t burst_bytes) noexcept {
        const auto depth = static_cast<double>(burst_bytes);
        if (!started_) {
            started_ = true;
            tokens_ = depth;
        } else if (now > last_) {
            tokens_ += rate * std::chrono::duration<double>(now - last_).count();
        }
        tokens_ = std::min(tokens_, depth);
        last_ = std::max(last_, now);
        rate_ = rate;
        depth_ = depth;
    }

    [[nodiscard]] bool allows(std::uint64_t datagram_bytes) const noexcept {
        return rate_ <= 0 || tokens_ + 0.5 >= std::min(static_cast<double>(datagram_bytes), depth_);
    }
    void on_sent(std::uint64_t datagram_bytes) noexcept {
        if (rate_ > 0) tokens_ -= static_cast<double>(datagram_bytes);
    }
    /// When about half a millisecond's worth may leave (at least one datagram), so that fast flows don't wake up for each one.
    [[nodiscard]] time_point next(std::uint64_t datagram_bytes) const noexcept {
        if (rate_ <= 0) return last_;
        const auto one = static_cast<double>(datagram_bytes);
        const auto wanted = std::min(std::max(one, rate_ * 0.0005), std::max(one, depth_ / 2));
        const auto lacking = std::min(wanted, depth_) - tokens_;
        if (lacking <= 0) return last_;
        return last_ + std::chrono::ceil<duration>(std::chrono::duration<double>(lacking / rate_));
    }

private:
    bool started_ = false;
    double tokens_ = 0;
    double rate_ = 0;
    double depth_ = 0;
    time_point last_{};
};

}  // namespace p2pdist::detail::flow
