#pragma once
// A small deterministic world for tests of the transport rooms: a virtual clock with callbacks, and one-way links with a rate, a
// delay, a drop-tail queue, loss, reordering and duplication. One thread, nothing real.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::test {

/// Virtual time. Callbacks of the same time run in the order in which they were scheduled.
class virtual_clock {
public:
    using callback = std::function<void()>;

    [[nodiscard]] time_point now() const noexcept { return now_; }
    void at(time_point when, callback what) { events_.emplace(std::pair{std::max(when, now_), next_++}, std::move(what)); }
    void after(duration wait, callback what) { at(now_ + wait, std::move(what)); }

    /// Runs what is due until `end`, then the time is `end`.
    void run_until(time_point end) {
        while (!events_.empty() && events_.begin()->first.first <= end) step();
        now_ = std::max(now_, end);
    }
    /// Runs until `done()` or `end`, and says whether done.
    bool run_until(time_point end, const std::function<bool()>& done) {
        while (!done()) {
            if (events_.empty() || events_.begin()->first.first > end) return false;
            step();
        }
        return true;
    }

private:
    void step() {
        auto event = events_.extract(events_.begin());
        now_ = event.key().first;
        event.mapped()();
    }

    time_point now_{std::chrono::seconds(1000)};
    std::uint64_t next_ = 0;
    std::map<std::pair<time_point, std::uint64_t>, callback> events_;
};

struct link_config {
    double bits_per_second = 0;      ///< 0: infinitely fast
    duration delay{};                ///< one way
    std::uint64_t queue_bytes = UINT64_MAX;  ///< bytes that wait for the line, the one on it included; more are dropped
    double loss = 0;                 ///< probability of each of these, per datagram
    double duplicate = 0;
    double reorder = 0;              ///< of being held back by reorder_delay
    duration reorder_delay = std::chrono::milliseconds(5);
    duration jitter{};               ///< up to so much more delay, never reordering
    std::uint64_t seed = 1;
};

/// One direction of a path. Several senders may share it.
class link {
public:
    link(virtual_clock& clock, link_config config) : clock_(&clock), config_(config), random_(config.seed) {}

    /// `wire_bytes` counts IP and UDP headers. `deliver` runs when the last bit has arrived; never if it is dropped.
    void send(std::uint64_t wire_bytes, std::function<void()> deliver) {
        offered_bytes_ += wire_bytes;
        const auto now = clock_->now();
        if (down_ || (config_.loss > 0 && random_.unit() < config_.loss)) {
            ++lost_;
            return;
        }
        auto ready = now;
        if (config_.bits_per_second > 0) {
            if (queue_bytes() + static_cast<double>(wire_bytes) > static_cast<double>(config_.queue_bytes)) {
                ++dropped_;
                return;
            }
            note_queue(now);
            busy_until_ = std::max(busy_until_, now) + line_time(wire_bytes);
            ready = busy_until_;
        }
        carried_bytes_ += wire_bytes;
        auto arrives = ready + config_.delay;
        if (config_.jitter > duration::zero()) {
            arrives += duration(static_cast<std::int64_t>(random_.unit() * static_cast<double>(config_.jitter.count())));
            arrives = last_arrival_ = std::max(arrives, last_arrival_);
        }
        if (config_.reorder > 0 && random_.unit() < config_.reorder) arrives += config_.reorder_delay;
        if (config_.duplicate > 0 && random_.unit() < config_.duplicate) clock_->at(arrives + std::chrono::microseconds(300), deliver);
        clock_->at(arrives, std::move(deliver));
    }

    /// The time that a datagram sent now would wait for the line.
    [[nodiscard]] duration queue_delay() const noexcept { return std::max(busy_until_ - clock_->now(), duration::zero()); }
    [[nodiscard]] double queue_bytes() const noexcept {
        return std::chrono::duration<double>(queue_delay()).count() * config_.bits_per_second / 8;
    }
    /// The queueing delay below which `share` of the datagrams so far were queued, to 0.5 ms.
    [[nodiscard]] duration queue_quantile(double share) const {
        std::uint64_t total = 0;
        for (const auto& [bin, count] : queue_bins_) total += count;
        std::uint64_t seen = 0;
        for (const auto& [bin, count] : queue_bins_) {
            seen += count;
            if (static_cast<double>(seen) >= share * static_cast<double>(total)) return bin * bin_width;
        }
        return {};
    }
    void forget_queue() { queue_bins_.clear(); }
    void set_down(bool down) noexcept { down_ = down; }
    void set_rate(double bits_per_second) noexcept { config_.bits_per_second = bits_per_second; }
    void set_delay(duration delay) noexcept { config_.delay = delay; }

    [[nodiscard]] std::uint64_t offered_bytes() const noexcept { return offered_bytes_; }
    [[nodiscard]] std::uint64_t carried_bytes() const noexcept { return carried_bytes_; }  ///< IP bytes that left the line
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }        ///< datagrams, at random
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }  ///< datagrams, by the full queue

private:
    static constexpr duration bin_width = std::chrono::microseconds(500);

    [[nodiscard]] duration line_time(std::uint64_t wire_bytes) const {
        return duration(static_cast<std::int64_t>(static_cast<double>(wire_bytes) * 8e9 / config_.bits_per_second));
    }
    void note_queue(time_point) { ++queue_bins_[queue_delay() / bin_width]; }

    virtual_clock* clock_;
    link_config config_;
    random_source random_;
    time_point busy_until_{};
    time_point last_arrival_{};
    bool down_ = false;
    std::uint64_t offered_bytes_ = 0;
    std::uint64_t carried_bytes_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t dropped_ = 0;
    std::map<std::int64_t, std::uint64_t> queue_bins_;
};

}  // namespace p2pdist::test
