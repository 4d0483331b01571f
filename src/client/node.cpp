#include "node.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist::client_room {
namespace {

message_layer_config message_config(const client_config& config) {
    message_layer_config out;
    out.own_role = role::client;
    out.ports = config.ports;
    out.flow.foreground = config.foreground;
    out.flow.background = config.background;
    out.large_bytes_max = limits::client_large_message_bytes_max;
    return out;
}

envelope_config seal_config(const client_config& config) {
    envelope_config out;
    out.versions = versions_between(config.protocol_oldest, config.protocol_newest);
    return out;
}

transfer_engine_config engine_config(const client_config& config) {
    transfer_engine_config out;
    out.own_role = role::client;
    out.ports = config.ports;
    out.foreground = config.foreground;
    out.background = config.background;
    out.log = config.log;
    return out;
}

}  // namespace

node::node(const crypto_suite& crypto_functions, entropy& random, client_config configuration, wall_time wall_now)
    : crypto(&crypto_functions),
      random_bytes(&random),
      config(std::move(configuration)),
      self(identity_from_secret(crypto_functions, config.identity)),
      wall(wall_now),
      jitter(config.jitter_seed),
      seal(crypto_functions, random, self, std::nullopt, seal_config(config)),
      messages(crypto_functions, random, seal, jitter(), message_config(config)),
      transfers(crypto_functions, random, seal, jitter(), engine_config(config)) {}

message_handle node::ask(time_point now, const message_peer& to, message_body body, answer_handler then,
                         message_options options) {
    if (auto* want = std::get_if<want_request>(&body)) want->revocations = seal.revocations().number;
    const auto handle = messages.request(now, to, std::move(body), options);
    asked_.insert_or_assign(handle, std::move(then));
    return handle;
}

message_handle node::ask(time_point now, const peer_info& to, message_body body, answer_handler then,
                         message_options options) {
    if (!seal.knows(to.id)) (void)seal.add_peer(to.id, to.key);  // a key that is not the id's makes the request fail, as it should
    return ask(now, message_peer{to.id, role::client, to.address}, std::move(body), std::move(then), options);
}

void node::answer_want(time_point now, message_handle request, want_reply reply) {
    reply.revocations = seal.revocations().number;
    messages.reply(now, request, std::move(reply));
}

void node::forget(message_handle request) {
    if (asked_.erase(request) != 0) messages.cancel(request);
}

bool answer::settled() const noexcept {
    if (!reached || !failure) return reached;
    switch (failure->code) {
        case errc::database_failed:
        case errc::limit_reached:
        case errc::no_space:
        case errc::io_failed:
        case errc::not_activated:
        case errc::not_authorised: return false;
        default: return true;
    }
}

void node::on_answered(time_point now, message_answered&& what) {
    const auto found = asked_.find(what.request);
    if (found == asked_.end()) return;
    const auto then = std::move(found->second);
    asked_.erase(found);
    answer got;
    got.reached = true;
    if (auto* refusal = std::get_if<error_reply>(&what.body)) {
        got.failure = error{refusal->code, std::move(refusal->text)};
    } else {
        got.body = std::move(what.body);
    }
    then(now, got);
}

void node::on_failed(time_point now, message_failed&& what) {
    const auto found = asked_.find(what.request);
    if (found == asked_.end()) return;
    const auto then = std::move(found->second);
    asked_.erase(found);
    answer got;
    got.failure = std::move(what.why);
    then(now, got);
}

void node::ask_store(decltype(store_request::operation) operation, store_handler then) {
    const auto id = next_store_request_++;
    stored_.emplace(id, std::move(then));
    emit(client_output{store_request{id, std::move(operation)}});
}

void node::on_store_done(time_point now, store_completion&& completion) {
    const auto evicted = std::exchange(completion.evicted, {});
    if (completion.id & transfer_store_request_bit) {
        transfers.on_store_done(now, std::move(completion));
    } else if (const auto found = stored_.find(completion.id); found != stored_.end()) {
        const auto then = std::move(found->second);
        stored_.erase(found);
        if (then) then(now, completion);
    }
    if (!on_evicted) return;
    for (const auto& key : evicted) on_evicted(now, key);
}

void node::emit(client_event event) {
    if (const auto* fresh = std::get_if<client_progress>(&event)) {
        // A newer progress takes the place of one that nobody has polled yet.
        for (auto& waiting : out) {
            auto* other = std::get_if<client_event>(&waiting);
            auto* old = other ? std::get_if<client_progress>(other) : nullptr;
            if (old && old->transfer.content.id == fresh->transfer.content.id) {
                *old = *fresh;
                return;
            }
        }
    }
    if (out.size() >= limits::client_events_max && std::holds_alternative<client_notice>(event)) return;
    out.emplace_back(std::move(event));
}

void node::notice(log_level level, std::string text) {
    log(level, "notice=\"" + text + '"');
    emit(client_event{client_notice{level, std::move(text)}});
}

std::string brief(const peer_info& peer) {
    return peer.id.to_string().substr(0, 8) + '@' + peer.address.to_string();
}

std::string_view to_string(want_verdict verdict) noexcept {
    switch (verdict) {
        case want_verdict::holder: return "holder";
        case want_verdict::acting: return "acting";
        case want_verdict::partial: return "partial";
        case want_verdict::not_me: return "not_me";
        case want_verdict::cannot: return "cannot";
        case want_verdict::unknown: return "unknown";
    }
    return "?";
}

std::string_view to_string(holding_state state) noexcept {
    switch (state) {
        case holding_state::none: return "none";
        case holding_state::partial: return "partial";
        case holding_state::complete: return "complete";
    }
    return "?";
}

}  // namespace p2pdist::client_room
