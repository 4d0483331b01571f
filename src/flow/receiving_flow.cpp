#include "receiving_flow.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr duration open_retry_first = 300ms;
constexpr duration open_retry_max = 2s;
constexpr duration strict_patience = 1s;  // for data frames that left before the sender heard of strict mode
constexpr std::size_t keys_max = 4;
constexpr std::uint8_t ecn_ce = 3;
constexpr std::size_t acknowledged_beside_status = 4;

}  // namespace

receiving_flow::receiving_flow(const flow_context& context, flow_handle handle, const client_id& peer, const path& way, std::uint32_t token,
                               time_point now, flow_open request)
    : flow_base(handle, peer, way, token, now),
      context_(context),
      request_(std::move(request)),
      receiver_(request_.protocol),
      begun_at_(now),
      next_open_at_(now) {
    if (request_.protocol == transfer_protocol::background) queue_.emplace();
}

void receiving_flow::set_status(time_point, bytes status) {
    P2PDIST_ASSERT(status.size() <= flow_status_bytes_max);
    if (own_status_sequence_ > 0 && own_status_ == status) return;
    own_status_ = std::move(status);
    ++own_status_sequence_;
    receiver_.speak_now();
}

void receiving_flow::learn_key(std::optional<session_number> session) {
    if (!session || key_proven_ || keys_.size() >= keys_max) return;
    if (std::find(sessions_.begin(), sessions_.end(), *session) != sessions_.end()) return;
    const auto key = context_.link.flow_key(peer_, *session, token_, context_.link.self_id());
    if (!key) return;
    sessions_.push_back(*session);
    keys_.push_back(*key);
}

void receiving_flow::on_accept(time_point now, const opened& frame, const flow_accept& accept) {
    heard_at_ = now;
    learn_key(frame.session);
    if (accepted_ || ending_) return;
    accepted_ = accept_event_due_ = true;
    object_bytes_ = accept.object_bytes;
    if (!accept.status.empty()) {
        their_status_ = accept.status;
        status_event_due_ = true;
    }
    if (opens_ == 1) receiver_.set_round_trip(now - last_open_at_);
    receiver_.speak_now();
}

void receiving_flow::on_status(time_point now, const flow_status& status) {
    if (!accepted_) return;  // its acceptance got lost or is late; asking again brings both. No sign of life: who never accepts must end
    heard_at_ = now;
    own_status_seen_ = std::max(own_status_seen_, std::min(status.status_sequence_seen, own_status_sequence_));
    if (status.sequence <= their_status_sequence_) return;
    their_status_sequence_ = status.sequence;
    if (status.paused != paused_ || status.status != their_status_) status_event_due_ = true;
    paused_ = status.paused;
    their_status_ = status.status;
    receiver_.speak_now();  // says that it was seen
}

void receiving_flow::on_close(const flow_close& why) {
    // Feedback may overtake the open that it follows: "not found" means nothing before the acceptance.
    const bool unknown = why.reason == errc::not_found && why.text.empty();
    if (unknown && !accepted_) return;
    end(unknown ? flow_close{errc::unreachable, "the sender no longer knows this flow", 0} : why);
}

std::optional<flow_piece> receiving_flow::on_data(time_point now, const received_datagram& datagram) {
    if (ending_) return std::nullopt;
    std::optional<opened_data> frame;
    for (const auto& key : keys_) {
        frame = open_data(context_.crypto, key, datagram.payload);
        if (!frame) continue;
        if (!key_proven_) {
            keys_ = {short_key(key)};
            key_proven_ = true;
        }
        break;
    }
    if (!frame || frame->payload.empty() || !takes(now, frame->header)) return std::nullopt;
    const bool strict = frame->header.type == frame_type::data_strict;
    if (!accepted_) return std::nullopt;  // the acceptance is late; not acknowledged, so it comes again
    if (frame->header.offset + frame->payload.size() > object_bytes_) return std::nullopt;
    const bool repeated = receiver_.has_packet(frame->header.packet_number);
    const auto part = receiver_.on_data(now, datagram.received_at, frame->header, frame->payload.size(), datagram.ecn == ecn_ce);
    if (repeated) {  // no sign of life: anybody can repeat a frame
        if (strict) return std::nullopt;
        return flow_piece{handle_, peer_, frame->header.offset, frame->payload, false, true};
    }
    heard_at_ = now;
    rate_.add(now, datagram.payload.size());
    if (!part) return std::nullopt;
    return flow_piece{handle_, peer_, part->first, frame->payload.subspan(part->first - frame->header.offset, part->length), strict, false};
}

