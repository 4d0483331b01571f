#include "envelope_core.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {

using detail::peer_entry;
using detail::session;

namespace {

constexpr unsigned sequence_bits = 32;  // the counter's low half; the high half is the session's number

std::uint64_t number_of(const detail::boot_id& boot) noexcept {
    std::uint64_t out = 0;
    for (const auto byte : boot) out = out << 8 | byte;
    return out;
}

constexpr bool is_sealed_type(frame_type type) noexcept { return type == frame_type::message || type == frame_type::flow_control; }

}  // namespace

envelope::core::core(const crypto_suite& crypto, entropy& random, node_identity own, std::optional<credentials> given,
                     envelope_config config)
    : self(std::move(own)),
      held(std::move(given)),
      peers(config.peers_max),
      crypto_(&crypto),
      random_(&random),
      config_(config),
      boot_(random.array<8>()),
      cookies_(crypto, random),
      checks_(crypto, source_limit::key_from(crypto, self.secret, {boot_, as_bytes("checks")}),
              {limits::handshake_checks_per_address, limits::handshake_checks_per_network, limits::session_hellos_per_second,
               config.rate_sources}),
      proven_(crypto, source_limit::key_from(crypto, self.secret, {boot_, as_bytes("proven")}),
              {limits::handshake_checks_per_address, limits::handshake_checks_per_network, limits::session_proven_per_second,
               config.rate_sources, session_proven_per_host}),
      replies_(crypto, source_limit::key_from(crypto, self.secret, {boot_, as_bytes("replies")}),
               {limits::session_replies_per_address, limits::session_replies_per_network, limits::session_replies_per_second,
                config.rate_sources}),
      answers_(crypto, source_limit::key_from(crypto, self.secret, {boot_, as_bytes("answers")}),
               {limits::handshake_answers_per_address, limits::handshake_answers_per_network, limits::handshake_answers_per_second,
                config.rate_sources}),
      notices_(crypto, source_limit::key_from(crypto, self.secret, {boot_, as_bytes("notices")}),
               {limits::handshake_answers_per_address, limits::handshake_answers_per_network, limits::session_notices_per_second,
                config.rate_sources}) {
    P2PDIST_ASSERT(config.peers_max > 0);
}

bool envelope::core::add_peer(const client_id& peer, const public_key& key) {
    if (id_of(*crypto_, key) != peer || peer == self.id) return false;
    if (is_revoked(revocations, peer) && !config_.admit_lapsed) return false;
    remember(peer, key);
    return true;
}

void envelope::core::forget_peer(const client_id& peer) {
    end_handshake(peer);
    peers.erase(peer);
}

peer_entry& envelope::core::remember(const client_id& id, const public_key& key) {
    std::optional<client_id> evicted;
    auto& entry = peers.add(id, key, evicted);
    if (evicted && handshakes_.contains(*evicted)) {
        end_handshake(*evicted);
        put_event(peer_unreachable{*evicted});
    }
    return entry;
}

send_status envelope::core::send(time_point now, const client_id& id, const path& way, frame_type type, byte_span payload) {
    P2PDIST_ASSERT(is_sealed_type(type));
    if (payload.size() > payload_bytes_max) return send_status::too_large;
    if (!held) return send_status::no_credentials;
    auto* peer = peers.use(id);
    if (!peer) return send_status::unknown_peer;
    if (auto* current = peer->current_session(); current && current->next_sequence > UINT32_MAX) peer->erase(current->keys.number);
    if (auto* current = peer->current_session()) {
        look_after(now, *peer, *current, way);
        seal(*current, way, type, payload);
        ++current->frames_since_heard;
        return send_status::sealed;
    }
    if (!handshakes_.contains(id)) {
        if (const auto begun = begin_handshake(now, *peer, way); begun != send_status::kept) return begun;
    }
    auto& shake = handshakes_.at(id);
    // Whoever says that the peer is elsewhere must not use up the hellos to where it is.
    if (shake.way.remote.address != way.remote.address) shake.attempts = std::min(shake.attempts, limits::session_attempts_max - 2);
    shake.way = way;  // the next hello tries the newest way: the port pair of the first may be blocked
    auto& kept = shake.kept;
    const auto same = [&](const kept_payload& k) { return k.type == type && std::ranges::equal(k.payload, payload); };
    if (std::any_of(kept.begin(), kept.end(), same)) return send_status::kept;
    if (kept.size() >= limits::session_kept_payloads_max) return send_status::full;
    kept.push_back({way, type, to_bytes(payload)});
    return send_status::kept;
}

