// Foreground: CUBIC (RFC 9438) with HyStart++ (RFC 9406) and pacing. Every feedback costs the same, however many packets it covers.
//
// A device that relays has both protocols on one access line. There CUBIC's queue, some milliseconds whenever a chunk goes to a neighbour, would
// read as somebody else's traffic, and the child office would get nothing until the own one has all. So while Background meets a queue that
// disturbs it, the window shrinks until our own round trips show none. Where a machine is late they show one that no window shortens: hence the
// floor.

#include <algorithm>
#include <cmath>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/flow/congestion_controller.hpp"

namespace p2pdist {

namespace {

using namespace std::chrono_literals;
using seconds_f = std::chrono::duration<double>;

constexpr double beta = 0.7;
constexpr double c = 0.4;                        // segments a second cubed
constexpr double initial_segments = 32;
constexpr double minimum_segments = 2;
constexpr duration hystart_rise_min = 2ms;       // RFC 9406, section 4.3, says 4; a LAN's queues hold few milliseconds
constexpr duration hystart_rise_max = 16ms;
constexpr int hystart_samples_min = 2;           // the RFC says 8, of acknowledgements for each packet; ours come for 8 to 32 packets
constexpr int conservative_rounds = 5;
constexpr double conservative_divisor = 4;
constexpr double slow_start_pacing = 2.0;
constexpr double steady_pacing = 1.25;
constexpr duration queue_beside = 1ms;            // of our own
constexpr duration queue_disturbing = 3ms;        // from which on Background takes it for others' traffic
constexpr double shortening = 0.85;              // a round trip
constexpr double segments_beside = 32;           // never less on its account
constexpr std::uint64_t burst_bytes_min = 16 * 1024;
constexpr std::uint64_t burst_bytes_max = 256 * 1024;

class foreground_controller final : public congestion_controller {
public:
    foreground_controller(std::uint64_t datagram_bytes_max) : segment_(static_cast<double>(datagram_bytes_max)), window_(initial_segments) {}

    void on_sent(time_point now, std::uint64_t datagram_bytes, std::uint64_t) override {
        sent_bytes_ += datagram_bytes;
        newest_sent_at_ = now;
    }
    void on_feedback(const feedback_sample& sample) override;
    void on_timeout(time_point now, int consecutive) override;

    std::uint64_t window_bytes() const override {
        return std::min(static_cast<std::uint64_t>(window_ * segment_), limits::flow_window_bytes_max);
    }
    double pacing_rate() const override;
    std::uint64_t burst_bytes() const override {
        // A driver is woken late by a millisecond or two; this lets it catch up, and lets it batch.
        const auto late = static_cast<std::uint64_t>(pacing_rate() * 0.002);
        return std::clamp(late, burst_bytes_min, burst_bytes_max);
    }
    bool paused() const override { return false; }
    std::uint64_t datagram_bytes() const override { return static_cast<std::uint64_t>(segment_); }
    std::string_view name() const noexcept override { return "foreground"; }
    std::string_view state() const noexcept override {
        if (in_slow_start()) return conservative_left_ > 0 ? "conservative_start" : "slow_start";
        return "avoidance";
    }

private:
    [[nodiscard]] bool in_slow_start() const noexcept { return window_ < threshold_; }
    void on_congestion(const feedback_sample& sample);
    void watch_round(const feedback_sample& sample);
    void keep_short(const feedback_sample& sample);
    void grow(const feedback_sample& sample);
    void grow_cubic(const feedback_sample& sample, double acked);

    double segment_;
    double window_;              // in segments
    double threshold_ = 1e12;
    duration rtt_{};             // smoothed
    std::uint64_t sent_bytes_ = 0;
    std::uint64_t settled_bytes_ = 0;  // acknowledged or lost
    time_point newest_sent_at_{};
    time_point recovery_since_{};      // losses of packets sent before it are one event with the last
    bool recovered_once_ = false;

    // CUBIC
    bool epoch_known_ = false;
    time_point epoch_start_{};
    double window_max_ = 0;
    double window_at_epoch_ = 0;
    double window_reno_ = 0;
    double k_ = 0;

