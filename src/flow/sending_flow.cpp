#include "sending_flow.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/envelope/data_frame.hpp"

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr duration pause_debounce = 300ms;
constexpr duration status_retry_first = 200ms;
constexpr duration status_retry_max = 1s;
constexpr duration keep_alive = 3s;
constexpr std::uint8_t dscp_le = 1;  // RFC 8622

}  // namespace

sending_flow::sending_flow(const flow_context& context, flow_handle handle, const opened& frame, std::uint32_t token, const short_key& key,
                           time_point now, flow_open request)
    : flow_base(handle, frame.from, frame.way, token, now),
      context_(context),
      request_(std::move(request)),
      key_(key),
      peer_role_(frame.sender_role),
      their_status_(request_.status) {}

void sending_flow::accept(time_point now, std::uint64_t object_bytes, bytes status) {
    P2PDIST_ASSERT(status.size() <= flow_status_bytes_max && object_bytes <= flow_object_bytes_max);
    if (accepted_ || ending_) return;
    accepted_ = true;
    acceptance_ = {object_bytes, std::move(status)};
    own_status_ = acceptance_.status;
    const auto datagram_max = static_cast<std::uint32_t>(std::min<std::size_t>(request_.datagram_bytes_max, context_.link.data_frame_max()));
    const bool background = request_.protocol == transfer_protocol::background;
    const auto& factory = background ? context_.config.background : context_.config.foreground;
    sender_ = std::make_unique<flow_sender>(factory(datagram_max, now), datagram_max, context_.secrets);
    sender_->set_object_bytes(object_bytes);
    paused_raw_since_ = now;
    send_accept(now);
    if (early_feedback_) on_feedback(now, *std::exchange(early_feedback_, std::nullopt));
}

void sending_flow::send_accept(time_point now) {
    spoke_at_ = now;
    context_.say(now, peer_, way_, {token_, false, acceptance_});
}

void sending_flow::on_open_again(time_point now) {
    if (!accepted_) heard_at_ = now;   // it waits for us; afterwards its feedback tells that it is there
    if (accepted_ && !ending_) send_accept(now);
}

void sending_flow::provide(std::uint64_t offset, const shared_bytes& data) {
    if (sender_) sender_->provide(offset, data);
}

void sending_flow::set_status(time_point now, bytes status) {
    P2PDIST_ASSERT(status.size() <= flow_status_bytes_max);
    if (own_status_ == status) return;
    own_status_ = std::move(status);
    ++own_status_sequence_;
    status_repeats_ = 0;
    if (accepted_) send_status(now);
}

void sending_flow::send_status(time_point now) {
    spoke_at_ = status_sent_at_ = now;
    ++status_repeats_;
    status_answer_due_ = false;
    context_.say(now, peer_, way_, {token_, false, flow_status{own_status_sequence_, their_status_sequence_, paused_, own_status_}});
}

void sending_flow::on_feedback(time_point now, flow_feedback feedback) {
    heard_at_ = now;
    if (!accepted_) {
        early_feedback_ = std::move(feedback);
        return;
    }
    request_.strict = request_.strict || feedback.strict;
    on_their_status(feedback);
    own_status_seen_ = std::max(own_status_seen_, std::min(feedback.status_sequence_seen, own_status_sequence_));
    if (!sender_->on_feedback(now, feedback, context_.background.queue(now))) {
        if (sender_->receiver_lies()) give_up({errc::malformed, std::string(false_receipt_text), 0}, now);
        return;
    }
    if (request_.protocol == transfer_protocol::background) context_.background.note(now, sender_->controller().queueing_delay());
    watch_pause(now);
}

/// Ends the flow, and tells the receiver why.
void sending_flow::give_up(const flow_close& why, time_point now) {
    if (!ending_) context_.say(now, peer_, way_, {token_, false, why});
    end(why);
}