send_status envelope::core::ensure_session(time_point now, const client_id& id, const path& way) {
    if (!held) return send_status::no_credentials;
    auto* peer = peers.use(id);
    if (!peer) return send_status::unknown_peer;
    if (const auto* current = peer->current_session()) {
        put_event(session_ready{id, current->keys.number, false, number_of(current->peer_boot())});
        return send_status::sealed;
    }
    return handshakes_.contains(id) ? send_status::kept : begin_handshake(now, *peer, way);
}

void envelope::core::look_after(time_point now, peer_entry& peer, const session& current, const path& way) {
    const bool silent = current.frames_since_heard >= limits::session_silent_frames && now - current.last_heard >= limits::session_silence;
    const bool spent = current.moved || current.next_sequence >= limits::session_frames_max;
    // The session goes on meanwhile: the peer may be there and only have nothing to say.
    if ((!silent && !spent) || handshakes_.contains(peer.id) || begin_handshake(now, peer, way) != send_status::kept) return;
    handshakes_.at(peer.id).probe = !spent;
}

std::optional<short_key> envelope::core::flow_key(const client_id& id, session_number number, std::uint32_t token,
                                                  const client_id& flow_receiver) const {
    const auto* peer = peers.find(id);
    const auto* found = peer ? peer->find(number) : nullptr;
    if (!found) return std::nullopt;
    return detail::derive_flow_key(*crypto_, found->keys.secret, token, flow_receiver);
}

void envelope::core::seal(session& under, const path& way, frame_type type, byte_span payload) {
    bytes data;
    data.reserve(sealed_overhead_bytes + payload.size());
    const auto counter = std::uint64_t{under.keys.number} << sequence_bits | under.next_sequence;
    encode(sealed_header{type, under.version, under.epoch, self.id, counter}, data);
    data.insert(data.end(), payload.begin(), payload.end());
    const auto tag = detail::tag_of(*crypto_, under.keys.send, {data});
    data.insert(data.end(), tag.begin(), tag.end());
    ++under.next_sequence;
    under.last_use = ++uses_;
    put_datagram(way, std::move(data));
}

std::optional<opened> envelope::core::on_datagram(time_point now, wall_time wall, const received_datagram& datagram) {
    const auto type = frame_type_of(datagram.payload);
    if (!type) {
        ++counters.malformed;
        return std::nullopt;
    }
    switch (*type) {
        case frame_type::message:
        case frame_type::flow_control:
            return on_sealed(now, wall, datagram);
        case frame_type::session_hello:
            on_hello(now, wall, datagram);
            break;
        case frame_type::session_welcome:
            on_welcome(now, wall, datagram);
            break;
        case frame_type::session_unknown:
        case frame_type::session_moved:
            on_notice(now, datagram);
            break;
        case frame_type::session_cookie:
            on_cookie(datagram);
            break;
        case frame_type::version_refused:
            on_version_refused(datagram);
            break;
        default:
            ++counters.malformed;
            break;
    }
    return std::nullopt;
}

