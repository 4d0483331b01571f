#pragma once
// A TCP's receiving side in numbers: what has come, and when that is acknowledged (RFC 5681, and Linux' quick acknowledgements at first).

#include <map>
#include <optional>

#include "tcp_sender.hpp"

namespace p2pdist::sim {

class tcp_receiver {
public:
    /// A segment has come. What to send back at once; otherwise deadline() may have become earlier.
    [[nodiscard]] std::optional<tcp_ack> on_segment(time_point now, std::uint64_t number, bool marked);
    /// The acknowledgement that was delayed; nothing where it was sent meanwhile.
    [[nodiscard]] std::optional<tcp_ack> on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return due_; }

    [[nodiscard]] std::uint64_t distinct() const noexcept { return distinct_; }   ///< segments, each counted once
    [[nodiscard]] std::uint64_t complete() const noexcept { return next_; }       ///< all below have come

private:
    [[nodiscard]] bool store(std::uint64_t number);
    [[nodiscard]] tcp_ack acknowledge();

    std::uint64_t next_ = 0;
    std::map<std::uint64_t, std::uint64_t> above_;   // first to end
    std::array<std::uint64_t, 3> recent_{};          // a segment of each of the ranges that changed last
    std::uint64_t distinct_ = 0, marked_ = 0, unacknowledged_ = 0, quick_ = 16;
    time_point due_ = never;
};

}  // namespace p2pdist::sim
