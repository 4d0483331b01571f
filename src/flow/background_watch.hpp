#pragma once
// What a node's Background flows meet on their ways, for its Foreground flows: the queue may be theirs.

#include <chrono>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class background_watch {
public:
    void note(time_point now, duration queue) noexcept {
        if (queue < queue_ && now < at_ + memory) return;
        queue_ = queue;
        at_ = now;
    }
    /// The longest of the last moments; zero where nothing was noted.
    [[nodiscard]] duration queue(time_point now) const noexcept { return now < at_ + memory ? queue_ : duration::zero(); }

private:
    static constexpr duration memory = std::chrono::milliseconds(50);

    duration queue_{};
    time_point at_{};
};

}  // namespace p2pdist::detail::flow
