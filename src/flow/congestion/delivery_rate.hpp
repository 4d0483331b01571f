#pragma once
// How fast bytes come out at the other end, by its clock, over about the last round trip.

#include <cstdint>
#include <deque>

#include "p2pdist/flow/congestion_controller.hpp"

namespace p2pdist::detail::flow {

class delivery_rate {
public:
    void add(const feedback_sample& sample, duration span) {
        carried_ += sample.delivered_bytes;
        if (sample.delivered_over <= duration::zero()) return;
        if (sample.delivered_over > std::chrono::seconds(1)) {  // silence between: no rate
            intervals_.clear();
            total_bytes_ = 0;
            total_over_ = {};
            carried_ = 0;
            return;
        }
        intervals_.push_back({carried_, sample.delivered_over});
        total_bytes_ += carried_;
        total_over_ += sample.delivered_over;
        carried_ = 0;
        while (intervals_.size() > 1 && total_over_ - intervals_.front().over >= span) {
            total_bytes_ -= intervals_.front().bytes;
            total_over_ -= intervals_.front().over;
            intervals_.pop_front();
        }
    }
    [[nodiscard]] bool known() const noexcept { return total_over_ > std::chrono::milliseconds(5); }
    /// Bytes a second; 0 where unknown.
    [[nodiscard]] double value() const noexcept {
        return known() ? static_cast<double>(total_bytes_) / std::chrono::duration<double>(total_over_).count() : 0;
    }

private:
    struct interval {
        std::uint64_t bytes;
        duration over;
    };
    std::deque<interval> intervals_;
    std::uint64_t total_bytes_ = 0;
    std::uint64_t carried_ = 0;
    duration total_over_{};
};

}  // namespace p2pdist::detail::flow
