#pragma once
// Notices that time has passed for the world and not for this process: the device was suspended, or this is a virtual machine that
// was set back to a snapshot and went on (SEC-2).

#include <optional>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

class clock_watch {
public:
    /// Call it whenever both clocks were read. True where the wall clock moved by limits::clock_jump more, or less, than the core's since
    /// the call before: setting the clock by hand looks the same, and costs no more than new sessions.
    [[nodiscard]] bool jumped(time_point now, wall_time wall) noexcept {
        const auto before = std::exchange(seen_, reading{now, wall});
        if (!before) return false;
        const std::chrono::seconds by_wall(wall.seconds - before->wall.seconds);
        const auto by_core = std::chrono::duration_cast<std::chrono::seconds>(now - before->now);
        const auto apart = by_wall - by_core;
        return apart > limits::clock_jump || -apart > limits::clock_jump;
    }

private:
    struct reading {
        time_point now;
        wall_time wall;
    };
    std::optional<reading> seen_;
};

}  // namespace p2pdist
