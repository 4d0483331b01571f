#include <algorithm>

#include "endpoint_implementation.hpp"
#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {

namespace {

constexpr int batch_datagrams = 32;  // of one flow before others have their turn
constexpr duration breath = std::chrono::milliseconds(1);

}  // namespace

// --- finding

detail::flow::flow_base* flow_endpoint::implementation::find(flow_handle flow) const {
    const auto found = flows_.find(flow.value);
    return found == flows_.end() ? nullptr : found->second.get();
}

detail::flow::receiving_flow* flow_endpoint::implementation::receiving(flow_handle flow) const {
    auto* const found = find(flow);
    return found && !found->sends() ? static_cast<detail::flow::receiving_flow*>(found) : nullptr;
}

detail::flow::sending_flow* flow_endpoint::implementation::sending(flow_handle flow) const {
    auto* const found = find(flow);
    return found && found->sends() ? static_cast<detail::flow::sending_flow*>(found) : nullptr;
}

detail::flow::receiving_flow* flow_endpoint::implementation::receiving_from(const client_id& peer, std::uint32_t token) const {
    const auto found = by_token_.find(token);
    return found != by_token_.end() && found->second->peer() == peer ? found->second : nullptr;
}

detail::flow::sending_flow* flow_endpoint::implementation::sending_to(const client_id& peer, std::uint32_t token) const {
    const auto found = by_peer_.find({peer, token});
    return found == by_peer_.end() ? nullptr : found->second;
}

std::uint32_t flow_endpoint::implementation::fresh_token() {
    for (;;) {
        const auto token = static_cast<std::uint32_t>(random_->u64());
        if (token != 0 && !by_token_.contains(token)) return token;
    }
}

std::size_t flow_endpoint::implementation::opened_by(const client_id& peer) const {
    std::size_t count = 0;
    for (auto flow = by_peer_.lower_bound({peer, 0}); flow != by_peer_.end() && flow->first.first == peer; ++flow) ++count;
    return count;
}

// --- the schedule

void flow_endpoint::implementation::unschedule(detail::flow::flow_base& flow) {
    if (flow.scheduled_at != never) schedule_.erase({flow.scheduled_at, flow.scheduled_order, flow.handle().value});
    flow.scheduled_at = never;
}

void flow_endpoint::implementation::schedule(detail::flow::flow_base& flow, time_point when) {
    if (when == flow.scheduled_at) return;
    unschedule(flow);
    flow.scheduled_at = when;
    if (when == never) return;
    flow.scheduled_order = next_order_++;
    schedule_.emplace(when, flow.scheduled_order, flow.handle().value);
}

void flow_endpoint::implementation::touch(time_point now, detail::flow::flow_base& flow) {
    now_ = std::max(now_, now);
    const auto when = flow.deadline(now);
    if (when < flow.scheduled_at || flow.scheduled_at == never) schedule(flow, when);
}

// --- commands

flow_handle flow_endpoint::implementation::open(time_point now, const client_id& peer, const path& way, flow_open request) {
    P2PDIST_ASSERT(request.status.size() <= flow_status_bytes_max);
    const flow_handle handle{next_handle_++};
    const bool full = flows_.size() >= config_.flows_max;
    const auto token = fresh_token();
    auto flow = std::make_unique<detail::flow::receiving_flow>(context_, handle, peer, way, token, now, std::move(request));
    by_token_.emplace(token, flow.get());
    if (full) flow->end({errc::limit_reached, "too many flows are open on this node", 1000});
    auto& kept = *flow;
    flows_.emplace(handle.value, std::move(flow));
    touch(now, kept);
    return handle;
}

void flow_endpoint::implementation::want(time_point now, flow_handle flow, const std::vector<index_range>& ranges) {
    auto* const found = receiving(flow);
    if (!found) return;
    found->want(ranges);
    touch(now, *found);
}

void flow_endpoint::implementation::authenticate(time_point now, flow_handle flow) {
    auto* const found = receiving(flow);
    if (!found) return;
    found->authenticate(now);
    touch(now, *found);
}

