#pragma once
// What a machine can hold, and where a long simulation is.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::tools {

/// Bytes of memory that are free for a process here: the machine's, or its control group's if that is less. Nothing where the system does not
/// tell.
[[nodiscard]] std::optional<std::uint64_t> free_memory();
/// std::runtime_error where the plan needs more than there is, with what fits.
void check_memory(const sim::roll_out_plan& plan);

/// A line on standard error that is written again and again; at most each half second, and below each other where it is no terminal each five.
class progress_line {
public:
    /// Shows nothing unless standard error is a terminal or it is `wanted`.
    explicit progress_line(bool wanted);
    ~progress_line();
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;

    /// For predict(); it lives as long as this.
    [[nodiscard]] sim::progress_sink sink();
    /// Takes the line away.
    void clear();

private:
    void show(const sim::roll_out_progress& at);

    bool terminal_, shown_ = false, wanted_;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);   // what is short needs none
};

}  // namespace p2pdist::tools
