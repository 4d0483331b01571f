// The making of sessions: hello, welcome, and what heals them.

#include <algorithm>

#include "envelope_core.hpp"

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
    shake.nonce = random_->array<16>();
    by_nonce_[shake.nonce] = peer.id;
    say_hello(now, peer.id, shake);
    return send_status::kept;
}

void envelope::core::say_hello(time_point now, const client_id& id, handshake& shake) {
    auto* peer = peers.find(id);
    greeting hello;
    hello.epoch = shake.epoch = held->own.key_epoch;
    hello.versions = config_.versions;
    hello.recipient = id;
    hello.boot = boot_;
    hello.nonce = shake.nonce;
    hello.cert = held->own;
    put_greeting(shake.way, hello, pair_key_of(*shared_with(*peer), hello.epoch, id));

    auto wait = duration(limits::session_retry_first);
    for (int i = 0; i < shake.attempts; ++i) wait = std::min<duration>(2 * wait, limits::session_retry_max);
    // Up to a fifth more, so that nodes that began together don't go on together.
    wait += wait * shake.nonce[static_cast<std::size_t>(shake.attempts) % shake.nonce.size()] / (5 * 256);
    ++shake.attempts;
    schedule(id, shake, now + wait);
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
    by_nonce_.erase(at->second.nonce);
    handshakes_.erase(at);
}

void envelope::core::put_greeting(const path& way, const greeting& frame, const secret_key& pair) {
    bytes out;
    out.reserve(greeting::size_bytes);
    encode(frame, out);
    const auto tag = detail::tag_of(*crypto_, pair, {out});
    out.insert(out.end(), tag.begin(), tag.end());
    put_datagram(way, std::move(out));
}

const secret_key* envelope::core::shared_with(peer_entry& peer) {
    if (!peer.shared) peer.shared = crypto_->x25519_shared(self.secret, peer.key);
    return peer.shared ? &*peer.shared : nullptr;
}

secret_key envelope::core::pair_key_of(const secret_key& shared, std::uint16_t epoch, const client_id& peer) const {
    return detail::pair_key(*crypto_, shared, epoch, self.id, peer);
}

void envelope::core::note_epoch(const client_id& peer, std::uint16_t epoch) {
    if (epoch <= held->key_epoch || epoch <= newest_epoch_told_) return;
    newest_epoch_told_ = epoch;
    put_event(newer_epoch_seen{peer, epoch});
}

bool envelope::core::certificate_good(wall_time wall, const peer_entry* peer, const certificate& cert) {
    const bool known = peer && peer->checked == cert;
    const auto verdict = known ? (wall > cert.not_after ? certificate_verdict::expired : certificate_verdict::good)
                               : verify_certificate(*crypto_, held->signing_key, cert, wall, cert.key_epoch);
    if (verdict == certificate_verdict::bad_signature) ++counters.bad_certificate;
    if (verdict == certificate_verdict::expired) ++counters.expired;
    return verdict == certificate_verdict::good;
}

// Signatures and key agreements cost a tenth of a millisecond each. Strangers share a budget for both, by source. Peers whose key we
// know have theirs apart, so that no flood of strangers keeps them out: one agreement for each peer ever, and few signatures, since
// nobody else can make the tag that comes before.
bool envelope::core::may_agree(time_point now, const peer_entry* known, const ip_address& from) {
    if (known) return known->shared || agreements_.allow(now);
    return checks_.allow(now, from);
}

bool envelope::core::may_check(time_point now, peer_entry& known, const certificate& cert) {
    if (known.checked == cert) return true;
    const auto free_at = std::max(now, known.checks_free_at);
    if (free_at >= now + std::chrono::seconds(limits::certificate_checks_of_peer_max)) return false;
    known.checks_free_at = free_at + std::chrono::seconds(1);
    return true;
}

peer_entry* envelope::core::authenticate(time_point now, wall_time wall, const greeting& frame, byte_span datagram,
                                         const ip_address& from) {
    const auto id = id_of(*crypto_, frame.cert.key);
    if (id == self.id) {
        ++counters.not_for_us;
        return nullptr;
    }
    if (is_revoked(revocations, id) && !config_.admit_lapsed) {
        ++counters.revoked;
        return nullptr;
    }
    auto* known = peers.find(id);
    if (!may_agree(now, known, from)) {
        ++counters.rate_limited;
        return nullptr;
    }
    const auto shared = known ? (shared_with(*known) ? known->shared : std::nullopt) : crypto_->x25519_shared(self.secret, frame.cert.key);
    const auto body = datagram.first(greeting::body_bytes);
    if (!shared || !detail::tag_fits(*crypto_, pair_key_of(*shared, frame.epoch, id), {body}, datagram.subspan(greeting::body_bytes))) {
        ++counters.bad_tag;
        return nullptr;
    }
    if (known && !may_check(now, *known, frame.cert)) {
        ++counters.rate_limited;
        return nullptr;
    }
    if (!certificate_good(wall, known, frame.cert)) return nullptr;
    note_epoch(id, frame.cert.key_epoch);
    // A newer epoch than the own is as good: its member has renewed before us.
    if (standing_by(frame.cert, id) != standing::member && !config_.admit_lapsed) {
        ++counters.other_epoch;
        return nullptr;
    }
    // Only now, so that strangers cannot push members out of the table.
    auto& peer = known ? *known : remember(id, frame.cert.key);
    peer.shared = shared;
    peer.checked = frame.cert;
    return peers.use(id);
}

