#include "layer.hpp"

#include <algorithm>
#include <array>

namespace p2pdist {
namespace {

constexpr std::array own_uses_of_client{port_use::client_small_out,    port_use::client_small_in,     port_use::client_large_fg_out,
                                        port_use::client_large_fg_in,  port_use::client_large_bg_out, port_use::client_large_bg_in};
constexpr std::array own_uses_of_server{port_use::server_small_out,    port_use::server_small_in,     port_use::server_large_fg_out,
                                        port_use::server_large_fg_in,  port_use::server_large_bg_out, port_use::server_large_bg_in};

std::set<std::uint16_t> ports_of(role own, const port_plan& plan) {
    std::set<std::uint16_t> out;
    if (own == role::connector) return {plan[port_use::connector_reply]};
    for (const auto use : own == role::server ? own_uses_of_server : own_uses_of_client) out.insert(plan[use]);
    return out;
}

}  // namespace

message_layer::implementation::implementation(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                                              message_layer_config config)
    : crypto_(&crypto),
      random_bytes_(&random_bytes),
      link_(&link),
      jitter_(jitter_seed),
      config_(std::move(config)),
      own_ports_(ports_of(config_.own_role, config_.ports)),
      flows_(crypto, random_bytes, link, jitter_(), config_.flow),
      next_id_(random_bytes.u64()),
      answers_(config_.answers_max, config_.answer_bytes_max) {}

bool message_layer::implementation::roles_talk(role left, role right) noexcept {
    if (left == role::connector || right == role::connector) return left == role::server || right == role::server;
    return left == role::client || right == role::client;
}

path message_layer::implementation::way_over(const port_pair& pair, bool we_started, const ip_address& remote) const noexcept {
    const auto own = we_started ? pair.from : pair.to;
    const auto other = we_started ? pair.to : pair.from;
    return {config_.ports[own], {remote, config_.ports[other]}};
}

std::uint64_t message_layer::implementation::next_id() noexcept {
    if (++next_id_ == 0) ++next_id_;
    return next_id_;
}

// ---- inputs

void message_layer::implementation::on_frame(time_point now, const opened& frame) {
    if (!roles_talk(frame.sender_role, config_.own_role)) {
        ++counters_.wrong_port;
        return;
    }
    if (frame.type == frame_type::flow_control) {
        flows_.on_control(now, frame);
        return;
    }
    if (frame.type != frame_type::message) return;
    auto value = decode_message(frame.payload);
    if (!value) {
        ++counters_.malformed;
        return;
    }
    const bool we_started = value->reply_to != 0;
    const auto pair = we_started ? small_pair(config_.own_role, frame.sender_role) : small_pair(frame.sender_role, config_.own_role);
    if (frame.way != way_over(pair, we_started, frame.way.remote.address)) {
        ++counters_.wrong_port;
        return;
    }
    if (we_started)
        on_answer(now, frame, *std::move(value));
    else
        on_request(now, frame, *std::move(value));
}

void message_layer::implementation::on_data(time_point now, const received_datagram& datagram) {
    const auto piece = flows_.on_data(now, datagram);
    if (!piece || piece->repeated) return;   // the hash will tell which of the two was true
    const auto key = fetches_.key_of_flow(piece->flow.value);
    if (!key) return;
    auto& fetch = *fetches_.find(*key);
    if (fetch.add(now, piece->offset, piece->payload) && fetch.complete()) finish_fetch(now, *key);
}

void message_layer::implementation::on_timer(time_point now) {
    close_flows(now);
    while (const auto handle = request_timers_.pop_due(now)) on_request_timer(now, *handle);
    while (const auto handle = acknowledge_timers_.pop_due(now)) acknowledge(now, *handle);
    while (const auto key = fetch_timers_.pop_due(now)) on_fetch_timer(now, *key);
    forget_old(now);
    flows_.on_timer(now);
}

void message_layer::implementation::on_peer_unreachable(time_point now, const client_id& peer, const std::optional<error>& why) {
    for (const auto handle : requests_to(peer)) {
        const auto& request = requests_.at(handle);
        const auto address = request.to.address.to_string();
        auto reason = request.mismatch ? *request.mismatch
                      : why            ? *why
                                       : error{errc::unreachable, address + ": no answer; is it running, and is UDP port " +
                                                                      std::to_string(request.way.remote.port) + " open to it and back?"};
        fail_request(handle, std::move(reason));
    }
    flows_.on_peer_unreachable(now, peer);
}

void message_layer::implementation::on_peer_restarted(time_point now, const client_id& peer) {
    // Fetches of the peer's own requests: it will say again what it still wants.
    std::vector<std::uint64_t> unfinished;
    for (const auto& [key, fetch] : fetches_.all()) {
        if (fetch.peer == peer && !fetch.purpose.is_reply) unfinished.push_back(fetch.purpose.handle);
    }
    for (const auto handle : unfinished) forget_request(handle);
    for (const auto handle : requests_to(peer)) {
        auto& request = requests_.at(handle);
        if (request.fetch != 0) drop_fetch(request.fetch, errc::unreachable);  // its answer is still wanted
        request.acknowledged = false;
        request.answer_by = never;
        request.attempts = 0;
        request.timeout = config_.first_timeout;
        send_request(now, handle);
    }
    flows_.on_peer_restarted(now, peer);
}

void message_layer::implementation::on_version_mismatch(const client_id& peer, const error& why) {
    for (const auto handle : requests_to(peer)) requests_.at(handle).mismatch = why;
}

// ---- outputs

std::optional<message_output> message_layer::implementation::poll(time_point now) {
    close_flows(now);
    while (true) {
        if (!outputs_.empty()) {
            auto out = std::move(outputs_.front());
            outputs_.pop_front();
            return out;
        }
        auto event = flows_.poll(now);
        if (!event) return std::nullopt;
        if (auto* const datagram = std::get_if<send_datagram>(&*event)) return std::move(*datagram);
        if (const auto* const requested = std::get_if<flow_requested>(&*event)) on_flow(now, *requested);
        if (const auto* const accept = std::get_if<flow_accepted>(&*event)) on_flow(now, *accept);
        if (const auto* const needs = std::get_if<flow_needs>(&*event)) on_flow(now, *needs);
        if (const auto* const ended = std::get_if<flow_ended>(&*event)) on_flow(now, *ended);
    }
}

time_point message_layer::implementation::deadline() const {
    if (!closing_.empty()) return time_point::min();
    return std::min({request_timers_.earliest(), acknowledge_timers_.earliest(), fetch_timers_.earliest(), answers_.deadline(), flows_.deadline()});
}

// ---- the public face

message_layer::message_layer(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                             message_layer_config config)
    : self_(std::make_unique<implementation>(crypto, random_bytes, link, jitter_seed, std::move(config))) {}
message_layer::~message_layer() = default;
message_layer::message_layer(message_layer&&) noexcept = default;
message_layer& message_layer::operator=(message_layer&&) noexcept = default;

message_handle message_layer::request(time_point now, const message_peer& to, message_body body, message_options options) {
    return self_->request(now, to, std::move(body), options);
}
void message_layer::cancel(message_handle request) { self_->cancel(request.value); }
void message_layer::reply(time_point now, message_handle request, message_body body, transfer_protocol large_protocol) {
    self_->reply(now, request.value, std::move(body), large_protocol);
}
void message_layer::drop(time_point now, message_handle request) {
    self_->reply(now, request.value, accepted{}, transfer_protocol::background);
}
void message_layer::on_frame(time_point now, const opened& frame) { self_->on_frame(now, frame); }
void message_layer::on_data(time_point now, const received_datagram& datagram) { self_->on_data(now, datagram); }
void message_layer::on_timer(time_point now) { self_->on_timer(now); }
void message_layer::on_peer_unreachable(time_point now, const client_id& peer, std::optional<error> why) {
    self_->on_peer_unreachable(now, peer, why);
}
void message_layer::on_peer_restarted(time_point now, const client_id& peer) { self_->on_peer_restarted(now, peer); }
void message_layer::start_anew() { self_->start_anew(); }
void message_layer::on_version_mismatch(time_point, const client_id& peer, error why) { self_->on_version_mismatch(peer, why); }
bool message_layer::owns_port(std::uint16_t local_port) const noexcept { return self_->owns_port(local_port); }
std::optional<message_output> message_layer::poll(time_point now) { return self_->poll(now); }
time_point message_layer::deadline() const { return self_->deadline(); }
std::size_t message_layer::open_requests() const noexcept { return self_->open_requests(); }
const message_counters& message_layer::statistics() const noexcept { return self_->statistics(); }

}  // namespace p2pdist
