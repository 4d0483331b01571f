// Our own requests: sent again until acknowledged, asked after until answered.

#include <algorithm>

#include "layer.hpp"

namespace p2pdist {
namespace {

constexpr double jitter_spread = 0.2;
constexpr int poll_factor = 5;  // an acknowledged request asks for its answer first after this many first timeouts (2 s)

/// Why the link will never send it; nothing where trying again makes sense.
std::optional<error> final_failure(send_status status, const message_peer& to) {
    const auto name = to.address.to_string() + " (" + to.id.to_string().substr(0, 8) + ")";
    switch (status) {
        case send_status::unknown_peer:
            return error{errc::not_found, name + ": its key is not known here; it has to be in a roster of the server first"};
        case send_status::no_credentials:
            return error{errc::not_authorised, "this device is not enrolled yet"};
        case send_status::too_large:
            return error{errc::limit_reached, name + ": the message does not fit a datagram"};
        case send_status::held_off:
            return error{errc::unreachable, name + ": did not answer a moment ago"};
        case send_status::sealed:
        case send_status::kept:
        case send_status::full:
            break;
    }
    return std::nullopt;
}

}  // namespace

message_handle message_layer::implementation::request(time_point now, const message_peer& to, message_body body, const message_options& options) {
    const auto handle = next_handle_++;
    message value{next_id(), 0, true, std::move(body)};
    open_request request;
    request.to = to;
    request.way = way_over(small_pair(config_.own_role, to.as), true, to.address);
    request.id = value.id;
    request.attempts = 0;
    request.attempts_max = options.attempts_max > 0 ? options.attempts_max : config_.attempts_max;
    request.timeout = config_.first_timeout;
    request.answer_timeout = options.answer_timeout.value_or(config_.answer_timeout);
    if (requests_.size() >= config_.requests_max) {
        outputs_.emplace_back(message_failed{{handle}, to, {errc::limit_reached, "too many requests are open; try again later"}});
        return {handle};
    }
    auto offered = offer_if_large(value, to.id, to.as, {handle, false}, options.large_protocol);
    if (!offered) {
        outputs_.emplace_back(message_failed{{handle}, to, offered.error()});
        return {handle};
    }
    request.offer = *offered;
    request.frame = encode(value);
    request_ids_[request.id] = handle;
    requests_by_peer_.emplace(to.id, handle);
    requests_.emplace(handle, std::move(request));
    ++counters_.sent;
    send_request(now, handle);
    return {handle};
}

void message_layer::implementation::send_request(time_point now, std::uint64_t handle) {
    auto& request = requests_.at(handle);
    const auto status = link_->send(now, request.to.id, request.way, frame_type::message, request.frame);
    if (auto failure = final_failure(status, request.to)) {
        fail_request(handle, request.mismatch ? *request.mismatch : *std::move(failure));
        return;
    }
    ++request.attempts;
    request_timers_.set(handle, std::min(now + jitter_.jittered(request.timeout, jitter_spread), request.answer_by));
    request.timeout = std::min(2 * request.timeout, config_.timeout_max);
}

bool message_layer::implementation::uploading(const open_request& request) noexcept {
    const auto* const object = objects_.find(request.offer);
    return request.offer != 0 && object && object->flows > 0;
}

void message_layer::implementation::on_request_timer(time_point now, std::uint64_t handle) {
    auto& request = requests_.at(handle);
    if (uploading(request)) {  // the other side is busy with it, however long that takes
        request.attempts = 0;
        request.answer_by = now + request.answer_timeout;
    }
    const auto address = request.to.address.to_string();
    if (now >= request.answer_by) {
        fail_request(handle, {errc::timed_out, address + ": took the request but did not answer it in time"});
    } else if (request.attempts >= request.attempts_max) {
        fail_request(handle, {errc::timed_out, address + ": no answer; is it running, and is UDP port " +
                                                   std::to_string(request.way.remote.port) + " open to it and back?"});
    } else {
        ++counters_.repeated;
        send_request(now, handle);
    }
}

void message_layer::implementation::acknowledge_request(time_point now, std::uint64_t handle) {
    auto& request = requests_.at(handle);
    request.attempts = 0;
    if (request.acknowledged) return;
    request.acknowledged = true;
    request.answer_by = now + request.answer_timeout;
    if (request.fetch != 0) return;
    request.timeout = std::min(poll_factor * config_.first_timeout, config_.timeout_max);
    request_timers_.set(handle, std::min(now + jitter_.jittered(request.timeout, jitter_spread), request.answer_by));
}

void message_layer::implementation::on_answer(time_point now, const opened& frame, message&& value) {
    const auto found = request_ids_.find(value.reply_to);
    if (found == request_ids_.end() || requests_.at(found->second).to.id != frame.from) {
        ++counters_.duplicates;
        return;
    }
    const auto handle = found->second;
    auto& request = requests_.at(handle);
    if (std::holds_alternative<std::monostate>(value.body) && value.id != 0) {
        ++counters_.unknown;
        fail_request(handle, {errc::version_unsupported, request.to.address.to_string() + ": its answer is of a newer kind: update this program"});
        return;
    }
    if (std::holds_alternative<std::monostate>(value.body)) {
        acknowledge_request(now, handle);
        return;
    }
    const auto* const offer = std::get_if<large_offer>(&value.body);
    if (!offer) {
        finish_request(handle, std::move(value.body));
        return;
    }
    if (request.fetch != 0) return;
    const auto most = large_bytes_max(frame.sender_role, config_.own_role, true);
    if (offer->size_bytes == 0 || offer->size_bytes > most) {
        ++counters_.large_refused;
        fail_request(handle, {errc::limit_reached, "the answer has " + std::to_string(offer->size_bytes) + " bytes; at most " +
                                                       std::to_string(most) + " are taken"});
        return;
    }
    acknowledge_request(now, handle);
    const bool room = fetches_.peer_has_room(frame.from, offer->size_bytes, true, most) && fetches_.has_room(offer->size_bytes, true);
    if (!room) return;  // the next repetition brings the offer again
    request_timers_.clear(handle);
    request.fetch = start_fetch(now, frame, *offer, {handle, true});
}

void message_layer::implementation::finish_request(std::uint64_t handle, message_body body) {
    const auto& request = requests_.at(handle);
    ++counters_.received;
    outputs_.emplace_back(message_answered{{handle}, request.to, std::move(body)});
    erase_request(handle);
}

void message_layer::implementation::fail_request(std::uint64_t handle, error why) {
    outputs_.emplace_back(message_failed{{handle}, requests_.at(handle).to, std::move(why)});
    erase_request(handle);
}

void message_layer::implementation::cancel(std::uint64_t handle) {
    if (requests_.contains(handle)) return erase_request(handle);
    // Its end waits for poll().
    std::erase_if(outputs_, [&](const message_output& output) {
        const auto* answered = std::get_if<message_answered>(&output);
        const auto* failed = std::get_if<message_failed>(&output);
        return (answered && answered->request.value == handle) || (failed && failed->request.value == handle);
    });
}

void message_layer::implementation::erase_request(std::uint64_t handle) {
    const auto found = requests_.find(handle);
    const auto& request = found->second;
    if (request.fetch != 0) drop_fetch(request.fetch);
    if (request.offer != 0) {
        for (const auto& [flow, token] : sending_) {
            if (token == request.offer) closing_.emplace_back(flow, errc::cancelled);
        }
        objects_.withdraw(request.offer);
    }
    request_timers_.clear(handle);
    request_ids_.erase(request.id);
    requests_by_peer_.erase({request.to.id, handle});
    requests_.erase(found);
}

std::vector<std::uint64_t> message_layer::implementation::requests_to(const client_id& peer) const {
    std::vector<std::uint64_t> out;
    for (auto at = requests_by_peer_.lower_bound({peer, 0}); at != requests_by_peer_.end() && at->first == peer; ++at) out.push_back(at->second);
    return out;
}

}  // namespace p2pdist
