#pragma once
// When a receiver speaks: often enough that the sender sees losses and delay at once, seldom enough to cost next to nothing.

#include <cstdint>

#include "p2pdist/base/time.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist::detail::flow {

/// Foreground: every 32 packets or a quarter of a round trip. Background: every 16 packets or a quarter of a round trip, within
/// 1.1 % of the bytes that arrive. Either: at once where the sender asks or a gap shows, and repeated while what is wanted stays away.
class feedback_schedule {
public:
    explicit feedback_schedule(transfer_protocol protocol) noexcept : background_(protocol == transfer_protocol::background) {}

    void set_round_trip(duration value) noexcept { round_trip_ = value; }
    /// A datagram of this flow arrived, in UDP payload bytes.
    void on_packet(time_point now, std::uint64_t datagram_bytes) noexcept;
    void on_gap() noexcept { gap_ = true; }
    /// Something must be said now: the sender asked, or wants or status changed.
    void on_urgent() noexcept { urgent_ = true; }
    /// A feedback left, in UDP payload bytes.
    void on_feedback(time_point now, std::uint64_t datagram_bytes) noexcept;

    /// When the next feedback should leave; `waiting` tells that bytes are wanted.
    [[nodiscard]] time_point due(bool waiting) const noexcept;

private:
    [[nodiscard]] std::uint32_t packets_max() const noexcept;
    [[nodiscard]] duration hold_max() const noexcept;

    bool background_;
    duration round_trip_ = std::chrono::milliseconds(40);
    double allowance_bytes_ = 3000;
    std::uint64_t packets_ever_ = 0;
    std::uint32_t packets_ = 0;       // since the last feedback
    time_point first_packet_at_{};    // of these
    time_point last_feedback_at_{};
    bool any_feedback_ = false;
    int repeats_ = 0;                 // feedbacks in a row without a packet between
    bool gap_ = false;
    bool urgent_ = false;
};

}  // namespace p2pdist::detail::flow
