#pragma once
// A device's own clocks. Its monotonic one may run fast or slow, jump ahead and stand still; its wall clock may be set.

#include <cstdint>

#include "p2pdist/base/time.hpp"
#include "p2pdist/sim/event_queue.hpp"

namespace p2pdist::sim {

/// Whole numbers throughout, so that it gives the same everywhere. Times of `world` never go back from one call to the next.
class node_clock {
public:
    /// What the device's monotonic clock shows.
    [[nodiscard]] time_point local(time_point world) const noexcept {
        if (stopped_) return shown_;
        return shown_ + (ppm_ == 0 ? world - since_ : scaled(world - since_, ppm_whole + ppm_, ppm_whole));
    }
    /// When it will show so much, or does already; never while it stands still before that.
    [[nodiscard]] time_point world(time_point local_time) const noexcept {
        if (local_time == never) return never;
        if (local_time <= shown_) return since_;
        if (stopped_ || local_time - shown_ > forever) return never;
        if (ppm_ == 0) return since_ + (local_time - shown_);   // nearly all of them, with every event
        auto when = since_ + scaled(local_time - shown_, ppm_whole, ppm_whole + ppm_);
        while (local(when) < local_time) when += duration(1);
        return when;
    }

    /// So many millionths fast, from now on; negative: slow. Above -1,000,000.
    void drift(time_point now, std::int64_t ppm) noexcept {
        settle(now);
        ppm_ = ppm;
    }
    void jump(time_point now, duration ahead) noexcept {
        settle(now);
        shown_ += ahead;
    }
    void stop(time_point now) noexcept {
        settle(now);
        stopped_ = true;
    }
    void go_on(time_point now) noexcept {
        settle(now);
        stopped_ = false;
    }
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    void set_wall(std::chrono::seconds ahead) noexcept { wall_ahead_ = ahead; }
    [[nodiscard]] std::chrono::seconds wall_ahead() const noexcept { return wall_ahead_; }

private:
    static constexpr std::int64_t ppm_whole = 1'000'000;
    static constexpr duration forever = std::chrono::hours(24 * 366 * 20);

    /// span * mul / div, rounded down, without overflow for spans of centuries.
    static duration scaled(duration span, std::int64_t mul, std::int64_t div) noexcept {
        return duration(span.count() / div * mul + span.count() % div * mul / div);
    }
    void settle(time_point now) noexcept {
        shown_ = local(now);
        since_ = now;
    }

    time_point since_ = event_queue::start_time;   // of the world, when it showed `shown_`
    time_point shown_ = event_queue::start_time;
    std::int64_t ppm_ = 0;
    bool stopped_ = false;
    std::chrono::seconds wall_ahead_{};
};

}  // namespace p2pdist::sim