void flow_endpoint::implementation::accept(time_point now, flow_handle flow, std::uint64_t object_bytes, bytes status) {
    auto* const found = sending(flow);
    if (!found) return;
    found->accept(now, object_bytes, std::move(status));
    touch(now, *found);
}

void flow_endpoint::implementation::provide(time_point now, flow_handle flow, std::uint64_t offset, const shared_bytes& data) {
    auto* const found = sending(flow);
    if (!found) return;
    found->provide(offset, data);
    touch(now, *found);
}

void flow_endpoint::implementation::set_status(time_point now, flow_handle flow, bytes status) {
    auto* const found = find(flow);
    if (!found) return;
    found->set_status(now, std::move(status));
    touch(now, *found);
}

void flow_endpoint::implementation::close(time_point now, flow_handle flow, flow_close why) {
    auto* const found = find(flow);
    if (!found) return;
    // An end that came from the other side and was not polled yet needs no answer.
    if (!found->ending()) {
        context_.say(now, found->peer(), found->way(), {found->token(), !found->sends(), why});
        remember_end(now, *found, why);
    }
    remove(*found);
}

std::optional<flow_statistics> flow_endpoint::implementation::statistics(flow_handle flow) const {
    const auto* const found = find(flow);
    if (!found) return std::nullopt;
    return found->statistics(now_);
}

void flow_endpoint::implementation::remember_end(time_point now, const detail::flow::flow_base& flow, const flow_close& why) {
    detail::flow::flow_ending ending;
    ending.peer = flow.peer();
    ending.way = flow.way();
    ending.token = flow.token();
    ending.to_sender = !flow.sends();
    ending.why = why;
    if (!flow.sends()) ending.keys = static_cast<const detail::flow::receiving_flow&>(flow).keys();
    endings_.add(now, std::move(ending));
}

void flow_endpoint::implementation::remove(detail::flow::flow_base& flow) {
    unschedule(flow);
    if (flow.sends()) {
        by_peer_.erase({flow.peer(), flow.token()});
    } else {
        by_token_.erase(flow.token());
    }
    flows_.erase(flow.handle().value);
}

// --- inputs

void flow_endpoint::implementation::on_control(time_point now, const opened& frame) {
    if (frame.type != frame_type::flow_control) return;
    auto decoded = decode_flow_control(frame.payload);
    if (!decoded) return;
    auto& control = *decoded;
    now_ = std::max(now_, now);
    if (auto* request = std::get_if<flow_open>(&control.signal)) return on_open(now, frame, control.token, std::move(*request));
    if (auto* feedback = std::get_if<flow_feedback>(&control.signal)) return on_feedback(now, frame, control.token, std::move(*feedback));
    if (const auto* why = std::get_if<flow_close>(&control.signal)) return on_close(now, frame, control, *why);
    auto* const flow = receiving_from(frame.from, control.token);
    if (!flow) {
        if (const auto past = endings_.find(now, frame.from, control.token, true); past.answer) repeat_end(now, *past.ending);
        return;
    }
    if (const auto* acceptance = std::get_if<flow_accept>(&control.signal)) flow->on_accept(now, frame, *acceptance);
    if (const auto* status = std::get_if<flow_status>(&control.signal)) flow->on_status(now, *status);
    touch(now, *flow);
}

void flow_endpoint::implementation::on_open(time_point now, const opened& frame, std::uint32_t token, flow_open request) {
    if (auto* const known = sending_to(frame.from, token)) {
        known->on_open_again(now);
        return touch(now, *known);
    }
    if (const auto past = endings_.find(now, frame.from, token, false); past.ending) {
        if (past.answer) repeat_end(now, *past.ending);
        return;
    }
    if (flows_.size() >= config_.flows_max || opened_by(frame.from) >= limits::flows_of_peer_max) {
        const flow_close why{errc::limit_reached, "too many flows are open on the sender", 1000};
        context_.say(now, frame.from, frame.way, {token, false, why});
        return endings_.add(now, {frame.from, frame.way, token, false, why, {}, {}, {}});
    }
    const auto key = context_.link.flow_key(frame.from, frame.session, token, frame.from);
    if (!key) return;  // the session is gone already; the open is repeated under a new one
    const flow_handle handle{next_handle_++};
    auto flow = std::make_unique<detail::flow::sending_flow>(context_, handle, frame, token, *key, now, std::move(request));
    auto& kept = *flow;
    by_peer_.emplace(flow_key{frame.from, token}, flow.get());
    flows_.emplace(handle.value, std::move(flow));
    touch(now, kept);
}

