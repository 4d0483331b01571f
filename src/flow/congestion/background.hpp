#pragma once
// Background (XFER-2): sends below the capacity, so that it has no queue of its own, and reads the queue of others from the delay.
//
// start    grows by 60 % each round trip until a queue shows
// drain    lets the queue that it made run empty; if it does not, it was somebody else's
// run      near the capacity; a short queue means "I overdid it" where our share of the capacity is whole, else somebody else is served
// caution  halves at once and looks whether the queue goes: false alarm, or give way
// floor    small probes only, until the queue has been empty for a while; patience grows with each return that did not last

#include <cstdint>

#include "delivery_rate.hpp"
#include "p2pdist/flow/congestion_controller.hpp"
#include "queue_estimate.hpp"

namespace p2pdist::detail::flow {

class background_controller final : public congestion_controller {
public:
    background_controller(std::uint64_t datagram_bytes_max, time_point now);

    void on_sent(time_point now, std::uint64_t datagram_bytes, std::uint64_t in_flight_bytes) override;
    void on_feedback(const feedback_sample& sample) override;
    void on_timeout(time_point now, int consecutive) override;
    std::uint64_t window_bytes() const override;
    double pacing_rate() const override;
    std::uint64_t burst_bytes() const override;
    bool paused() const override { return phase_ == phase::floor; }
    std::uint64_t datagram_bytes() const override;
    duration queueing_delay() const override { return queue_.filtered(); }
    std::string_view name() const noexcept override { return "background"; }
    std::string_view state() const noexcept override;

private:
    enum class phase : std::uint8_t { start, drain, run, caution, floor };

    void in_start();
    void in_drain();
    void in_run(const feedback_sample& sample);
    void in_caution();
    void in_floor();
    void enter_drain();
    void enter_run(double rate);
    void enter_caution();
    void enter_floor();
    void overload_of_our_own();
    void grow(const feedback_sample& sample);
    void mark_event() noexcept;
    void count_losses(const feedback_sample& sample);
    [[nodiscard]] bool loss_is_congestion(const feedback_sample& sample) const;
    [[nodiscard]] bool often_cautious() const noexcept;
    [[nodiscard]] duration round_trip() const noexcept;
    [[nodiscard]] duration queue_low() const noexcept;
    [[nodiscard]] duration queue_high() const noexcept;
    [[nodiscard]] double round_trips_since(time_point then) const noexcept;
    [[nodiscard]] duration patience_min() const noexcept;

    double segment_;
    phase phase_ = phase::start;
    time_point now_{};
    time_point phase_since_{};
    time_point grown_at_{};
    time_point hold_until_{};
    time_point last_sent_at_{};
    duration rtt_least_{};
    bool rtt_known_ = false;

    queue_estimate queue_;
    delivery_rate delivered_;
    bool limited_ = false;       // the newest measurements are of a sender that had nothing to send

    double rate_;                // bytes a second
    double capacity_ = 0;        // what the bottleneck gave us when we filled it
    double ceiling_ = 1e18;      // where growth gets careful
    double quiet_round_trips_ = 0;

    double rate_before_ = 0;     // of caution
    double delivered_before_ = 0;
    duration queue_before_{};
    int caution_looks_ = 0;      // how often the queue was found to be going
    int cautions_ = 0;           // in quick succession
    time_point caution_at_{};
    time_point false_alarm_at_{};
    bool any_false_alarm_ = false;

    duration patience_{};        // how long the floor must be quiet
    time_point run_since_{};
    time_point event_at_{};
    time_point quiet_since_{};

    double window_lost_ = 0;     // packets of about the last second, decaying
    double window_settled_ = 0;
    time_point losses_at_{};
};

}  // namespace p2pdist::detail::flow
