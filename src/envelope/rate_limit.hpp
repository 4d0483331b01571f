#pragma once
// A bucket of tokens: so many a second, and no more than one second's worth at once.

#include <algorithm>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail {

class rate_limit {
public:
    explicit rate_limit(std::uint32_t per_second) noexcept
        : cost_(duration(std::chrono::seconds(1)) / per_second), filled_(std::chrono::seconds(1)) {}

    /// Takes one token if there is one.
    [[nodiscard]] bool allow(time_point now) noexcept {
        if (started_ && now > last_) filled_ = std::min(filled_ + (now - last_), duration(std::chrono::seconds(1)));
        last_ = std::max(now, last_);
        started_ = true;
        if (filled_ < cost_) return false;
        filled_ -= cost_;
        return true;
    }

private:
    duration cost_;
    duration filled_;
    time_point last_{};
    bool started_ = false;
};

}  // namespace p2pdist::detail
