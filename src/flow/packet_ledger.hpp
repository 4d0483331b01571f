#pragma once
// What was sent and what became of it: acknowledgement by packet number and loss detection after RFC 9002, section 6.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "p2pdist/base/time.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "rtt_estimator.hpp"

namespace p2pdist::detail::flow {

struct sent_packet {
    enum class fate : std::uint8_t { in_flight, acknowledged, lost, superseded, skipped };

    time_point sent_at;
    index_range range;         ///< of the object
    std::uint32_t bytes = 0;   ///< UDP payload
    fate state = fate::in_flight;
};

/// What one feedback, or one loss timer, changed.
struct ledger_change {
    std::vector<index_range> acknowledged;  ///< byte ranges, also those that were thought lost
    std::vector<index_range> lost;          ///< byte ranges newly declared lost
    std::uint64_t acknowledged_bytes = 0;
    std::uint64_t acknowledged_packets = 0;
    std::uint64_t lost_bytes = 0;
    std::uint64_t lost_packets = 0;
    time_point newest_lost_sent_at{};
    time_point newest_acknowledged_sent_at{};

    void clear();
};

class packet_ledger {
public:
    static constexpr std::size_t skips_remembered = 64;

    /// Returns the number of the packet, one more than the last one sent or skipped.
    std::uint32_t on_sent(const sent_packet& packet);
    /// Leaves the next number out. Who really receives never acknowledges it, and nothing is lost by it.
    void skip(time_point now);
    /// Whether all of these packet numbers were sent, as far as that is remembered: for the last skips_remembered that were left out.
    [[nodiscard]] bool all_sent(const index_range& numbers) const noexcept;
    /// `ranges` are packet numbers. Numbers that were never sent are ignored.
    void acknowledge(const std::vector<index_range>& ranges, ledger_change& change);
    /// Declares lost what later acknowledgements and time have overtaken; call after acknowledge() and at loss_time().
    void detect_losses(time_point now, const rtt_estimator& rtt, ledger_change& change);

    /// The packet if it is still remembered.
    [[nodiscard]] const sent_packet* find(std::uint64_t number) const noexcept;
    /// The oldest packet in flight, taken out of account because a copy of it replaces it; its late acknowledgement still counts.
    [[nodiscard]] std::optional<index_range> supersede_oldest();

    [[nodiscard]] std::uint64_t next_number() const noexcept { return first_ + packets_.size(); }
    [[nodiscard]] std::uint64_t bytes_in_flight() const noexcept { return bytes_in_flight_; }
    [[nodiscard]] std::uint64_t packets_in_flight() const noexcept { return packets_in_flight_; }
    [[nodiscard]] bool any_in_flight() const noexcept { return packets_in_flight_ != 0; }
    /// When the next packet is lost unless acknowledged before; `never` where none is in doubt.
    [[nodiscard]] time_point loss_time() const noexcept { return loss_time_; }
    [[nodiscard]] std::size_t size() const noexcept { return packets_.size(); }

private:
    void acknowledge_one(std::uint64_t number, sent_packet& packet, ledger_change& change);
    void forget_settled(time_point now, duration keep);
    [[nodiscard]] std::uint64_t sent_between(std::uint64_t number, std::uint64_t later) const noexcept;

    std::deque<sent_packet> packets_;
    std::uint64_t first_ = 0;             // number of packets_.front()
    std::deque<std::uint64_t> skipped_;   // the last ones, ascending, also such that are no longer in packets_
    std::uint64_t largest_acknowledged_ = 0;
    bool any_acknowledged_ = false;
    std::uint64_t bytes_in_flight_ = 0;
    std::uint64_t packets_in_flight_ = 0;
    std::uint64_t reordering_packets_ = 3;  // grows when a packet thought lost turns up
    int reordering_eighths_ = 9;            // of a round trip, grows likewise
    time_point loss_time_ = never;
};

}  // namespace p2pdist::detail::flow
