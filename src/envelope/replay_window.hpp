#pragma once
// Which sequence numbers of one direction were seen: a sliding window, so that reordered frames count and repeated ones don't.

#include <bitset>
#include <cstdint>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail {

class replay_window {
public:
    static constexpr std::uint64_t width = limits::replay_window_frames;

    /// Whether `sequence` is new: above all seen, or within the window and not seen.
    [[nodiscard]] bool fresh(std::uint64_t sequence) const noexcept {
        if (sequence >= next_) return true;
        return next_ - sequence <= width && !seen_[sequence % width];
    }

    /// Remembers a number for which fresh() was true and whose frame was authentic.
    void mark(std::uint64_t sequence) noexcept {
        if (sequence >= next_) {
            if (sequence - next_ >= width) {
                seen_.reset();
            } else {
                for (auto skipped = next_; skipped < sequence; ++skipped) seen_.reset(skipped % width);
            }
            next_ = sequence + 1;
        }
        seen_.set(sequence % width);
    }

private:
    std::bitset<width> seen_;
    std::uint64_t next_ = 0;  // one above the highest seen
};

}  // namespace p2pdist::detail
