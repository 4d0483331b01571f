#pragma once
// The sending half of one flow, without keys and addresses: from feedback and provided bytes to pieces that may leave now.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "delay_clock.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/flow/congestion_controller.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "packet_ledger.hpp"
#include "pacer.hpp"
#include "range_set.hpp"
#include "rtt_estimator.hpp"
#include "supply.hpp"

namespace p2pdist::detail::flow {

/// A piece that leaves now.
struct outgoing_piece {
    std::uint32_t packet_number = 0;
    std::uint32_t sent_at_us = 0;
    std::uint64_t offset = 0;
    bool feedback_now = false;
    shared_bytes payload;
};

/// What is sent is: wanted (by the newest feedback) without what is in flight and what was acknowledged. While the receiver can
/// list its wants exactly, its word alone decides what is to be sent again; where it can't (flow_ranges_max reached), the list may
/// cover bytes that it has, and the acknowledgements seen decide.
class flow_sender {
public:
    /// `secrets` chooses the packet numbers that are left out; it outlives this.
    flow_sender(std::unique_ptr<congestion_controller> controller, std::uint32_t datagram_bytes_max, entropy& secrets);

    void set_object_bytes(std::uint64_t size) noexcept { object_bytes_ = size; }
    /// False, and nothing changes, where it is older than one seen before or tells of packets that were never sent: receiver_lies().
    bool on_feedback(time_point now, const flow_feedback& feedback, duration background_queue = {});
    void provide(std::uint64_t offset, const shared_bytes& data);
    /// The next range to ask the upper layer for.
    [[nodiscard]] std::optional<index_range> next_need();   ///< nothing, for a while, where much was asked for and not sent
    [[nodiscard]] std::optional<outgoing_piece> next_piece(time_point now);
    /// Loss timer, probe timeout and the controller's clock.
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline(time_point now) const;

    /// A newer feedback told of packets that were never sent: it lies, and may want others to be flooded.
    [[nodiscard]] bool receiver_lies() const noexcept { return receiver_lies_; }
    /// No packet number is left (after 2^32 packets, about 5 TB): the flow has to be opened anew.
    [[nodiscard]] bool exhausted() const noexcept { return ledger_.next_number() >= packet_numbers_max; }
    [[nodiscard]] const congestion_controller& controller() const noexcept { return *controller_; }
    [[nodiscard]] const rtt_estimator& rtt() const noexcept { return rtt_; }
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
    [[nodiscard]] std::uint64_t retransmitted_bytes() const noexcept { return retransmitted_bytes_; }
    [[nodiscard]] std::uint64_t provided_bytes() const noexcept { return supply_.provided_bytes(); }

private:
    static constexpr std::uint64_t packet_numbers_max = 0xffff'fff0;

    [[nodiscard]] bool plausible(const flow_feedback& feedback) const noexcept;
    void apply_wants(const flow_feedback& feedback);
    void tell_controller(time_point now, const flow_feedback& feedback, std::optional<duration> rtt_sample, duration background_queue);
    void apply_change(const ledger_change& change);
    void plan();
    void ask_ahead();
    [[nodiscard]] std::uint64_t supply_window() const;
    /// Whether the window has room for one more datagram of this size.
    [[nodiscard]] bool window_allows(std::uint64_t datagram) const;
    void forgive(time_point now);
    [[nodiscard]] time_point need_time(time_point now) const;
    void choose_skip();
    void release_supply();
    void on_probe_timeout(time_point now);
    [[nodiscard]] time_point probe_time() const;
    [[nodiscard]] std::optional<outgoing_piece> probe_piece(time_point now);
    [[nodiscard]] bool find_sendable(std::size_t& index, std::uint64_t& offset) const;
    [[nodiscard]] bool has_sendable() const;
    [[nodiscard]] outgoing_piece emit(time_point now, std::uint64_t offset, const shared_bytes& payload);
    [[nodiscard]] bool last_before_pause(std::uint64_t next_datagram) const;
    void take_from_pending(std::size_t index, std::uint64_t offset, std::uint64_t length);

    std::unique_ptr<congestion_controller> controller_;
    std::uint64_t payload_bytes_max_;
    std::uint64_t object_bytes_ = 0;

    // What the receiver said last.
    bool any_feedback_ = false;
    flow_feedback last_;  // without its status
    std::vector<index_range> wanted_;
    bool exact_ = true;  // whether wanted_ leaves out all that the receiver has

    range_set in_flight_;    // byte ranges of packets in flight
    range_set done_;         // acknowledged, where the receiver's list may cover it
    range_set lost_;         // declared lost and not sent again yet: for the statistics
    std::deque<index_range> pending_;  // to be sent, in order of preference
    supply supply_;
    std::vector<index_range> needs_;   // to be asked, in reverse
    std::uint64_t sent_since_ask_ = 0;
    // Wants that change make the upper layer read in vain. A change of mind is forgiven in time, one after the other is not.
    std::uint64_t owed_bytes_ = 0;     // asked for and not sent
    time_point owed_at_{};             // when it was last brought up to date

    packet_ledger ledger_;
    entropy* secrets_;
    std::uint64_t skip_at_ = 0;   // the packet number to be left out next
    bool receiver_lies_ = false;
    ledger_change change_;  // scratch
    rtt_estimator rtt_;
    pacer pacer_;

    // Probe timeouts (RFC 9002, section 6.2).
    int probe_timeouts_ = 0;
    int probes_due_ = 0;
    time_point newest_sent_at_{};

    // Packets up to this one were sent while there was nothing else to send: rates measured from them say nothing.
    std::uint64_t limited_until_packet_ = 0;
    delay_clock delays_;

    std::uint64_t sent_bytes_ = 0;
    std::uint64_t retransmitted_bytes_ = 0;
};

}  // namespace p2pdist::detail::flow
