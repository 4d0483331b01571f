// The requests of others: handed out once, acknowledged until answered, their answers repeated as often as they are asked for.

#include "layer.hpp"

namespace p2pdist {
namespace {

constexpr duration open_kept = std::chrono::minutes(30);  // for a request that its receiver never answers

}  // namespace

void message_layer::implementation::on_request(time_point now, const opened& frame, message&& value) {
    if (const auto known = answers_.find(frame.from, value.id)) {
        ++counters_.duplicates;
        auto& request = *answers_.find(*known);
        request.way = frame.way;
        if (!request.answered) {
            acknowledge(now, *known);
        } else {
            ++counters_.repeated;
            link_->send(now, request.peer, request.way, frame_type::message, request.answer);
        }
        return;
    }
    if (std::holds_alternative<std::monostate>(value.body)) {
        refuse_unknown(now, frame, value);
        return;
    }
    const auto* const offer = std::get_if<large_offer>(&value.body);
    const auto most = large_bytes_max(frame.sender_role, config_.own_role, false);
    const bool fetchable = offer && offer->size_bytes > 0 && offer->size_bytes <= most;
    handled_request request;
    request.peer = frame.from;
    request.id = value.id;
    request.peer_role = frame.sender_role;
    request.peer_standing = frame.sender_standing;
    request.peer_epoch = frame.sender_epoch;
    request.way = frame.way;
    const auto handle = next_handle_++;
    if ((fetchable && !make_fetch_room(now, frame, offer->size_bytes)) || !answers_.add(handle, std::move(request), now + open_kept)) {
        ++counters_.dropped_full;  // it will be sent again
        return;
    }
    forget_old(now);
    acknowledge_timers_.set(handle, now + config_.acknowledge_delay);
    if (fetchable) {
        answers_.find(handle)->fetch = start_fetch(now, frame, *offer, {handle, false});
    } else if (offer) {
        ++counters_.large_refused;
        reply(now, handle,
              error_reply{errc::limit_reached, "the message has " + std::to_string(offer->size_bytes) + " bytes; at most " +
                                                   std::to_string(most) + " are taken"},
              transfer_protocol::background);
    } else {
        deliver(handle, *answers_.find(handle), std::move(value.body));
    }
}

/// MSG-6. Nothing is remembered of it: each repetition is answered alike.
void message_layer::implementation::refuse_unknown(time_point now, const opened& frame, const message& value) {
    ++counters_.unknown;
    if (!value.acknowledge) return;
    const error_reply why{errc::version_unsupported, "the program there does not know this request: update it"};
    link_->send(now, frame.from, frame.way, frame_type::message, encode(message{next_id(), value.id, false, why}));
}

void message_layer::implementation::deliver(std::uint64_t handle, const handled_request& request, message_body body) {
    ++counters_.received;
    outputs_.emplace_back(message_received{
        {handle}, {request.peer, request.peer_role, request.way.remote.address}, request.way.remote, std::move(body), request.peer_standing,
        request.peer_epoch});
}

void message_layer::implementation::acknowledge(time_point now, std::uint64_t handle) {
    const auto* const request = answers_.find(handle);
    if (!request || request->answered) return;
    acknowledge_timers_.clear(handle);
    link_->send(now, request->peer, request->way, frame_type::message, encode(message{0, request->id, false, {}}));
}

void message_layer::implementation::reply(time_point now, std::uint64_t handle, message_body body, transfer_protocol protocol) {
    auto* const request = answers_.find(handle);
    if (!request || request->answered) return;
    message value{next_id(), request->id, false, std::move(body)};
    auto offered = offer_if_large(value, request->peer, request->peer_role, {handle, true}, protocol);
    if (offered)
        request->offer = *offered;
    else
        value.body = error_reply{offered.error().code, offered.error().message};
    auto frame = encode(value);
    link_->send(now, request->peer, request->way, frame_type::message, frame);
    ++counters_.sent;
    acknowledge_timers_.clear(handle);
    answers_.set_answer(handle, std::move(frame), now + config_.duplicates_kept);
    forget_old(now);
}

void message_layer::implementation::forget_request(std::uint64_t handle) {
    const auto* const request = answers_.find(handle);
    if (!request) return;
    if (request->fetch != 0) drop_fetch(request->fetch);
    if (request->offer != 0) objects_.withdraw(request->offer);
    acknowledge_timers_.clear(handle);
    answers_.erase(handle);
}

void message_layer::implementation::forget_old(time_point now) {
    while (const auto handle = answers_.next_to_forget(now)) forget_request(*handle);
}

}  // namespace p2pdist
