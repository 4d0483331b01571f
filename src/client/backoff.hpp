#pragma once
// Growing pauses between attempts, jittered so that many clients don't come back in the same moment.

#include <algorithm>

#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::client_room {

class backoff {
public:
    backoff(duration first, duration max) noexcept : first_(first), max_(max), next_(first) {}

    /// The pause before the next attempt; the one after that is twice as long, up to the maximum. Jittered by a quarter.
    [[nodiscard]] duration next(random_source& jitter) noexcept {
        const auto pause = next_;
        next_ = std::min(max_, next_ * 2);
        return jitter.jittered(pause, 0.25);
    }
    void reset() noexcept { next_ = first_; }

private:
    duration first_;
    duration max_;
    duration next_;
};

}  // namespace p2pdist::client_room
