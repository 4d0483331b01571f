#pragma once
// One flow that brings this node's bytes to another: acceptance, key, status and the sender.

#include <memory>

#include "flow_base.hpp"
#include "flow_sender.hpp"

namespace p2pdist::detail::flow {

class sending_flow final : public flow_base {
public:
    /// `request` is the peer's open, that travelled under `frame.session`.
    sending_flow(const flow_context& context, flow_handle handle, const opened& frame, std::uint32_t token, const short_key& key,
                 time_point now, flow_open request);

    [[nodiscard]] bool sends() const noexcept override { return true; }
    void accept(time_point now, std::uint64_t object_bytes, bytes status);
    void provide(std::uint64_t offset, const shared_bytes& data);
    void set_status(time_point now, bytes status) override;
    void on_open_again(time_point now);
    void on_feedback(time_point now, flow_feedback feedback);
    /// The key of another session. Where both sides greeted each other at once, the receiver may not know under which session its
    /// open travelled; one under which it says that nothing has arrived is one that it knows.
    void set_key(const short_key& key) noexcept { key_ = key; }
    [[nodiscard]] const short_key& key() const noexcept { return key_; }

    [[nodiscard]] std::optional<flow_output> poll(time_point now) override;
    [[nodiscard]] time_point deadline(time_point now) const override;
    [[nodiscard]] flow_statistics statistics(time_point now) const override;

private:
    void send_accept(time_point now);
    void send_status(time_point now);
    void watch_pause(time_point now);
    void give_up(const flow_close& why, time_point now);
    void on_their_status(const flow_feedback& feedback);
    [[nodiscard]] time_point pause_check_at() const noexcept;
    [[nodiscard]] time_point status_due() const noexcept;
    [[nodiscard]] send_datagram seal(outgoing_piece piece) const;

    const flow_context& context_;
    flow_open request_;
    short_key key_;
    role peer_role_;
    bool request_event_due_ = true;
    bool accepted_ = false;
    flow_accept acceptance_;
    std::unique_ptr<flow_sender> sender_;
    std::optional<flow_feedback> early_feedback_;  // came before accept()

    bytes own_status_;
    std::uint32_t own_status_sequence_ = 0;  // grows with pause changes too
    std::uint32_t own_status_seen_ = 0;
    bool status_answer_due_ = false;         // their status arrived and wants to be acknowledged
    time_point status_sent_at_{};
    int status_repeats_ = 0;
    time_point spoke_at_{};                  // any frame of ours
    bytes their_status_;
    std::uint32_t their_status_sequence_ = 0;
    bool status_event_due_ = false;

    bool paused_ = false;          // as told to the receiver
    bool paused_raw_ = false;      // as the controller says
    time_point paused_raw_since_{};
};

}  // namespace p2pdist::detail::flow
