// Own hellos, and the welcomes to them.

#include <algorithm>

#include "envelope_core.hpp"
#include "p2pdist/base/assert.hpp"

namespace p2pdist {

using detail::greeting;
using detail::peer_entry;
using detail::session;

send_status envelope::core::begin_handshake(time_point now, peer_entry& peer, const path& way) {
    if (peer.held_off_until && now < *peer.held_off_until) return send_status::held_off;
    if (handshakes_.size() >= limits::session_handshakes_max) return send_status::full;
    if (!shared_with(peer)) return send_status::unknown_peer;
    auto& shake = handshakes_[peer.id];
    shake.way = way;
    say_hello(now, peer.id, shake);
    return send_status::kept;
}

void envelope::core::open_hello(peer_entry& peer, handshake& shake) {
    forget_nonce(shake);
    auto& hello = shake.hello.emplace(*crypto_, *random_);
    const auto agreed = hello.ephemeral.with(*crypto_, peer.key);
    P2PDIST_ASSERT(agreed);  // a key of small order has no `shared` either, and begins no handshake
    hello.secrets.pair = pair_key_of(*shared_with(peer), held->own.key_epoch, peer.id);
    hello.secrets.initiator_ephemeral = *agreed;
    hello.own = held->own;
    hello.to = shake.way.remote.address;
    greeting frame;
    frame.epoch = held->own.key_epoch;
    frame.versions = config_.versions;
    frame.recipient = peer.id;
    frame.boot = boot_;
    frame.nonce = hello.nonce;
    frame.cert = hello.own;
    frame.ephemeral = hello.ephemeral.key();
    encode(frame, hello.fixed);
    hello.fixed.resize(greeting::fixed_bytes);
    by_nonce_[hello.nonce] = peer.id;
}

void envelope::core::say_hello(time_point now, const client_id& id, handshake& shake) {
    // A welcome has to show that the peer receives at just this address, and to answer just this certificate.
    if (!shake.hello || shake.hello->to != shake.way.remote.address || shake.hello->own != held->own) open_hello(*peers.find(id), shake);
    shake.said_over = shake.way;
    shake.cookies = 0;
    put_hello(shake);

    auto wait = duration(limits::session_retry_first);
    for (int i = 0; i < shake.attempts; ++i) wait = std::min<duration>(2 * wait, limits::session_retry_max);
    // Up to a fifth more, so that nodes that began together don't go on together.
    const auto& nonce = shake.hello->nonce;
    wait += wait * nonce[static_cast<std::size_t>(shake.attempts) % nonce.size()] / (5 * 256);
    ++shake.attempts;
    schedule(id, shake, now + wait);
}

void envelope::core::put_hello(const handshake& shake) {
    const auto& hello = *shake.hello;
    bytes out;
    out.reserve(greeting::size_bytes);
    byte_writer writer(out);
    writer.raw(hello.fixed);
    writer.raw(hello.cookie);
    writer.raw(detail::tag_of(*crypto_, hello.secrets.pair, {out}));
    put_datagram(shake.said_over, std::move(out));
}

void envelope::core::schedule(const client_id& id, handshake& shake, time_point at) {
    timers_.erase({shake.next_at, id});
    shake.next_at = at;
    timers_.insert({at, id});
}

void envelope::core::on_timer(time_point now) {
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto id = timers_.begin()->second;
        auto& shake = handshakes_.at(id);
        if (shake.attempts >= limits::session_attempts_max) {
            give_up(now, id);
        } else {
            say_hello(now, id, shake);
        }
    }
}

void envelope::core::give_up(time_point now, const client_id& id) {
    end_handshake(id);
    if (auto* peer = peers.find(id)) peer->held_off_until = now + limits::session_hold_off;
    put_event(peer_unreachable{id});
}

void envelope::core::end_handshake(const client_id& id) {
    const auto at = handshakes_.find(id);
    if (at == handshakes_.end()) return;
    timers_.erase({at->second.next_at, id});
    forget_nonce(at->second);
    handshakes_.erase(at);
}

void envelope::core::forget_nonce(handshake& shake) {
    if (shake.hello) by_nonce_.erase(shake.hello->nonce);
    shake.hello.reset();
}

