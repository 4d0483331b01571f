#pragma once
// Virtual time and what happens in it, in a fixed order: by time, then by the order in which it was asked for.

#include <cstdint>
#include <functional>
#include <vector>

#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// Whoever takes events, on the queue's thread. It outlives the queue's events for it.
class event_handler {
public:
    /// `what` is the handler's own business: it chose it when it asked.
    virtual void on_event(time_point now, std::uint64_t what) = 0;

protected:
    event_handler() = default;
    ~event_handler() = default;
    event_handler(const event_handler&) = default;
    event_handler& operator=(const event_handler&) = default;
};

/// A priority queue of events and the clock that they move. No allocation an event, but for callbacks. Single-threaded.
class event_queue {
public:
    /// Virtual time starts here, well above zero: code that subtracts from `now` is not helped by a special value.
    static constexpr time_point start_time = time_point(std::chrono::seconds(1000));

    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// A time in the past means now, behind what is due already. `never` is not scheduled.
    void at(time_point when, event_handler& who, std::uint64_t what);
    /// The same for a callback.
    void at(time_point when, std::function<void()> what);

    /// Runs the next event; false where there is none.
    bool step();
    /// Of the next event; never where there is none.
    [[nodiscard]] time_point next_time() const noexcept { return heap_.empty() ? never : heap_.front().when; }
    /// Moves the clock without running anything; not past the next event, and never back.
    void advance_to(time_point when) noexcept;

    [[nodiscard]] std::uint64_t processed() const noexcept { return processed_; }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

private:
    struct entry {
        time_point when;
        std::uint64_t sequence = 0;
        event_handler* who = nullptr;  // none: a callback
        std::uint64_t what = 0;
    };
    struct later {
        bool operator()(const entry& left, const entry& right) const noexcept {
            return left.when != right.when ? left.when > right.when : left.sequence > right.sequence;
        }
    };

    void push(time_point when, event_handler* who, std::uint64_t what);

    std::vector<entry> heap_;
    std::vector<std::function<void()>> callbacks_;
    std::vector<std::size_t> free_callbacks_;
    time_point now_ = start_time;
    std::uint64_t sequence_ = 0;
    std::uint64_t processed_ = 0;
};

}  // namespace p2pdist::sim