std::optional<opened> envelope::core::on_sealed(time_point now, wall_time wall, const received_datagram& datagram) {
    const auto drop = [](std::uint64_t& reason) {
        ++reason;
        return std::nullopt;
    };
    const auto data = datagram.payload;
    const auto header = decode_sealed_header(data);
    if (!header || data.size() < sealed_overhead_bytes) return drop(counters.malformed);
    auto* peer = peers.find(header->sender);
    if (!peer || !held) return drop(counters.unknown_sender);
    const auto number = static_cast<session_number>(header->counter >> sequence_bits);
    auto* under = peer->find(number);
    if (!under || under->epoch != header->key_epoch) {
        answer_unknown(now, datagram, *header, *peer);
        return std::nullopt;
    }
    if (header->version != under->version) return drop(counters.version);
    const auto sequence = header->counter & UINT32_MAX;
    if (!under->received.fresh(sequence)) return drop(counters.replayed);
    const auto body = data.first(data.size() - sealed_tag_bytes);
    if (!detail::tag_fits(*crypto_, under->keys.receive, {body}, data.last(sealed_tag_bytes))) return drop(counters.bad_tag);
    if (wall > under->peer_cert.not_after) {
        peer->erase(number);
        return drop(counters.expired);
    }
    // Not marked as received: whoever copies a frame and is quicker than the true one must not displace it. A first frame shows that the
    // peer got the welcome, which went to one address only.
    if (under->proven != datagram.from.address && !peer->proven(datagram.from.address)) {
        answer_moved(now, datagram, *header, *peer, *under);
        return std::nullopt;
    }

    under->received.mark(sequence);
    under->last_heard = now;
    under->frames_since_heard = 0;
    under->last_use = ++uses_;
    peers.use(header->sender);
    const path way{datagram.local.port, datagram.from};
    const auto payload = body.subspan(sealed_header::size_bytes);
    const opened result{header->sender, header->type, way, number, under->peer_standing, under->peer_cert.who, under->peer_cert.key_epoch, payload};
    ++counters.opened;
    if (!under->confirmed) confirm(now, *peer, number);
    return result;
}

void envelope::core::confirm(time_point now, peer_entry& peer, session_number number) {
    auto& made = *peer.find(number);
    made.confirmed = true;
    made.welcome = {};
    // Both greeted at once: both sides settle on the session of the lower id. Else the newest counts.
    const auto* current = peer.current_session();
    const bool crossed = current && current->initiated && made.crossed_with && current->facts.hello_nonce == *made.crossed_with;
    if (!crossed || peer.id < self.id) use_session(now, peer, number);
    peer.trim();
}

void envelope::core::use_session(time_point now, peer_entry& peer, session_number number) {
    const auto& made = *peer.find(number);
    const auto boot = made.peer_boot();
    const bool restarted = peer.last_boot && *peer.last_boot != boot;
    // What an earlier process of the peer agreed on, it has forgotten.
    std::erase_if(peer.sessions, [&](const session& s) { return s.peer_boot() != boot && s.confirmed; });
    peer.last_boot = boot;
    peer.current = number;
    peer.held_off_until.reset();
    put_event(session_ready{peer.id, number, restarted, number_of(boot)});

    const auto waiting = handshakes_.find(peer.id);
    if (waiting == handshakes_.end()) return;
    const auto kept = std::move(waiting->second.kept);
    end_handshake(peer.id);
    auto& under = *peer.find(number);
    under.last_heard = now;
    for (const auto& payload : kept) seal(under, payload.way, payload.type, payload.payload);
}

std::optional<envelope_output> envelope::core::poll() {
    if (out_.empty()) return std::nullopt;
    auto next = std::move(out_.front());
    out_.pop_front();
    return next;
}

void envelope::core::put_datagram(const path& way, bytes data) {
    if (out_.size() >= config_.output_max) {
        ++counters.output_full;
        return;
    }
    out_.emplace_back(send_datagram::over(way, std::move(data)));
}

void envelope::core::put_event(envelope_output event) {
    // Events may use as much room again, since losing one costs more than losing a datagram.
    if (out_.size() >= 2 * config_.output_max) {
        ++counters.output_full;
        return;
    }
    out_.push_back(std::move(event));
}

}  // namespace p2pdist
