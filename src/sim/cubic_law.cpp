// CUBIC (RFC 9438) with the constants and the HyStart of Linux: it leaves slow start where a round's first eight round trips are all longer
// by an eighth (4 to 16 ms), or where acknowledgements have come without a pause for half a round trip.

#include <algorithm>
#include <cmath>

#include "laws.hpp"

namespace p2pdist::sim {
namespace {

using std::chrono::milliseconds;

constexpr double cubic_beta = 717.0 / 1024;
constexpr double cubic_c = 0.4;                        // segments / s^3
constexpr double hystart_window_min = 16;
constexpr int hystart_samples = 8;
constexpr duration hystart_pause = milliseconds(2);
constexpr duration recompute_after = milliseconds(31);

class cubic_law final : public congestion_law {
public:
    void on_ack(const ack_event& what) override {
        if (what.rtt) note_rtt(what);
        if (what.recovering || !what.window_limited) return;
        const bool slow_start = window_ < threshold_;
        const auto acked = grow_to(threshold_, window_, static_cast<double>(what.acked));
        if (slow_start && acked <= 0) return;
        update(what.now, acked);
        window_ += acked / acks_for_one_;
    }
    void on_congestion(time_point, std::uint64_t) override {
        threshold_ = std::max(window_ * cubic_beta, 2.0);
        last_max_ = window_ < last_max_ ? window_ * (1 + cubic_beta) / 2 : window_;   // fast convergence
        epoch_.reset();
    }
    void on_recovered(time_point now) override {
        window_ = std::min(window_, threshold_);
        recovered_ = now;
    }
    void on_timeout(time_point) override {
        threshold_ = std::max(window_ * cubic_beta, 2.0);
        window_ = 1;
        last_max_ = 0;
        epoch_.reset();
        least_ = duration::max();
        found_ = false;
        round_end_ = 0;
    }
    void on_idle(int timeouts) override {
        for (; timeouts > 0 && window_ > initial_window; --timeouts) window_ /= 2;
        window_ = std::max(window_, initial_window);
        epoch_.reset();
    }
    [[nodiscard]] double window() const override { return window_; }
    [[nodiscard]] std::optional<double> threshold() const override { return threshold_; }

private:
    void note_rtt(const ack_event& what) {
        if (recovered_ && what.now - *recovered_ < std::chrono::seconds(1)) return;   // samples right after a recovery are short of a queue
        least_ = std::min(least_, *what.rtt);
        if (!found_ && window_ < threshold_ && window_ >= hystart_window_min) hystart(what);
    }

    void hystart(const ack_event& what) {
        if (what.first_unacked > round_end_) {
            round_end_ = what.next;
            round_began_ = last_close_ = what.now;
            round_least_ = duration::max();
            samples_ = 0;
        }
        if (what.now - last_close_ <= hystart_pause) {
            last_close_ = what.now;
            const auto threshold = (least_ + milliseconds(1)) / 2;
            if (what.now - round_began_ > threshold) found_ = true;
        }
        round_least_ = std::min(round_least_, *what.rtt);
        if (samples_ < hystart_samples) ++samples_;
        else if (round_least_ > least_ + std::clamp<duration>(least_ / 8, milliseconds(4), milliseconds(16))) found_ = true;
        if (found_) threshold_ = window_;
    }

    /// How many acknowledged segments make the window one larger.
    void update(time_point now, double acked) {
        ack_count_ += acked;
        if (last_window_ == std::floor(window_) && now - updated_ <= recompute_after) return;
        last_window_ = std::floor(window_);
        updated_ = now;
        if (!epoch_) {
            epoch_ = now;
            ack_count_ = acked;
            reno_window_ = window_;
            k_ = last_max_ <= window_ ? 0 : std::cbrt((last_max_ - window_) / cubic_c);
            origin_ = std::max(last_max_, window_);
        }
        const auto t = to_seconds(now - *epoch_) + (least_ == duration::max() ? 0 : to_seconds(least_));
        const auto target = origin_ + cubic_c * std::pow(t - k_, 3);
        acks_for_one_ = target > window_ ? window_ / (target - window_) : 100 * window_;
        if (last_max_ == 0) acks_for_one_ = std::min(acks_for_one_, 20.0);
        const auto reno_step = window_ * (1 + cubic_beta) / (3 * (1 - cubic_beta));
        reno_window_ += std::floor(ack_count_ / reno_step);
        ack_count_ = std::fmod(ack_count_, reno_step);
        if (reno_window_ > window_) acks_for_one_ = std::min(acks_for_one_, window_ / (reno_window_ - window_));
        acks_for_one_ = std::max(acks_for_one_, 2.0);
    }

    double window_ = initial_window, threshold_ = endless;
    double last_max_ = 0, origin_ = 0, k_ = 0, reno_window_ = 0, ack_count_ = 0, acks_for_one_ = 100 * initial_window;
    double last_window_ = 0;
    time_point updated_{};
    std::optional<time_point> epoch_, recovered_;
    duration least_ = duration::max();
    // HyStart.
    std::uint64_t round_end_ = 0;
    time_point round_began_{}, last_close_{};
    duration round_least_ = duration::max();
    int samples_ = 0;
    bool found_ = false;
};

}  // namespace

std::unique_ptr<congestion_law> make_cubic() { return std::make_unique<cubic_law>(); }

}  // namespace p2pdist::sim
