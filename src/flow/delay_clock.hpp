#pragma once
// One-way delays as the wire tells them, in 32 bits of microseconds that wrap around, on a scale that does not.

#include <chrono>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class delay_clock {
public:
    /// Successive delays differ by less than half an hour.
    [[nodiscard]] duration unwrap(std::int32_t delay_us) noexcept {
        const auto step = static_cast<std::int32_t>(static_cast<std::uint32_t>(delay_us) - static_cast<std::uint32_t>(last_us_));
        if (known_) unwrapped_us_ += step;
        known_ = true;
        last_us_ = delay_us;
        return std::chrono::microseconds(unwrapped_us_);
    }

private:
    bool known_ = false;
    std::int32_t last_us_ = 0;
    std::int64_t unwrapped_us_ = 0;
};

}  // namespace p2pdist::detail::flow
