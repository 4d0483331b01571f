#pragma once
// The receiving half of one flow, without keys and addresses: which bytes are new, and what the feedback says.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "feedback_schedule.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "p2pdist/wire/frame.hpp"
#include "range_set.hpp"

namespace p2pdist::detail::flow {

class flow_receiver {
public:
    explicit flow_receiver(transfer_protocol protocol) : schedule_(protocol) {}

    /// Supersedes the last call. Bytes given already are not wanted again as long as they stay listed; to get bytes again, a call
    /// must have left them out.
    void want(const std::vector<index_range>& ranges);

    /// Whether this packet number was given to on_data() before, or is too old to tell.
    [[nodiscard]] bool has_packet(std::uint32_t number) const noexcept { return number < packets_floor_ || packets_.contains(number); }
    /// An authentic datagram. Gives the part of the piece that is wanted and new.
    [[nodiscard]] std::optional<index_range> on_data(time_point now, time_point received_at, const data_header& header,
                                                     std::uint64_t payload_bytes, bool congestion_experienced);

    /// The whole state, as of now. on_feedback_sent() must follow.
    [[nodiscard]] flow_feedback make_feedback(time_point now);
    void on_feedback_sent(time_point now, std::uint64_t datagram_bytes) { schedule_.on_feedback(now, datagram_bytes); }
    /// What was measured so far may have been a forger's doing, whose frames can arrive before the true ones: later delays are told as of a
    /// clock that is behind by a second, so that they count as the least ever seen.
    void measure_delays_anew() noexcept {
        clock_behind_us_ += 1'000'000;
        interval_packets_ = 0;
    }
    void speak_now() noexcept { schedule_.on_urgent(); }
    void set_round_trip(duration value) noexcept { schedule_.set_round_trip(value); }
    [[nodiscard]] time_point feedback_due() const noexcept { return schedule_.due(!complete()); }

    /// Nothing is wanted.
    [[nodiscard]] bool complete() const noexcept { return missing_bytes_ == 0; }
    [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_bytes_; }    ///< UDP payload
    [[nodiscard]] std::uint64_t duplicate_bytes() const noexcept { return duplicate_bytes_; }  ///< payload not wanted or here already
    [[nodiscard]] std::size_t remembered_ranges() const noexcept { return received_.size(); }

private:
    [[nodiscard]] std::optional<index_range> newest_part(const index_range& piece);
    [[nodiscard]] std::vector<index_range> still_wanted() const;
    [[nodiscard]] std::vector<index_range> acknowledged();
    void count_packet(time_point received_at, const data_header& header, std::uint64_t payload_bytes);

    feedback_schedule schedule_;
    std::vector<index_range> wanted_;  // in order of preference
    range_set wanted_set_;
    range_set received_;               // within wanted_
    std::uint64_t missing_bytes_ = 0;
    std::uint32_t want_generation_ = 0;

    range_set packets_;
    std::uint64_t packets_floor_ = 0;  // lower ones are forgotten, and taken for repetitions: a recording must not pass for news
    bool any_packet_ = false;
    std::uint32_t largest_packet_ = 0;
    std::uint32_t largest_sent_at_us_ = 0;
    time_point largest_received_at_{};
    std::uint64_t received_packets_ = 0;
    std::uint64_t received_bytes_ = 0;
    std::uint64_t duplicate_bytes_ = 0;
    std::uint64_t ce_packets_ = 0;

    std::uint32_t clock_behind_us_ = 0;  // of delays alone
    std::uint32_t sequence_ = 0;
    std::uint32_t interval_packets_ = 0;
    std::int32_t delay_min_us_ = 0;
    std::int32_t delay_max_us_ = 0;
    // The lowest packet number that arrived in each of the last intervals: what must still be said, since feedback can get lost.
    static constexpr std::size_t repeated_intervals = 4;
    std::array<std::uint64_t, repeated_intervals> lowest_{};
    std::uint64_t lowest_now_ = UINT64_MAX;
};

}  // namespace p2pdist::detail::flow
