#include "queue_estimate.hpp"

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr duration filter_span = 8ms;
constexpr std::size_t filter_points = 2;
constexpr std::size_t recent_max = 64;
constexpr duration flat_span = 2ms;
constexpr duration flat_time = 10s;

}  // namespace

void queue_estimate::add(const feedback_sample& sample, bool holding) {
    if (!sample.has_delay) return;
    if (holding) {
        delay_base_.hold(sample.now);
        round_trip_base_.hold(sample.now);
        learn_new_base(sample);
    } else {
        flat_known_ = false;
    }
    delay_base_.add(sample.now, sample.delay_min);
    auto queue = sample.delay_min - delay_base_.least();
    if (sample.has_rtt) {
        // Round trips know nothing of clocks that drift apart; noise and the way back only make them longer.
        round_trip_base_.add(sample.now, sample.rtt);
        queue = std::min(queue, sample.rtt - round_trip_base_.least());
    }
    recent_.push_back({sample.now, std::max(queue, duration::zero())});
    while (recent_.size() > filter_points && (recent_.front().at + filter_span < sample.now || recent_.size() > recent_max)) recent_.pop_front();
}

void queue_estimate::learn_new_base(const feedback_sample& sample) {
    if (!flat_known_ || sample.delay_min < flat_high_ - flat_span || sample.delay_min > flat_low_ + flat_span) {
        flat_known_ = true;
        flat_since_ = sample.now;
        flat_low_ = flat_high_ = sample.delay_min;
        return;
    }
    flat_low_ = std::min(flat_low_, sample.delay_min);
    flat_high_ = std::max(flat_high_, sample.delay_min);
    if (sample.now < flat_since_ + flat_time) return;
    delay_base_.restart(sample.now, flat_low_);
    if (sample.has_rtt) round_trip_base_.restart(sample.now, sample.rtt);
    flat_known_ = false;
}

duration queue_estimate::filtered() const noexcept {
    auto least = duration::max();
    for (const auto& entry : recent_) least = std::min(least, entry.queue);
    return recent_.empty() ? duration::zero() : least;
}

}  // namespace p2pdist::detail::flow
