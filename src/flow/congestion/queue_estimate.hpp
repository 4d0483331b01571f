#pragma once
// How long the queue at the bottleneck is, from one-way delays whose offset is unknown and drifts, and from round trips.

#include <algorithm>
#include <array>
#include <deque>

#include "p2pdist/base/time.hpp"
#include "p2pdist/flow/congestion_controller.hpp"

namespace p2pdist::detail::flow {

/// The least of a slowly ageing past: ten buckets, so that a drifting clock or a longer route is learnt.
class ageing_minimum {
public:
    void add(time_point now, duration value) noexcept {
        if (!known_ || now >= bucket_end_) turn(now, value);
        buckets_[0] = std::min(buckets_[0], value);
        least_ = std::min(least_, value);
        known_ = true;
    }
    /// Lets nothing age while the queue may be full of others' packets.
    void hold(time_point now) noexcept { bucket_end_ = std::max(bucket_end_, now + bucket); }
    void restart(time_point now, duration value) noexcept {
        buckets_.fill(value);
        least_ = value;
        known_ = true;
        bucket_end_ = now + bucket;
    }
    [[nodiscard]] duration least() const noexcept { return least_; }

private:
    static constexpr duration bucket = std::chrono::seconds(2);

    void turn(time_point now, duration value) noexcept {
        if (!known_) buckets_.fill(value);
        std::rotate(buckets_.rbegin(), buckets_.rbegin() + 1, buckets_.rend());
        buckets_[0] = value;
        bucket_end_ = now + bucket;
        least_ = *std::min_element(buckets_.begin(), buckets_.end());
    }

    bool known_ = false;
    std::array<duration, 10> buckets_{};
    duration least_ = duration::max();
    time_point bucket_end_{};
};

class queue_estimate {
public:
    /// `holding`: we send next to nothing, and what we see is others' queue: the base must not age up to it.
    void add(const feedback_sample& sample, bool holding);

    [[nodiscard]] bool known() const noexcept { return !recent_.empty(); }
    /// The least of about the last 8 ms and at least two feedbacks, so that a late timer or one burst does not count.
    [[nodiscard]] duration filtered() const noexcept;

private:
    struct point {
        time_point at;
        duration queue;
    };
    void learn_new_base(const feedback_sample& sample);

    ageing_minimum delay_base_;
    ageing_minimum round_trip_base_;
    std::deque<point> recent_;
    // A delay that stays flat for long while we hardly send is no queue of others but a longer way.
    time_point flat_since_{};
    duration flat_low_{};
    duration flat_high_{};
    bool flat_known_ = false;
};

}  // namespace p2pdist::detail::flow
