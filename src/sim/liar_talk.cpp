// What a liar says that no part of the system would: see liar_core.

#include "liar.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {

/// To somebody or to the server: by the message layer, which makes sure that it arrives; alone, without what a message layer would do
/// before and after; or to the whole subnet.
void liar_core::talk(time_point now) {
    const auto victim = somebody();
    const bool to_server = !victim || random_->below(3) == 0;
    const auto body = words_.anything(victim.value_or(peer_info{words_.random_id(), {}, config_.address}), wall_);
    const auto to = to_server ? server() : message_peer{victim->id, role::client, victim->address};
    if (!to_server) (void)seal_->add_peer(victim->id, victim->key);
    switch (random_->below(4)) {
        case 0: return shout(now);
        case 1: return send_alone(now, to, body);
        default: (void)messages_.request(now, to, body); return;
    }
}

/// An answer to another question, none at all, or a word of the message layer's own.
void liar_core::talk_past(time_point now, const message_received& question) {
    const peer_info asker{question.from.id, seal_->key_of(question.from.id).value_or(public_key{}), question.from.address};
    switch (random_->below(4)) {
        case 0: return;
        case 1: return messages_.drop(now, question.request);
        default: return messages_.reply(now, question.request, words_.anything(asker, wall_));
    }
}

/// An answer that nobody waits for, a number said twice, an announcement of what never comes.
void liar_core::send_alone(time_point now, const message_peer& to, const message_body& body) {
    message out;
    if (random_->below(4) != 0) last_said_ = (*random_)() | 1;
    out.id = last_said_ | 1;
    if (random_->below(2) == 0) out.reply_to = words_.number();
    out.acknowledge = random_->below(2) == 0;
    out.body = body;
    const auto frame = encode(out);
    if (frame.size() > seal_->frame_payload_max()) return;
    const auto port = to.as == role::server ? port_use::server_small_in : port_use::client_small_in;
    (void)seal_->send(now, to.id, {ports_[port_use::client_small_out], {to.address, ports_[port]}}, frame_type::message, frame);
}

/// Broadcasts a question, about what there is or was never there.
void liar_core::shout(time_point now) {
    if (!config_.address.is_v4()) return;
    auto question = broadcasts_.ask(now, wall_, *held_, {}, encode_body(discovery_request{words_.some_content().key()}));
    send_datagram out;
    out.from_port = ports_[port_use::client_small_out];
    out.to = {subnet::of(config_.address, config_.prefix_bits).broadcast(), ports_[port_use::broadcast]};
    out.header = std::move(question.datagram);
    out.broadcast = true;
    out_.push_back(std::move(out));
}

}  // namespace p2pdist::sim
