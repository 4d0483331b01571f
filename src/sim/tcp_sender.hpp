#pragma once
// A TCP's sending side in numbers: segments of one size, selective acknowledgements, loss recovery in the manner of RACK (RFC 8985)
// with proportional rate reduction (RFC 6937), a tail loss probe, retransmission timeouts (RFC 6298 with Linux' least of 200 ms), delivery
// rates and a pacer. Pure: it says what to send when, and somebody else carries it.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "congestion_law.hpp"

namespace p2pdist::sim {

/// Segments first to end - 1.
struct segment_range {
    std::uint64_t first = 0, end = 0;
};

struct tcp_ack {
    std::uint64_t next = 0;                    ///< all below have come
    std::array<segment_range, 3> selective{};  ///< newest first
    std::uint8_t selective_count = 0;
    std::uint64_t marked = 0;                  ///< segments that came with a congestion mark, since the beginning
};

class tcp_sender {
public:
    explicit tcp_sender(std::unique_ptr<congestion_law> law) : law_(std::move(law)) {}

    /// More to send.
    void add(std::uint64_t segments) { end_ = segments > UINT64_MAX - end_ ? UINT64_MAX : end_ + segments; }
    void on_first_rtt(time_point now, duration rtt);
    /// The number of a segment that may go now. To be asked until there is none.
    [[nodiscard]] std::optional<std::uint64_t> next(time_point now);
    void on_ack(time_point now, const tcp_ack& ack);
    void on_timer(time_point now);
    /// When on_timer() or next() is due without any acknowledgement.
    [[nodiscard]] time_point deadline() const noexcept;

    [[nodiscard]] bool done() const noexcept { return first_ == end_; }
    [[nodiscard]] double window() const { return window_; }
    /// Its counters: all but what a receiver knows.
    [[nodiscard]] const rival_report& report() const noexcept { return report_; }

private:
    struct segment {
        time_point sent{};
        time_point first_sent{};          // of the send interval that its delivery ends
        time_point delivered_at{};        // when what is in `delivered` was
        std::uint64_t delivered = 0;
        std::uint64_t order = 0;          // of its last transmission among all
        bool in_flight = false;
        bool selected = false;            // acknowledged selectively
        bool lost = false;
        bool resent = false;
        bool app_limited = false;
    };
    struct harvest;   // what one acknowledgement brings

    [[nodiscard]] segment& at(std::uint64_t number) { return window_of_segments_[static_cast<std::size_t>(number - first_)]; }
    [[nodiscard]] bool recovering() const noexcept { return recovering_; }
    void transmit(time_point now, std::uint64_t number);
    void pace(time_point now);
    void deliver(time_point now, segment& which, harvest& into);
    void take_ranges(time_point now, const tcp_ack& ack, harvest& into);
    void find_losses(harvest& into);
    void mark_lost(segment& which);
    void note_rtt(duration rtt);
    void begin_recovery(time_point now);
    void reduce(const harvest& brought);
    void on_timeout(time_point now);
    void arm(time_point now);
    [[nodiscard]] ack_event event_of(time_point now, const harvest& brought, std::uint64_t prior_pipe) const;

    std::unique_ptr<congestion_law> law_;
    std::uint64_t end_ = 0;
    std::uint64_t first_ = 0;   // unacknowledged
    std::uint64_t next_ = 0;    // new
    std::uint64_t recover_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t newest_order_ = 0;   // of what was delivered
    std::uint64_t resend_from_ = 0;    // nothing below is to be sent again
    std::deque<segment> window_of_segments_;
    std::uint64_t pipe_ = 0, lost_waiting_ = 0, selected_ = 0;
    bool recovering_ = false, timed_out_ = false, probed_ = false, window_limited_ = false;
    double window_ = initial_window;
    std::uint64_t marked_ = 0;
    // Delivery rates.
    std::uint64_t delivered_ = 0;
    time_point delivered_at_{}, first_sent_{};
    std::uint64_t app_limited_until_ = 0;
    // Proportional rate reduction.
    double reduction_delivered_ = 0, reduction_out_ = 0, reduction_from_ = 0;
    // Timers.
    duration smoothed_{}, variation_{}, least_ = duration::max();
    duration timeout_ = std::chrono::seconds(1);
    time_point timer_ = never;
    time_point last_sent_{};
    int backoff_ = 0;
    // The pacer.
    time_point paced_until_{};
    std::uint64_t burst_left_ = 0;
    double unpaid_ = 0;                   // segments of the burst so far
    std::optional<std::uint64_t> probe_;  // to be sent whatever the window says
    rival_report report_;
};

}  // namespace p2pdist::sim
