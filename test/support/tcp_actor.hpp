#pragma once
// A stand-in for a TCP download over an emulated link: CUBIC with a delay-based exit of slow start, as Linux does it, or Reno.
// Packets are numbered, every one is acknowledged; what is lost is not sent again, only counted as not delivered.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

#include "support/link.hpp"

namespace p2pdist::test {

class tcp_actor {
public:
    enum class kind { cubic, reno };

    tcp_actor(virtual_clock& clock, link& forward, duration back_delay, kind law = kind::cubic)
        : clock_(&clock), forward_(&forward), back_delay_(back_delay), law_(law) {}

    void start() {
        running_ = true;
        fill();
        arm();
    }
    void stop() noexcept { running_ = false; }
    [[nodiscard]] std::uint64_t delivered_bytes() const noexcept { return delivered_ * wire_bytes; }
    [[nodiscard]] double window() const noexcept { return window_; }
    [[nodiscard]] std::uint64_t congestion_events() const noexcept { return events_; }

private:
    static constexpr std::uint64_t wire_bytes = 1500;
    static constexpr double beta = 0.7;
    static constexpr double c = 0.4;

    void fill() {
        while (running_ && static_cast<double>(in_flight_.size()) < std::max(window_, 1.0)) {
            const auto number = next_++;
            in_flight_[number] = clock_->now();
            forward_->send(wire_bytes, [this, number] {
                ++delivered_;
                clock_->after(back_delay_, [this, number] { on_ack(number); });
            });
        }
    }

    void on_ack(std::uint64_t number) {
        const auto found = in_flight_.find(number);
        if (found == in_flight_.end()) return;
        last_ack_at_ = clock_->now();
        const auto rtt = clock_->now() - found->second;
        least_rtt_ = std::min(least_rtt_, rtt);
        smoothed_ = smoothed_ == duration{} ? rtt : (smoothed_ * 7 + rtt) / 8;
        in_flight_.erase(found);
        bool lost = false;
        while (!in_flight_.empty() && in_flight_.begin()->first + 3 <= number) {
            if (in_flight_.begin()->first >= recover_) lost = true;
            in_flight_.erase(in_flight_.begin());
        }
        if (lost) reduce();
        else if (number >= recover_) grow(rtt);
        fill();
    }

    void reduce() {
        ++events_;
        recover_ = next_;
        window_max_ = window_ < window_max_ ? window_ * (1 + beta) / 2 : window_;
        window_ = std::max(window_ * (law_ == kind::cubic ? beta : 0.5), 2.0);
        threshold_ = window_;
        reno_ = window_;
        epoch_ = clock_->now();
        k_ = std::cbrt(window_max_ * (1 - beta) / c);
    }

    void grow(duration rtt) {
        if (window_ < threshold_) {
            window_ += 1;
            if (window_ >= 16 && rtt > least_rtt_ + std::clamp<duration>(least_rtt_ / 8, std::chrono::milliseconds(4), std::chrono::milliseconds(16))) {
                threshold_ = window_max_ = reno_ = window_;
                epoch_ = clock_->now();
                k_ = 0;
            }
            return;
        }
        if (law_ == kind::reno) {
            window_ += 1 / window_;
            return;
        }
        const auto elapsed = std::chrono::duration<double>(clock_->now() - epoch_ + smoothed_).count();
        const auto target = std::min(c * std::pow(elapsed - k_, 3) + window_max_, 1.5 * window_);
        reno_ += 3 * (1 - beta) / (1 + beta) / window_;
        window_ += std::max(0.0, target - window_) / window_;
        window_ = std::max(window_, reno_);
    }

    void arm() {
        clock_->after(std::chrono::milliseconds(100), [this] {
            if (!running_) return;
            if (!in_flight_.empty() && clock_->now() > last_ack_at_ + std::max<duration>(2 * smoothed_, std::chrono::milliseconds(300))) {
                in_flight_.clear();
                reduce();
                window_ = 2;
                last_ack_at_ = clock_->now();
                fill();
            }
            arm();
        });
    }

    virtual_clock* clock_;
    link* forward_;
    duration back_delay_;
    kind law_;
    bool running_ = false;
    std::uint64_t next_ = 0;
    std::uint64_t recover_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t events_ = 0;
    std::map<std::uint64_t, time_point> in_flight_;
    double window_ = 10;
    double window_max_ = 0;
    double threshold_ = 1e9;
    double reno_ = 0;
    double k_ = 0;
    time_point epoch_{};
    time_point last_ack_at_{};
    duration least_rtt_ = duration::max();
    duration smoothed_{};
};

}  // namespace p2pdist::test
