// Messages and replies that don't fit a datagram: offered by a small message, fetched by its receiver as a flow.

#include <algorithm>

#include "layer.hpp"

namespace p2pdist {
namespace {

constexpr duration retry_delay = std::chrono::seconds(1);
constexpr double retry_jitter_spread = 0.2;

/// Reasons for which asking again is of no use.
bool is_final(errc reason) noexcept {
    return reason == errc::not_found || reason == errc::not_authorised || reason == errc::refused || reason == errc::cancelled ||
           reason == errc::unreachable || reason == errc::invalid_argument;
}

}  // namespace

/// What the largest message between such nodes needs: nobody else's device may fill memory with more. Connectors have the security key.
std::uint64_t message_layer::implementation::large_bytes_max(role sender, role receiver, bool is_reply) const noexcept {
    auto most = limits::large_between_clients_bytes_max;
    if (sender == role::connector || receiver == role::connector) most = limits::large_message_bytes_max;
    else if (sender == role::server) most = limits::client_large_message_bytes_max;
    else if (receiver == role::server && !is_reply) most = limits::large_to_server_bytes_max;
    return std::min(most, config_.large_bytes_max);
}

result<std::uint64_t> message_layer::implementation::offer_if_large(message& value, const client_id& peer, role peer_role, large_offerer by,
                                                                    transfer_protocol protocol) {
    auto body = encode_body(value.body);
    // Two ids, the flag and the body's own header.
    constexpr std::size_t around_body = 9 + 9 + 2 + 4;
    if (body.size() + around_body <= link_->frame_payload_max()) return std::uint64_t{0};
    const auto most = large_bytes_max(config_.own_role, peer_role, by.is_reply);
    if (body.size() > most)
        return {errc::limit_reached, std::string(name_of(value.body)) + " has " + std::to_string(body.size()) + " bytes; at most " +
                                         std::to_string(most) + " are sent"};
    const auto offer = objects_.offer(*crypto_, *random_bytes_, peer, by, std::move(body), protocol);
    if (!offer) return {errc::limit_reached, "too many large messages are on their way; try again later"};
    ++counters_.large_sent;
    value.body = *offer;
    return offer->token;
}

// ---- fetching

std::uint64_t message_layer::implementation::start_fetch(time_point now, const opened& frame, const large_offer& offer, fetch_purpose purpose) {
    // The pair follows the direction of the request, whichever way the bytes go (MSG-4).
    const auto pair = purpose.is_reply ? large_pair(config_.own_role, frame.sender_role, offer.protocol)
                                       : large_pair(frame.sender_role, config_.own_role, offer.protocol);
    large_fetch fetch{frame.from, frame.sender_role, way_over(pair, purpose.is_reply, frame.way.remote.address), offer, purpose};
    if (purpose.is_reply && frame.sender_role == role::client) fetch.give_up_at = requests_.at(purpose.handle).answer_by;
    const auto key = fetches_.add(std::move(fetch));
    open_flow(now, key);
    return key;
}

void message_layer::implementation::open_flow(time_point now, std::uint64_t key) {
    auto& fetch = *fetches_.find(key);
    fetch.begin(now);
    flow_open open;
    open.object = message_object{fetch.offer.token};
    open.protocol = fetch.offer.protocol;
    open.strict = fetch.strict;
    open.datagram_bytes_max = static_cast<std::uint32_t>(link_->data_frame_max());
    const auto flow = flows_.open(now, fetch.peer, fetch.way, std::move(open));
    fetches_.set_flow(key, flow.value);
    flows_.want(now, flow, {{0, fetch.offer.size_bytes}});
    if (fetch.give_up_at != never) fetch_timers_.set(key, std::min(fetch.slow_from(), fetch.give_up_at));
}

/// Either its next flow is due, or an answer that a client gives too slowly: whoever asked it would wait for ever. The server's answers
/// have all the time that a busy line takes, and others' requests until somebody needs their room.
void message_layer::implementation::on_fetch_timer(time_point now, std::uint64_t key) {
    const auto& fetch = *fetches_.find(key);
    if (now >= fetch.give_up_at) return fail_fetch(now, key, {errc::timed_out, "the answer was announced and did not come in time"});
    if (fetch.flow == 0) return open_flow(now, key);
    const auto due = std::min(fetch.slow_from(), fetch.give_up_at);
    if (now < due) return fetch_timers_.set(key, due);
    flows_.close(now, {fetch.flow}, {errc::timed_out, "too slow", 0});
    retry_or_fail_fetch(now, key, {{fetch.flow}, errc::timed_out, "next to nothing comes", {}});
}

/// Whether a request of this size may be fetched from the peer now; the slowest of others' make room for it.
bool message_layer::implementation::make_fetch_room(time_point now, const opened& frame, std::uint64_t size_bytes) {
    const auto most = large_bytes_max(frame.sender_role, config_.own_role, false);
    if (fetches_.waits_its_turn(now, frame.from) || !fetches_.peer_has_room(frame.from, size_bytes, false, most)) return false;
    while (!fetches_.has_room(size_bytes, false)) {
        const auto* const slow = fetches_.slowest_request(now, frame.from);
        if (!slow) return false;
        fetches_.send_back(now, slow->peer);
        forget_request(slow->purpose.handle);  // its sender still asks: it comes again when it has its turn
    }
    return true;
}

void message_layer::implementation::finish_fetch(time_point now, std::uint64_t key) {
    auto& fetch = *fetches_.find(key);
    if (crypto_->sha256({fetch.data()}) != fetch.offer.sha256) {
        on_wrong_hash(now, key);
        return;
    }
    flows_.close(now, {fetch.flow});
    auto body = decode_body(fetch.data());
    if (!body || std::holds_alternative<large_offer>(*body)) {
        ++counters_.malformed;
        fail_fetch(now, key, {errc::malformed, "the large message does not parse"});
        return;
    }
    ++counters_.large_received;
    const auto purpose = fetch.purpose;
    fetch_timers_.clear(key);
    fetches_.erase(key);
    if (purpose.is_reply) {
        requests_.at(purpose.handle).fetch = 0;
        finish_request(purpose.handle, *std::move(body));
    } else {
        auto& request = *answers_.find(purpose.handle);
        request.fetch = 0;
        deliver(purpose.handle, request, *std::move(body));
    }
}

void message_layer::implementation::on_wrong_hash(time_point now, std::uint64_t key) {
    // Data frames' tags cover their headers only: somebody on the way may have altered the payload. The second time they cover all.
    auto& fetch = *fetches_.find(key);
    flows_.close(now, {fetch.flow}, {errc::integrity_failed, "the hash does not fit", 0});
    fetches_.set_flow(key, 0);
    if (fetch.strict) {
        fail_fetch(now, key, {errc::integrity_failed, "the large message does not fit its hash"});
        return;
    }
    fetch.strict = true;
    open_flow(now, key);
}

void message_layer::implementation::retry_or_fail_fetch(time_point now, std::uint64_t key, const flow_ended& end) {
    auto& fetch = *fetches_.find(key);
    fetches_.set_flow(key, 0);
    if (is_final(end.reason) || fetch.attempts >= limits::large_fetch_attempts_max) {
        fail_fetch(now, key, {end.reason, "the large message could not be fetched: " + (end.text.empty() ? make_error_code(end.reason).message() : end.text)});
        return;
    }
    ++fetch.attempts;
    fetch_timers_.set(key, std::min(now + jitter_.jittered(std::max(end.retry_after, retry_delay), retry_jitter_spread), fetch.give_up_at));
}

void message_layer::implementation::fail_fetch(time_point now, std::uint64_t key, error why) {
    const auto purpose = fetches_.find(key)->purpose;
    drop_fetch(key);
    if (purpose.is_reply) {
        requests_.at(purpose.handle).fetch = 0;
        fail_request(purpose.handle, std::move(why));
    } else {
        answers_.find(purpose.handle)->fetch = 0;
        reply(now, purpose.handle, error_reply{why.code, std::move(why.message)}, transfer_protocol::background);
    }
}

void message_layer::implementation::drop_fetch(std::uint64_t key, errc reason) {
    const auto* const fetch = fetches_.find(key);
    if (!fetch) return;
    if (fetch->flow != 0) closing_.emplace_back(fetch->flow, reason);
    if (fetch->purpose.is_reply) {
        if (const auto request = requests_.find(fetch->purpose.handle); request != requests_.end()) request->second.fetch = 0;
    }
    fetch_timers_.clear(key);
    fetches_.erase(key);
}

void message_layer::implementation::close_flows(time_point now) {
    for (const auto& [flow, reason] : closing_) {
        flows_.close(now, {flow}, {reason, {}, 0});
        if (const auto sent = sending_.find(flow); sent != sending_.end()) {
            objects_.flow_ended(sent->second);
            sending_.erase(sent);
        }
    }
    closing_.clear();
}

// ---- events of flows

void message_layer::implementation::on_flow(time_point now, const flow_requested& event) {
    const auto* const wanted = std::get_if<message_object>(&event.open.object);
    auto* const object = wanted && roles_talk(event.peer_role, config_.own_role) ? objects_.find(event.peer, wanted->token) : nullptr;
    const auto way_fits = [&] {
        const auto pair = object->by.is_reply ? large_pair(event.peer_role, config_.own_role, object->protocol)
                                              : large_pair(config_.own_role, event.peer_role, object->protocol);
        return event.way == way_over(pair, !object->by.is_reply, event.way.remote.address);
    };
    if (!object || object->withdrawn || event.open.protocol != object->protocol || !way_fits()) {
        ++counters_.large_refused;
        flows_.refuse(now, event.flow, {errc::not_found, "no such message is on offer", 0});
        return;
    }
    const auto of_peer = std::ranges::count_if(sending_, [&](const auto& one) { return objects_.find(event.peer, one.second) != nullptr; });
    if (static_cast<std::size_t>(of_peer) >= limits::large_sends_of_peer_max) {
        ++counters_.large_refused;
        flows_.refuse(now, event.flow, {errc::limit_reached, "too much is fetched at once", 1000});
        return;
    }
    ++object->flows;
    sending_[event.flow.value] = wanted->token;
    flows_.accept(now, event.flow, object->data->size(), {});
    if (!object->by.is_reply) acknowledge_request(now, object->by.handle);
}

void message_layer::implementation::on_flow(time_point now, const flow_accepted& event) {
    const auto key = fetches_.key_of_flow(event.flow.value);
    if (!key || fetches_.find(*key)->offer.size_bytes == event.object_bytes) return;
    fail_fetch(now, *key, {errc::integrity_failed, "the large message has another size than announced"});
}

void message_layer::implementation::on_flow(time_point now, const flow_needs& event) {
    const auto sent = sending_.find(event.flow.value);
    const auto* const object = sent == sending_.end() ? nullptr : objects_.find(sent->second);
    if (!object) return;
    const auto first = std::min<std::uint64_t>(event.range.first, object->data->size());
    const auto length = std::min<std::uint64_t>(event.range.length, object->data->size() - first);
    const auto part = byte_span(*object->data).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(length));
    if (!part.empty()) flows_.provide(now, event.flow, first, shared_bytes(object->data, part));
}

void message_layer::implementation::on_flow(time_point now, const flow_ended& event) {
    if (const auto key = fetches_.key_of_flow(event.flow.value)) {
        retry_or_fail_fetch(now, *key, event);
        return;
    }
    const auto sent = sending_.find(event.flow.value);
    if (sent == sending_.end()) return;
    const auto token = sent->second;
    sending_.erase(sent);
    // errc::cancelled: it has all of it, or needs it no more. An object of a request stays until the request is answered.
    const auto* const object = objects_.find(token);
    if (object && object->by.is_reply && event.reason == errc::cancelled) objects_.withdraw(token);
    objects_.flow_ended(token);
}

}  // namespace p2pdist
