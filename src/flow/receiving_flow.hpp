#pragma once
// One flow that brings bytes to this node: opening, keys, status and the receiver.

#include <vector>

#include "congestion/queue_estimate.hpp"
#include "delay_clock.hpp"
#include "flow_base.hpp"
#include "flow_receiver.hpp"
#include "p2pdist/envelope/data_frame.hpp"

namespace p2pdist::detail::flow {

class receiving_flow final : public flow_base {
public:
    receiving_flow(const flow_context& context, flow_handle handle, const client_id& peer, const path& way, std::uint32_t token, time_point now,
                   flow_open request);

    [[nodiscard]] bool sends() const noexcept override { return false; }
    void want(const std::vector<index_range>& ranges) { receiver_.want(ranges); }
    /// Strict mode from now on.
    void authenticate(time_point now);
    void set_status(time_point now, bytes status) override;
    void on_accept(time_point now, const opened& frame, const flow_accept& accept);
    void on_status(time_point now, const flow_status& status);
    void on_close(const flow_close& why);
    [[nodiscard]] std::optional<flow_piece> on_data(time_point now, const received_datagram& datagram);
    /// The key of the data frames, once one has proven it.
    [[nodiscard]] const std::vector<short_key>& keys() const noexcept { return keys_; }

    [[nodiscard]] std::optional<flow_output> poll(time_point now) override;
    [[nodiscard]] time_point deadline(time_point now) const override;
    [[nodiscard]] flow_statistics statistics(time_point now) const override;

private:
    void send_open(time_point now);
    void send_feedback(time_point now);
    void watch_queue(time_point now, const flow_feedback& feedback);
    void learn_key(std::optional<session_number> session);
    [[nodiscard]] bool takes(time_point now, const data_header& header);

    const flow_context& context_;
    flow_open request_;
    delay_clock delays_;
    std::optional<queue_estimate> queue_;   // of Background
    flow_receiver receiver_;
    bool accepted_ = false;
    bool accept_event_due_ = false;
    std::uint64_t object_bytes_ = 0;
    time_point begun_at_;
    time_point next_open_at_;
    time_point last_open_at_{};
    int opens_ = 0;

    std::vector<session_number> sessions_;  // under which an open may have travelled
    std::vector<short_key> keys_;           // of these; only one is left once a frame has proven it
    bool key_proven_ = false;

    // Strict mode that began later than the flow.
    std::optional<time_point> strict_since_;
    std::optional<std::uint32_t> first_strict_;  // the lowest packet number that came as data_strict

    bytes own_status_;
    std::uint32_t own_status_sequence_ = 0;
    std::uint32_t own_status_seen_ = 0;
    bytes their_status_;
    std::uint32_t their_status_sequence_ = 0;
    bool paused_ = false;
    bool status_event_due_ = false;
};

}  // namespace p2pdist::detail::flow
