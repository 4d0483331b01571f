#include "discovery.hpp"

#include "p2pdist/wire/frame.hpp"

namespace p2pdist::client_room {

discovery::discovery(node& shared, const office_view& offices, hooks called)
    : node_(&shared), offices_(&offices), hooks_(std::move(called)), exchange_(*shared.crypto, *shared.random_bytes, shared.self) {}

bool discovery::possible() const { return node_->config.broadcast && node_->seal.held() && offices_->broadcasts(); }

void discovery::ask(time_point now, const content_key& content) {
    if (!possible()) return;
    auto question = exchange_.ask(now, node_->wall, *node_->seal.held(), node_->seal.revocations(), encode_body(discovery_request{content}));
    send_datagram out;
    out.from_port = node_->config.ports[port_use::client_small_out];
    out.to = endpoint{*node_->config.broadcast, node_->config.ports[port_use::broadcast]};
    out.header = std::move(question.datagram);
    out.broadcast = true;
    ++counters_.asked;
    if (node_->logs(log_level::debug)) node_->log(log_level::debug, "event=broadcast content=" + content.id.text());
    node_->emit(client_output{std::move(out)});
}

void discovery::on_datagram(time_point now, const received_datagram& datagram) {
    if (!node_->seal.held()) return;
    // Loopback's one broadcast address is shared by all its subnets, a real one is not: the sender decides (MSG-3).
    if (!offices_->in_own_subnet(datagram.from.address)) {
        ++counters_.foreign;
        return;
    }
    if (frame_type_of(datagram.payload) == frame_type::broadcast_request) {
        on_request(now, datagram);
    } else {
        on_answer(now, datagram);
    }
}

void discovery::on_request(time_point now, const received_datagram& datagram) {
    if (datagram.local.port != node_->config.ports[port_use::broadcast]) return;
    const auto& held = *node_->seal.held();
    const auto request = exchange_.on_request(now, node_->wall, held, node_->seal.revocations(), datagram.from.address, datagram.payload);
    if (!request) return;
    const auto body = decode_body(request->payload);
    const auto* question = body ? std::get_if<discovery_request>(&*body) : nullptr;
    if (!question) {
        ++counters_.malformed;
        return;
    }
    // A subnet can hold ranges of several offices; and clients of a VPN office share nothing (OFF-3).
    if (!offices_->shares() || offices_->relation_of(datagram.from.address) != relation::office) return;
    const auto reply = hooks_.holding_of(question->content);
    if (reply.state == holding_state::none && !reply.acting) return;
    const auto payload = encode_body(reply);
    if (payload.size() > broadcast_answer_payload_max) return;
    auto sealed = seal_broadcast_answer(*node_->crypto, held, node_->self, *request, payload);
    if (sealed.empty()) return;
    send_datagram out;
    out.from_port = node_->config.ports[port_use::client_small_in];
    out.to = datagram.from;
    out.header = std::move(sealed);
    ++counters_.answered;
    node_->emit(client_output{std::move(out)});
}

void discovery::on_answer(time_point now, const received_datagram& datagram) {
    if (datagram.local.port != node_->config.ports[port_use::client_small_out]) return;
    const auto& held = *node_->seal.held();
    const auto answered = exchange_.on_answer(now, node_->wall, held, node_->seal.revocations(), datagram.from.address, datagram.payload);
    if (!answered) return;
    const auto body = decode_body(answered->payload);
    const auto* reply = body ? std::get_if<discovery_reply>(&*body) : nullptr;
    if (!reply) {
        ++counters_.malformed;
        return;
    }
    if (offices_->relation_of(datagram.from.address) != relation::office) return;
    ++counters_.heard;
    (void)node_->seal.add_peer(answered->from, answered->key);
    hooks_.found_peer(now, found{peer_info{answered->from, answered->key, datagram.from.address}, *reply});
}

}  // namespace p2pdist::client_room