void sending_flow::on_their_status(const flow_feedback& feedback) {
    if (feedback.status_sequence == 0) return;
    status_answer_due_ = true;
    if (feedback.status_sequence <= their_status_sequence_) return;
    their_status_sequence_ = feedback.status_sequence;
    if (feedback.status == their_status_) return;
    their_status_ = feedback.status;
    status_event_due_ = true;
}

void sending_flow::watch_pause(time_point now) {
    const bool raw = sender_->controller().paused();
    if (raw != paused_raw_) {
        paused_raw_ = raw;
        paused_raw_since_ = now;
    }
    if (paused_ == raw || now < paused_raw_since_ + pause_debounce) return;
    paused_ = raw;
    ++own_status_sequence_;
    status_repeats_ = 0;
    send_status(now);
}

time_point sending_flow::pause_check_at() const noexcept {
    return paused_ == paused_raw_ ? never : paused_raw_since_ + pause_debounce;
}

time_point sending_flow::status_due() const noexcept {
    if (status_answer_due_) return status_sent_at_;
    if (own_status_seen_ >= own_status_sequence_) return spoke_at_ + keep_alive;
    return status_sent_at_ + std::min<duration>(status_retry_first * (1 << std::min(status_repeats_, 4)), status_retry_max);
}

send_datagram sending_flow::seal(outgoing_piece piece) const {
    data_header header;
    header.type = request_.strict ? frame_type::data_strict : frame_type::data;
    header.flags = piece.feedback_now ? data_flag_feedback_now : std::uint8_t{0};
    header.token = token_;
    header.packet_number = piece.packet_number;
    header.sent_at_us = piece.sent_at_us;
    header.offset = piece.offset;
    send_datagram out;
    out.from_port = way_.local_port;
    out.to = way_.remote;
    seal_data(context_.crypto, key_, header, piece.payload.view, out.header);
    out.payload = std::move(piece.payload);
    out.dscp = request_.protocol == transfer_protocol::background ? dscp_le : std::uint8_t{0};
    return out;
}

std::optional<flow_output> sending_flow::poll(time_point now) {
    if (ending_) {
        if (finished_) return std::nullopt;
        return ended_event();
    }
    if (std::exchange(request_event_due_, false)) return flow_requested{handle_, peer_, way_, request_, peer_role_};
    if (now >= heard_at_ + context_.config.idle_timeout) {
        end({errc::timed_out, "the receiver has fallen silent", 0});
        return ended_event();
    }
    if (!accepted_) return std::nullopt;
    if (std::exchange(status_event_due_, false)) return flow_status_changed{handle_, their_status_, false};
    sender_->on_timer(now);
    watch_pause(now);
    if (now >= status_due()) send_status(now);
    if (const auto need = sender_->next_need()) return flow_needs{handle_, *need};
    if (auto piece = sender_->next_piece(now)) {
        spoke_at_ = now;
        rate_.add(now, piece->payload.view.size() + data_overhead_bytes);
        return seal(std::move(*piece));
    }
    if (sender_->exhausted()) {
        give_up({errc::limit_reached, "all packet numbers are used: open the flow anew", 1}, now);
        return ended_event();
    }
    return std::nullopt;
}

time_point sending_flow::deadline(time_point now) const {
    if (ending_) return finished_ ? never : now;
    if (request_event_due_ || (accepted_ && status_event_due_)) return now;
    const auto timeout = heard_at_ + context_.config.idle_timeout;
    if (!accepted_) return timeout;
    return std::min({timeout, status_due(), pause_check_at(), sender_->deadline(now)});
}

flow_statistics sending_flow::statistics(time_point now) const {
    flow_statistics out;
    out.rate_bytes_per_second = rate_.bytes_per_second(now);
    out.paused = paused_;
    if (!sender_) return out;
    out.sent_bytes = sender_->sent_bytes();
    out.retransmitted_bytes = sender_->retransmitted_bytes();
    if (sender_->rtt().known()) out.rtt_smoothed = sender_->rtt().smoothed();
    out.queueing_delay = sender_->controller().queueing_delay();
    out.controller_state = sender_->controller().state();
    return out;
}

}  // namespace p2pdist::detail::flow
