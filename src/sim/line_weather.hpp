#pragma once
// What comes and goes on a line: jitter that remembers, bursts of loss, fades, and a policer's tokens.

#include "p2pdist/sim/link_model.hpp"

namespace p2pdist::sim {

/// A Gauss-Markov process of mean 0 and variance 1 in continuous time.
class correlated_noise {
public:
    /// Its value `now`, where it remembers for `memory`; 0 < memory.
    double at(time_point now, duration memory, random_source& random);

private:
    double value_ = 0;
    time_point last_{};
    bool begun_ = false;
};

/// Good and bad times by turns, of exponential lengths, the first one good.
class fade_clock {
public:
    /// When the bad time ends that `when` is in; nothing in a good one. Times only go forward by much more than they go back.
    [[nodiscard]] std::optional<time_point> bad_until(time_point when, const line_fades& settings, random_source& random);

private:
    time_point since_{}, until_{};
    bool bad_ = true;
    bool begun_ = false;
};

class token_bucket {
public:
    [[nodiscard]] bool take(time_point now, std::uint64_t bytes, const line_policer& settings);

private:
    double tokens_ = 0;
    time_point last_{};
    bool begun_ = false;
};

}  // namespace p2pdist::sim
