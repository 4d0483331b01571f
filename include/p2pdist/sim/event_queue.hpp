#pragma once
// Virtual time and what happens in it, in a fixed order: by time, then by the order in which it was asked for.

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// Whoever takes events, on the queue's thread. It outlives the queue's events for it.
class P2PDIST_API event_handler {
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
///
/// It is a radix heap: what is due in a time of n bits from now lies in the n-th of 65 lists. The list that the next event is in is dealt out to
/// those below it when its turn comes. Each event is moved some times, forward only and side by side with others, which in worlds of thousands
/// of nodes is several times faster than a binary heap; and events of the same time stay in the order in which they came.
/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API event_queue {
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
    [[nodiscard]] time_point next_time() const noexcept;
    /// Moves the clock without running anything; not past the next event, and never back.
    void advance_to(time_point when) noexcept;

    [[nodiscard]] std::uint64_t processed() const noexcept { return processed_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct entry {
        time_point when;
        event_handler* who = nullptr;  // none: a callback
        std::uint64_t what = 0;
    };
    struct list {
        std::vector<entry> entries;
        time_point least = never;
    };

    void push(time_point when, event_handler* who, std::uint64_t what);
    void put(const entry& what);
    void deal_out();

    std::array<list, 65> lists_;     // by the number of bits in which their times differ from turn_; the first has turn_'s own, in order
    std::uint64_t occupied_ = 0;     // bit n: lists_[n + 1] has something
    std::size_t head_ = 0;           // of lists_[0]: what ran is below
    std::size_t size_ = 0;
    time_point turn_{};              // of the event that ran last
    std::vector<std::function<void()>> callbacks_;
    std::vector<std::size_t> free_callbacks_;
    time_point now_ = start_time;
    std::uint64_t processed_ = 0;
};

}  // namespace p2pdist::sim