    // HyStart++
    std::uint64_t round_ends_at_ = 0;
    duration round_least_{duration::max()};
    duration last_round_least_{duration::max()};
    duration baseline_least_{duration::max()};
    int round_samples_ = 0;
    int conservative_left_ = 0;
};

double foreground_controller::pacing_rate() const {
    if (rtt_ <= duration::zero()) return 0;
    const auto gain = in_slow_start() ? slow_start_pacing : steady_pacing;
    return gain * window_ * segment_ / std::max(seconds_f(rtt_).count(), 50e-6);
}

void foreground_controller::on_feedback(const feedback_sample& sample) {
    if (sample.has_rtt) rtt_ = sample.rtt_smoothed;
    settled_bytes_ += sample.acked_bytes + sample.lost_bytes;
    watch_round(sample);
    if ((sample.lost_packets > 0 && (!recovered_once_ || sample.newest_lost_sent_at > recovery_since_)) || sample.ce_packets > 0) {
        on_congestion(sample);
        return;
    }
    if (sample.acked_bytes == 0) return;
    if (recovered_once_ && sample.newest_acked_sent_at <= recovery_since_) return;  // still in recovery
    grow(sample);
}

void foreground_controller::on_congestion(const feedback_sample& sample) {
    if (recovered_once_ && sample.ce_packets > 0 && sample.lost_packets == 0 && sample.now < recovery_since_ + rtt_) return;
    recovered_once_ = true;
    recovery_since_ = newest_sent_at_;
    // Fast convergence (RFC 9438, section 4.7): a flow that falls short of its last peak leaves more to newcomers.
    window_max_ = window_ < window_max_ ? window_ * (1 + beta) / 2 : window_;
    window_ = std::max(window_ * beta, minimum_segments);
    threshold_ = window_;
    epoch_known_ = false;
    conservative_left_ = 0;
}

void foreground_controller::watch_round(const feedback_sample& sample) {
    if (sample.has_rtt) {
        round_least_ = std::min(round_least_, sample.rtt);
        ++round_samples_;
    }
    if (in_slow_start() && round_samples_ >= hystart_samples_min && last_round_least_ != duration::max()) {
        const auto rise = std::clamp(last_round_least_ / 8, hystart_rise_min, hystart_rise_max);
        if (conservative_left_ == 0 && round_least_ >= last_round_least_ + rise) {
            baseline_least_ = round_least_;
            conservative_left_ = conservative_rounds;
        } else if (conservative_left_ > 0 && round_least_ < baseline_least_) {
            conservative_left_ = 0;  // the rise was noise
        }
    }
    if (settled_bytes_ < round_ends_at_) return;
    if (sample.background_queue > queue_disturbing) keep_short(sample);
    round_ends_at_ = sent_bytes_;
    last_round_least_ = round_least_;
    round_least_ = duration::max();
    round_samples_ = 0;
    if (conservative_left_ > 0 && --conservative_left_ == 0) threshold_ = window_;
}

void foreground_controller::keep_short(const feedback_sample& sample) {
    if (round_samples_ == 0 || round_least_ <= sample.rtt_min + queue_beside) return;
    window_ = std::max(window_ * shortening, std::min(window_, segments_beside));
    threshold_ = window_;
    conservative_left_ = 0;
    epoch_known_ = false;
}

void foreground_controller::grow(const feedback_sample& sample) {
    const auto acked = static_cast<double>(sample.acked_bytes) / segment_;
    const auto used = static_cast<double>(sample.in_flight_bytes + sample.acked_bytes) / segment_;
    if (sample.application_limited && used < window_ * 0.75) {
        epoch_known_ = false;  // time without use must not count as growth (RFC 9438, section 5.8)
        return;
    }
    if (in_slow_start()) {
        window_ += conservative_left_ > 0 ? acked / conservative_divisor : acked;
    } else {
        grow_cubic(sample, acked);
    }
    window_ = std::min(window_, static_cast<double>(limits::flow_window_bytes_max) / segment_);
}

void foreground_controller::grow_cubic(const feedback_sample& sample, double acked) {
    if (!epoch_known_) {
        epoch_known_ = true;
        epoch_start_ = sample.now;
        window_at_epoch_ = window_reno_ = window_;
        window_max_ = std::max(window_max_, window_);
        k_ = std::cbrt((window_max_ - window_at_epoch_) / c);
    }
    const auto elapsed = seconds_f(sample.now - epoch_start_).count() + seconds_f(rtt_).count();
    const auto target = std::clamp(c * std::pow(elapsed - k_, 3) + window_max_, window_, 1.5 * window_);
    const auto alpha = window_reno_ < window_max_ ? 3 * (1 - beta) / (1 + beta) : 1.0;
    window_reno_ += alpha * acked / window_;
    window_ += std::min((target - window_) * acked / window_, acked);
    window_ = std::max(window_, window_reno_);
}

void foreground_controller::on_timeout(time_point, int consecutive) {
    // One silent interval may be a stall of either machine; two in a row are persistent congestion (RFC 9002, section 7.6).
    if (consecutive != 2) return;
    threshold_ = std::max(window_ * beta, minimum_segments);
    window_max_ = window_;
    window_ = minimum_segments;
    epoch_known_ = false;
    recovered_once_ = true;
    recovery_since_ = newest_sent_at_;
    conservative_left_ = 0;
}

}  // namespace

std::unique_ptr<congestion_controller> make_foreground_controller(std::uint64_t datagram_bytes_max, time_point) {
    return std::make_unique<foreground_controller>(datagram_bytes_max);
}

}  // namespace p2pdist
