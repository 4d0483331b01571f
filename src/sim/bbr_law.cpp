// BBR version 1 as Linux has it, but for its detection of policers.

#include <algorithm>
#include <cmath>

#include "bbr_filter.hpp"
#include "laws.hpp"
#include "p2pdist/base/random.hpp"

namespace p2pdist::sim {
namespace {

using std::chrono::milliseconds;

constexpr double high_gain = 2.886, drain_gain = 1 / high_gain, window_gain = 2;
constexpr double cycle[] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
constexpr std::uint64_t cycle_length = 8;
constexpr std::uint64_t bandwidth_rounds = 10, extra_rounds = 5;
constexpr duration probe_lasts = milliseconds(200);

class bbr_law final : public congestion_law {
public:
    bbr_law(std::uint64_t segment_bytes, std::uint64_t seed) : segment_bytes_(static_cast<double>(segment_bytes)), random_(seed) {}

    void on_first_rtt(time_point now, duration rtt) override {
        least_ = rtt;
        least_at_ = now;
        pacing_ = high_gain * initial_window / std::max(to_seconds(rtt), 1e-3);
    }
    void on_ack(const ack_event& what) override {
        update_bandwidth(what);
        update_extra(what);
        if (mode_ == mode::probe_bandwidth && next_phase(what)) advance(what.now);
        check_full(what);
        check_drained(what);
        update_least(what);
        set_pacing();
        set_window(what);
        first_marks_ = false;
    }
    void on_congestion(time_point, std::uint64_t pipe) override {
        save_window();
        conserving_ = recovering_ = first_marks_ = true;
        pipe_at_loss_ = static_cast<double>(pipe);
    }
    void on_recovered(time_point) override {
        recovering_ = conserving_ = false;
        window_ = std::max(window_, saved_window_);
    }
    void on_timeout(time_point) override {
        save_window();
        full_bandwidth_ = 0;
        round_start_ = recovering_ = true;
        conserving_ = false;
        window_ = 1;
    }
    void on_idle(int) override {
        if (mode_ == mode::probe_bandwidth) pacing_ = bandwidth_.get() * pacing_margin;
    }
    [[nodiscard]] double window() const override { return window_; }
    [[nodiscard]] std::optional<double> threshold() const override { return std::nullopt; }
    [[nodiscard]] double pacing_per_second() const override { return pacing_; }

private:
    enum class mode : std::uint8_t { startup, drain, probe_bandwidth, probe_rtt };