void envelope::core::on_welcome(time_point now, wall_time wall, const received_datagram& datagram) {
    const auto frame = detail::decode_greeting(datagram.payload);
    if (!frame) {
        ++counters.malformed;
        return;
    }
    if (!held || frame->recipient != self.id) {
        ++counters.not_for_us;
        return;
    }
    const auto asked = by_nonce_.find(frame->echo);
    if (asked == by_nonce_.end() || frame->echo_boot != boot_ || handshakes_.at(asked->second).hello->own.key_epoch != frame->epoch) {
        ++counters.stale;
        return;
    }
    const auto expected = asked->second;
    if (id_of(*crypto_, frame->cert.key) != expected) {
        ++counters.bad_certificate;
        return;
    }
    if (frame->chosen < config_.versions.min || frame->chosen > config_.versions.max) {
        ++counters.version;
        return;
    }
    if (unwelcome(expected) || lapsed(wall, expected, frame->cert)) return;
    const auto& shake = handshakes_.at(expected);
    const auto& hello = *shake.hello;
    const auto body = datagram.payload.first(greeting::body_bytes);
    const auto key = detail::welcome_key(*crypto_, hello.secrets.pair, hello.secrets.initiator_ephemeral);
    if (!detail::tag_fits(*crypto_, key, {hello.fixed, body}, datagram.payload.subspan(body.size()))) {
        ++counters.bad_tag;
        return;
    }
    auto& known = *peers.find(expected);
    if (!may_check(now, known, frame->cert, true)) {
        ++counters.rate_limited;
        return;
    }
    auto* peer = admit(wall, expected, frame->cert, *shared_with(known), true);
    if (peer && !still_there(now, shake, *frame, *peer)) make_session(now, *peer, shake, *frame, body);
}

void envelope::core::make_session(time_point now, peer_entry& peer, const handshake& shake, const greeting& welcome, byte_span body) {
    const auto& hello = *shake.hello;
    const auto by_responder = crypto_->x25519_shared(self.secret, welcome.ephemeral);
    const auto by_both = hello.ephemeral.with(*crypto_, welcome.ephemeral);
    if (!by_responder || !by_both) {
        ++counters.malformed;
        return;
    }
    detail::handshake_secrets secrets;
    secrets.pair = hello.secrets.pair;
    secrets.initiator_ephemeral = hello.secrets.initiator_ephemeral;
    secrets.responder_ephemeral = *by_responder;
    secrets.both_ephemeral = *by_both;
    session made;
    made.facts = {self.id, peer.id, boot_, welcome.boot, hello.nonce, welcome.nonce};
    made.keys = detail::derive_session(*crypto_, secrets, crypto_->sha256({hello.fixed, body}), self.id, peer.id);
    made.epoch = welcome.epoch;
    made.version = welcome.chosen;
    made.peer_cert = welcome.cert;
    made.peer_standing = standing_by(welcome.cert, peer.id);
    made.initiated = true;
    made.confirmed = true;  // the welcome echoes a nonce of ours: it is no replay
    made.proven = hello.to;
    made.last_use = ++uses_;
    made.last_heard = now;
    const auto number = peer.add(std::move(made)).keys.number;
    use_session(now, peer, number);
}

bool envelope::core::still_there(time_point now, const handshake& shake, const greeting& welcome, peer_entry& peer) {
    auto* current = peer.current_session();
    if (!shake.probe || !current || current->peer_boot() != welcome.boot || !peer.proven(shake.hello->to)) return false;
    // The same process where it was: it would say so if it did not know the session. A new one each few seconds would only wear out the
    // others.
    current->last_heard = now;
    current->frames_since_heard = 0;
    end_handshake(peer.id);
    return true;
}

// Nobody but who hears our hellos knows their nonces; such a one gets as many hellos to the peer as he sends cookies, and few of those.
void envelope::core::on_cookie(const received_datagram& datagram) {
    const auto frame = detail::decode_cookie_offer(datagram.payload);
    if (!frame) {
        ++counters.malformed;
        return;
    }
    const auto asked = by_nonce_.find(frame->nonce);
    auto* shake = asked != by_nonce_.end() ? &handshakes_.at(asked->second) : nullptr;
    if (!shake || shake->said_over != path{datagram.local.port, datagram.from} || shake->cookies >= limits::session_cookies_max) {
        ++counters.stale;
        return;
    }
    ++shake->cookies;
    shake->hello->cookie = frame->cookie;
    put_hello(*shake);
}

void envelope::core::on_version_refused(const received_datagram& datagram) {
    const auto frame = detail::decode_version_refusal(datagram.payload);
    if (!frame) {
        ++counters.malformed;
        return;
    }
    const auto asked = by_nonce_.find(frame->nonce);
    if (asked == by_nonce_.end() || common_version(config_.versions, frame->versions)) {
        ++counters.stale;
        return;
    }
    auto& shake = handshakes_.at(asked->second);
    if (shake.mismatch_told) return;
    shake.mismatch_told = true;
    put_event(version_mismatch{asked->second, frame->versions, side_to_update(config_.versions, frame->versions)});
}

}  // namespace p2pdist
