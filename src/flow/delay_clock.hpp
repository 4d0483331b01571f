#pragma once
// One-way delays as the wire tells them, in 32 bits of microseconds that wrap around, on a scale that does not.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class delay_clock {
public:
    /// Successive delays differ by less than half an hour.
    [[nodiscard]] duration unwrap(std::int32_t delay_us) noexcept {
        const auto step = static_cast<std::int32_t>(static_cast<std::uint32_t>(delay_us) - static_cast<std::uint32_t>(last_us_));
        // Only somebody who lies in each of millions of frames gets that far; it stays a time that can be computed with.
        if (known_) unwrapped_us_ = std::clamp(unwrapped_us_ + step, -farthest_us, farthest_us);
        known_ = true;
        last_us_ = delay_us;
        return std::chrono::microseconds(unwrapped_us_);
    }

private:
    static constexpr std::int64_t farthest_us = std::int64_t{1} << 50;   // 35 years
    bool known_ = false;
    std::int32_t last_us_ = 0;
    std::int64_t unwrapped_us_ = 0;
};

}  // namespace p2pdist::detail::flow