void envelope::core::refuse_version(time_point now, const received_datagram& datagram, const detail::session_nonce& nonce) {
    ++counters.version;
    if (!answers_.allow(now, datagram.from.address)) {
        ++counters.rate_limited;
        return;
    }
    put_datagram({datagram.local.port, datagram.from}, encode(detail::version_refusal{config_.versions, nonce}));
}

void envelope::core::on_hello(time_point now, wall_time wall, const received_datagram& datagram) {
    const auto prefix = detail::decode_hello_prefix(datagram.payload);
    if (!prefix) {
        ++counters.malformed;
        return;
    }
    if (prefix->layout != detail::handshake_layout || !common_version(config_.versions, prefix->versions)) {
        refuse_version(now, datagram, prefix->nonce);
        return;
    }
    const auto hello = detail::decode_greeting(datagram.payload);
    if (!hello || hello->epoch != hello->cert.key_epoch) {
        ++counters.malformed;
        return;
    }
    if (!held || hello->recipient != self.id) {
        ++counters.not_for_us;
        return;
    }
    auto* peer = authenticate(now, wall, *hello, datagram.payload, datagram.from.address);
    if (!peer) return;
    const auto* answered = peer->find_hello(hello->nonce);  // a repeated hello gets the same welcome
    if (!answered) answered = &answer_hello(now, *peer, *hello, pair_key_of(*peer->shared, hello->epoch, peer->id));
    welcome({datagram.local.port, datagram.from}, *peer, *answered);
}

session& envelope::core::answer_hello(time_point now, peer_entry& peer, const greeting& hello, const secret_key& pair) {
    session made;
    made.facts = {peer.id, self.id, hello.boot, boot_, hello.nonce, random_->array<16>()};
    made.keys = detail::derive_session(*crypto_, pair, made.facts, self.id);
    made.epoch = hello.epoch;
    made.version = *common_version(config_.versions, hello.versions);
    made.peer_cert = hello.cert;
    made.peer_standing = standing_by(hello.cert, peer.id);
    if (const auto ours = handshakes_.find(peer.id); ours != handshakes_.end()) made.crossed_with = ours->second.nonce;
    made.last_use = ++uses_;
    made.last_heard = now;
    return peer.add(std::move(made));
}

void envelope::core::welcome(const path& way, peer_entry& peer, const session& answered) {
    greeting frame;
    frame.type = frame_type::session_welcome;
    frame.epoch = answered.epoch;
    frame.versions = config_.versions;
    frame.chosen = answered.version;
    frame.recipient = peer.id;
    frame.boot = boot_;
    frame.nonce = answered.facts.welcome_nonce;
    frame.cert = held->own;
    frame.echo_boot = answered.facts.initiator_boot;
    frame.echo_nonce = answered.facts.hello_nonce;
    put_greeting(way, frame, pair_key_of(*peer.shared, answered.epoch, peer.id));
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
    const auto asked = by_nonce_.find(frame->echo_nonce);
    if (asked == by_nonce_.end() || frame->echo_boot != boot_ || handshakes_.at(asked->second).epoch != frame->epoch) {
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
    auto* peer = authenticate(now, wall, *frame, datagram.payload, datagram.from.address);
    if (!peer || still_there(now, handshakes_.at(expected), *frame, *peer)) return;
    session made;
    made.facts = {self.id, expected, boot_, frame->boot, frame->echo_nonce, frame->nonce};
    made.keys = detail::derive_session(*crypto_, pair_key_of(*peer->shared, frame->epoch, expected), made.facts, self.id);
    made.epoch = frame->epoch;
    made.version = frame->chosen;
    made.peer_cert = frame->cert;
    made.peer_standing = standing_by(frame->cert, expected);
    made.initiated = true;
    made.confirmed = true;  // the welcome echoes a nonce of ours: it is no replay
    made.last_use = ++uses_;
    made.last_heard = now;
    const auto number = peer->add(std::move(made)).keys.number;
    use_session(now, *peer, number);
}

bool envelope::core::still_there(time_point now, const handshake& shake, const greeting& welcome, peer_entry& peer) {
    auto* current = peer.current_session();
    if (!shake.probe || !current || current->peer_boot() != welcome.boot) return false;
    // The same process: it would say so if it did not know the session. A new one each few seconds would only wear out the others.
    current->last_heard = now;
    current->frames_since_heard = 0;
    end_handshake(peer.id);
    return true;
}

void envelope::core::on_session_unknown(time_point now, const received_datagram& datagram) {
    const auto data = datagram.payload;
    const auto frame = detail::decode_unknown_session(data);
    if (!frame) {
        ++counters.malformed;
        return;
    }
    auto* peer = peers.find(frame->sender);
    if (!peer || !held) {
        ++counters.unknown_sender;
        return;
    }
    // Only about a frame that we sent under a session that we still use: older notices say nothing new.
    const auto number = static_cast<session_number>(frame->counter >> 32);
    const auto* lost = peer->find(number);
    if (!lost || lost->epoch != frame->epoch || (frame->counter & UINT32_MAX) >= lost->next_sequence) {
        ++counters.stale;
        return;
    }
    const auto* shared = shared_with(*peer);
    const auto body = data.first(detail::unknown_session_notice::body_bytes);
    if (!shared ||
        !detail::tag_fits(*crypto_, pair_key_of(*shared, frame->epoch, peer->id), {body, self.id.value}, data.subspan(body.size()))) {
        ++counters.bad_tag;
        return;
    }
    peer->erase(number);
    if (peer->current || handshakes_.contains(peer->id)) return;
    if (peer->renew_not_before && now < *peer->renew_not_before) return;
    peer->renew_not_before = now + limits::session_renew_gap;
    (void)begin_handshake(now, *peer, {datagram.local.port, datagram.from});
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