    [[nodiscard]] bool full() const { return full_count_ >= full_rounds; }
    [[nodiscard]] double gain() const {
        switch (mode_) {
            case mode::startup: return high_gain;
            case mode::drain: return drain_gain;
            case mode::probe_bandwidth: return cycle[phase_];
            case mode::probe_rtt: return 1;
        }
        return 1;
    }
    /// What the kernel sends at once: a millisecond's worth.
    [[nodiscard]] double burst() const { return std::max(std::floor(pacing_ / 1024), pacing_ * segment_bytes_ < 150'000 ? 1.0 : 2.0); }
    [[nodiscard]] double product(double gain) const {
        return least_ == duration::max() ? initial_window : std::ceil(bandwidth_.get() * to_seconds(least_) * gain);
    }
    [[nodiscard]] double roomy(double segments) const {
        const auto even = 2 * std::ceil((segments + 3 * burst()) / 2);
        return even + (mode_ == mode::probe_bandwidth && phase_ == 0 ? 2 : 0);
    }

    void update_bandwidth(const ack_event& what) {
        round_start_ = false;
        if (!what.rate) return;
        if (what.rate->prior_delivered >= round_end_) {
            round_end_ = what.delivered;
            ++rounds_;
            round_start_ = true;
            conserving_ = false;
        }
        // What was sent while the round trip was probed says nothing of the bandwidth.
        if (mode_ == mode::probe_rtt) limited_until_ = what.delivered + what.pipe;
        const bool limited = what.rate->app_limited || what.rate->prior_delivered < limited_until_;
        if (!limited || what.rate->per_second >= bandwidth_.get()) bandwidth_.add(rounds_, what.rate->per_second, bandwidth_rounds);
    }

    /// What comes in bunches above the bandwidth: the window makes room for it.
    void update_extra(const ack_event& what) {
        if (!what.rate || what.acked == 0) return;
        if (round_start_ && ++extra_age_ >= extra_rounds) {
            extra_age_ = 0;
            extra_slot_ ^= 1;
            extra_[extra_slot_] = 0;
        }
        auto expected = bandwidth_.get() * to_seconds(what.now - extra_since_);
        if (extra_acked_ <= expected) {
            extra_acked_ = expected = 0;
            extra_since_ = what.now;
        }
        extra_acked_ += static_cast<double>(what.acked);
        extra_[extra_slot_] = std::max(extra_[extra_slot_], std::min(extra_acked_ - expected, window_));
    }

    /// What will be under way when the pacer lets the next one go.
    [[nodiscard]] double pipe_then(const ack_event& what, std::uint64_t pipe) const {
        const auto ahead = what.paced_until > what.now ? to_seconds(what.paced_until - what.now) : 0.0;
        return std::max(0.0, static_cast<double>(pipe) + (gain() > 1 ? burst() : 0) - bandwidth_.get() * ahead);
    }
    [[nodiscard]] bool next_phase(const ack_event& what) const {
        const bool full_length = what.now - phase_began_ > least_;
        if (gain() == 1) return full_length;
        const auto pipe = pipe_then(what, what.prior_pipe);
        if (gain() > 1) return full_length && (what.lost > 0 || pipe >= roomy(product(gain())));
        return full_length || pipe <= roomy(product(1));
    }
    void advance(time_point now) {
        phase_ = (phase_ + 1) % cycle_length;
        phase_began_ = now;
    }
    void probe_bandwidth(time_point now) {
        mode_ = mode::probe_bandwidth;
        phase_ = cycle_length - 1 - random_.below(cycle_length - 1);
        advance(now);
    }

    void check_full(const ack_event& what) {
        if (full() || !round_start_ || !what.rate || what.rate->app_limited) return;
        if (bandwidth_.get() >= full_bandwidth_ * full_growth) {
            full_bandwidth_ = bandwidth_.get();
            full_count_ = 0;
        } else {
            ++full_count_;
        }
    }
    void check_drained(const ack_event& what) {
        if (mode_ == mode::startup && full()) mode_ = mode::drain;
        if (mode_ == mode::drain && pipe_then(what, what.pipe) <= roomy(product(1))) probe_bandwidth(what.now);
    }

    void update_least(const ack_event& what) {
        const bool expired = what.now > least_at_ + least_lives;
        if (what.rtt && (*what.rtt < least_ || expired)) {
            least_ = *what.rtt;
            least_at_ = what.now;
        }
        if (expired && mode_ != mode::probe_rtt) {
            save_window();
            mode_ = mode::probe_rtt;
            probe_until_.reset();
        }
        if (mode_ != mode::probe_rtt) return;
        if (!probe_until_ && static_cast<double>(what.pipe) <= window_min) {
            probe_until_ = what.now + probe_lasts;
            probe_round_ = false;
            round_end_ = what.delivered;
        } else if (probe_until_) {
            probe_round_ = probe_round_ || round_start_;
            if (!probe_round_ || what.now <= *probe_until_) return;
            least_at_ = what.now;
            window_ = std::max(window_, saved_window_);
            if (full()) probe_bandwidth(what.now);
            else mode_ = mode::startup;
        }
    }

    void set_pacing() {
        const auto rate = bandwidth_.get() * gain() * pacing_margin;
        if (rate > 0 && (full() || rate > pacing_)) pacing_ = rate;
    }
    void save_window() { saved_window_ = recovering_ || mode_ == mode::probe_rtt ? std::max(saved_window_, window_) : window_; }

    void set_window(const ack_event& what) {
        const auto acked = static_cast<double>(what.acked);
        if (what.lost > 0) window_ = std::max(window_ - static_cast<double>(what.lost), 1.0);
        if (first_marks_) {
            window_ = pipe_at_loss_ + acked;
            round_end_ = what.delivered;
        }
        if (conserving_) {
            window_ = std::max(window_, static_cast<double>(what.pipe) + acked);
        } else if (acked > 0) {
            auto target = product(mode_ == mode::startup || mode_ == mode::drain ? high_gain : mode_ == mode::probe_rtt ? 1 : window_gain);
            if (full()) target += std::min(std::max(extra_[0], extra_[1]), bandwidth_.get() * 0.1);
            target = roomy(target);
            if (full()) window_ = std::min(window_ + acked, target);
            else if (window_ < target || static_cast<double>(what.delivered) < initial_window) window_ += acked;
            window_ = std::max(window_, window_min);
        }
        if (mode_ == mode::probe_rtt) window_ = std::min(window_, window_min);
    }

    double segment_bytes_;
    random_source random_;
    mode mode_ = mode::startup;
    max_filter bandwidth_;
    duration least_ = duration::max();
    time_point least_at_{};
    double window_ = initial_window, saved_window_ = 0, pacing_ = 0;
    std::uint64_t rounds_ = 0, round_end_ = 0;
    std::uint64_t limited_until_ = 0;
    bool round_start_ = false;
    double full_bandwidth_ = 0;
    int full_count_ = 0;
    std::uint64_t phase_ = 0;
    time_point phase_began_{};
    std::optional<time_point> probe_until_;
    bool probe_round_ = false;
    bool recovering_ = false, conserving_ = false, first_marks_ = false;
    double pipe_at_loss_ = 0;
    double extra_[2] = {0, 0}, extra_acked_ = 0;
    time_point extra_since_{};
    std::uint64_t extra_age_ = 0;
    std::size_t extra_slot_ = 0;
};

}  // namespace

std::unique_ptr<congestion_law> make_bbr(std::uint64_t segment_bytes, std::uint64_t seed) { return std::make_unique<bbr_law>(segment_bytes, seed); }

}  // namespace p2pdist::sim