void flow_endpoint::implementation::on_feedback(time_point now, const opened& frame, std::uint32_t token, flow_feedback feedback) {
    if (auto* const flow = sending_to(frame.from, token)) {
        if (feedback.received_packets == 0) {
            if (const auto key = context_.link.flow_key(frame.from, frame.session, token, frame.from)) flow->set_key(*key);
        }
        flow->on_feedback(now, std::move(feedback));
        return touch(now, *flow);
    }
    if (const auto past = endings_.find(now, frame.from, token, false); past.ending) {
        if (past.answer) repeat_end(now, *past.ending);
        return;
    }
    // Never heard of it, or forgotten: the first feedback may have overtaken its open, a later one has not.
    if (feedback.sequence < 2) return;
    const flow_close why{errc::not_found, {}, 0};
    context_.say(now, frame.from, frame.way, {token, false, why});
    endings_.add(now, {frame.from, frame.way, token, false, why, {}, {}, {}});
}

void flow_endpoint::implementation::on_close(time_point now, const opened& frame, const flow_control& control, const flow_close& why) {
    if (control.to_sender) {
        auto* const flow = sending_to(frame.from, control.token);
        if (!flow) return;
        flow->end(why);
        return touch(now, *flow);
    }
    auto* const flow = receiving_from(frame.from, control.token);
    if (!flow) return;
    flow->on_close(why);
    touch(now, *flow);
}

void flow_endpoint::implementation::repeat_end(time_point now, const detail::flow::flow_ending& ending) {
    context_.say(now, ending.peer, ending.way, {ending.token, ending.to_sender, ending.why});
}

std::optional<flow_piece> flow_endpoint::implementation::on_data(time_point now, const received_datagram& datagram) {
    const auto header = decode_data_header(datagram.payload);
    if (!header) return std::nullopt;
    if (const auto found = by_token_.find(header->token); found != by_token_.end()) {
        const auto piece = found->second->on_data(now, datagram);
        touch(now, *found->second);
        return piece;
    }
    // The sender did not hear that we closed. Only its own data tell us so: others' must not make us speak.
    const auto past = endings_.find_received(now, header->token);
    if (!past.answer) return std::nullopt;
    for (const auto& key : past.ending->keys) {
        if (!open_data(context_.crypto, key, datagram.payload)) continue;
        repeat_end(now, *past.ending);
        break;
    }
    return std::nullopt;
}

void flow_endpoint::implementation::end_all_of(time_point now, const client_id& peer, const flow_close& why) {
    for (const auto& [handle, flow] : flows_) {
        if (flow->peer() != peer) continue;
        flow->end(why);
        touch(now, *flow);
    }
}

// --- output

std::optional<flow_output> flow_endpoint::implementation::poll(time_point now) {
    now_ = std::max(now_, now);
    while (!schedule_.empty() && std::get<0>(*schedule_.begin()) <= now) {
        auto& flow = *flows_.at(std::get<2>(*schedule_.begin()));
        if (auto output = flow.poll(now)) {
            if (flow.finished()) {
                remove(flow);
            } else if (++flow.batch >= batch_datagrams) {
                flow.batch = 0;
                unschedule(flow);
                schedule(flow, now);
            }
            return output;
        }
        flow.batch = 0;
        // Nothing came although it was due: whatever it waits for comes with an input, so this is only to be safe against spinning.
        const auto next = flow.deadline(now);
        schedule(flow, next <= now ? now + breath : next);
    }
    return std::nullopt;
}

}  // namespace p2pdist
