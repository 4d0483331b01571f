#pragma once
// Bytes a second over about the last second, for people to look at.

#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::detail::flow {

class rate_meter {
public:
    void add(time_point now, std::uint64_t count) noexcept {
        advance(now);
        current_ += count;
    }
    [[nodiscard]] double bytes_per_second(time_point now) noexcept {
        advance(now);
        const auto share = std::chrono::duration<double>(now - begin_) / std::chrono::duration<double>(bucket);
        // The running bucket counts as far as it has run, the one before fills the rest of a second.
        return static_cast<double>(current_) + static_cast<double>(before_) * (1 - share);
    }

private:
    static constexpr duration bucket = std::chrono::seconds(1);

    void advance(time_point now) noexcept {
        if (now < begin_ + bucket) return;
        before_ = now < begin_ + 2 * bucket ? current_ : 0;
        begin_ = now < begin_ + 2 * bucket ? begin_ + bucket : now;
        current_ = 0;
    }

    time_point begin_{};
    std::uint64_t current_ = 0;
    std::uint64_t before_ = 0;
};

}  // namespace p2pdist::detail::flow