/// Whether a frame with a good tag is of the kind that is wanted.
bool receiving_flow::takes(time_point now, const data_header& header) {
    if (header.type == frame_type::data_strict) {
        if (!request_.strict && !strict_since_) return false;
        if (!first_strict_ && strict_since_) receiver_.measure_delays_anew();
        if (!first_strict_ || header.packet_number < *first_strict_) first_strict_ = header.packet_number;
        return true;
    }
    if (request_.strict) return false;
    if (!strict_since_) return true;
    return now < *strict_since_ + strict_patience && (!first_strict_ || header.packet_number < *first_strict_);
}

void receiving_flow::authenticate(time_point now) {
    if (request_.strict || strict_since_) return;
    if (opens_ == 0) {
        request_.strict = true;
        return;
    }
    strict_since_ = now;
    receiver_.speak_now();
}

void receiving_flow::send_open(time_point now) {
    ++opens_;
    last_open_at_ = now;
    const auto wait = std::min<duration>(open_retry_first * (1 << std::min(opens_ - 1, 5)), open_retry_max);
    next_open_at_ = now + context_.jitter.jittered(wait, 0.1);
    auto status = send_status::sealed;
    if (context_.say(now, peer_, way_, {token_, true, request_}, &status) != 0) learn_key(context_.link.current_session(peer_));
    if (status == send_status::unknown_peer) return end({errc::unreachable, "the key of the peer is not known", 0});
    if (status == send_status::no_credentials) return end({errc::not_authorised, "this node is not enrolled", 0});
    // Wants ride along, so that the first bytes come with the acceptance. Once: the acceptance makes them urgent again.
    if (opens_ == 1 && !receiver_.complete()) send_feedback(now);
}

void receiving_flow::send_feedback(time_point now) {
    flow_control control{token_, true, receiver_.make_feedback(now)};
    auto& feedback = std::get<flow_feedback>(control.signal);
    feedback.status_sequence_seen = their_status_sequence_;
    feedback.strict = strict_since_.has_value();
    // A status travels until the sender has seen it; sequence 0 says that none is here.
    if (own_status_seen_ < own_status_sequence_) {
        feedback.status_sequence = own_status_sequence_;
        feedback.status = own_status_;
        // Both must fit one datagram, and the next feedback acknowledges the rest.
        if (feedback.acknowledged.size() > acknowledged_beside_status) feedback.acknowledged.resize(acknowledged_beside_status);
    }
    watch_queue(now, feedback);
    auto size = context_.say(now, peer_, way_, control);
    if (size == 0 && feedback.status_sequence != 0) {
        feedback.status_sequence = 0;
        feedback.status.clear();
        size = context_.say(now, peer_, way_, control);
    }
    // The sender goes over to the session of a feedback that has received nothing yet.
    if (size != 0) learn_key(context_.link.current_session(peer_));
    receiver_.on_feedback_sent(now, size);
}

/// The sender learns of it too late to tell this node's Foreground, which may be what stands in the way.
void receiving_flow::watch_queue(time_point now, const flow_feedback& feedback) {
    if (!queue_ || feedback.interval_packets == 0) return;
    feedback_sample sample;
    sample.now = now;
    sample.has_delay = true;
    sample.delay_min = delays_.unwrap(feedback.delay_min_us);
    queue_->add(sample, false);
    context_.background.note(now, queue_->filtered());
}

std::optional<flow_output> receiving_flow::poll(time_point now) {
    if (ending_) {
        if (finished_) return std::nullopt;
        return ended_event();
    }
    if (now >= heard_at_ + context_.config.idle_timeout) {
        end({errc::timed_out, accepted_ ? "the sender has fallen silent" : "the peer did not answer", 0});
        return ended_event();
    }
    if (!accepted_) {
        if (now >= next_open_at_) send_open(now);
        if (ending_) return ended_event();
        return std::nullopt;
    }
    if (std::exchange(accept_event_due_, false)) return flow_accepted{handle_, object_bytes_};
    if (std::exchange(status_event_due_, false)) return flow_status_changed{handle_, their_status_, paused_};
    if (now >= receiver_.feedback_due()) send_feedback(now);
    return std::nullopt;
}

time_point receiving_flow::deadline(time_point now) const {
    if (ending_) return finished_ ? never : now;
    const auto timeout = heard_at_ + context_.config.idle_timeout;
    if (!accepted_) return std::min(timeout, next_open_at_);
    if (accept_event_due_ || status_event_due_) return now;
    return std::min(timeout, receiver_.feedback_due());
}

flow_statistics receiving_flow::statistics(time_point now) const {
    flow_statistics out;
    out.received_bytes = receiver_.received_bytes();
    out.duplicate_bytes = receiver_.duplicate_bytes();
    out.rate_bytes_per_second = rate_.bytes_per_second(now);
    out.paused = paused_;
    return out;
}

}  // namespace p2pdist::detail::flow
