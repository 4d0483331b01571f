// What heals sessions: session_unknown and session_moved.

#include "envelope_core.hpp"

namespace p2pdist {

using detail::peer_entry;
using detail::session;

// Anybody can name a known peer in a sealed frame: his own budget keeps one name from using up what is there for all, and that by source
// keeps us from bothering somebody whose address is forged.
bool envelope::core::may_notify(time_point now, peer_entry& peer, const ip_address& to) {
    if (peer.notices.allow(now) && notices_.allow(now, to)) return true;
    ++counters.rate_limited;
    return false;
}

void envelope::core::put_notice(const received_datagram& answered, frame_type type, const sealed_header& header, const secret_key& key,
                                const client_id& to) {
    bytes out;
    encode(detail::session_notice{type, header.key_epoch, self.id, header.counter}, out);
    const auto tag = detail::tag_of(*crypto_, key, {out, to.value});
    out.insert(out.end(), tag.begin(), tag.end());
    put_datagram({answered.local.port, answered.from}, std::move(out));
}

void envelope::core::answer_unknown(time_point now, const received_datagram& datagram, const sealed_header& header, peer_entry& peer) {
    ++counters.unknown_session;
    // Of whatever epoch: after an epoch has ended, this is how a member that renewed in time learns that the session ended with it.
    if (!may_notify(now, peer, datagram.from.address)) return;
    if (const auto* shared = shared_with(peer)) {
        put_notice(datagram, frame_type::session_unknown, header, pair_key_of(*shared, header.key_epoch, peer.id), peer.id);
    }
}

void envelope::core::answer_moved(time_point now, const received_datagram& datagram, const sealed_header& header, peer_entry& peer,
                                  const session& under) {
    ++counters.moved;
    if (may_notify(now, peer, datagram.from.address)) {
        put_notice(datagram, frame_type::session_moved, header, under.keys.send, peer.id);
    }
}

void envelope::core::on_notice(time_point now, const received_datagram& datagram) {
    const auto data = datagram.payload;
    const auto frame = detail::decode_session_notice(data);
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
    const auto* named = peer->find(number);
    if (!named || named->epoch != frame->epoch || (frame->counter & UINT32_MAX) >= named->next_sequence) {
        ++counters.stale;
        return;
    }
    const bool moved = frame->type == frame_type::session_moved;
    const auto* shared = shared_with(*peer);
    const auto body = data.first(detail::session_notice::body_bytes);
    if (!shared || !detail::tag_fits(*crypto_, moved ? named->keys.receive : pair_key_of(*shared, frame->epoch, peer->id),
                                     {body, self.id.value}, data.subspan(body.size()))) {
        ++counters.bad_tag;
        return;
    }
    const path way{datagram.local.port, datagram.from};
    if (moved) {
        on_moved(now, *peer, number, way);
    } else {
        on_unknown(now, *peer, number, way);
    }
}

void envelope::core::on_unknown(time_point now, peer_entry& peer, session_number number, const path& way) {
    // From elsewhere it may be a liar's, who lets us greet somebody: then the next frame to the peer makes the session.
    const bool where_it_is = peer.proven(way.remote.address);
    peer.erase(number);
    if (!where_it_is || peer.current || handshakes_.contains(peer.id)) return;
    if (peer.renew_not_before && now < *peer.renew_not_before) return;
    peer.renew_not_before = now + limits::session_renew_gap;
    (void)begin_handshake(now, peer, way);
}

// Whoever copies a frame of ours, sends it from elsewhere and carries the notice to us gets no more than a hello to the true peer: the
// session stays in use until another is made, and the hello goes where the peer has shown to be, or where the next frame goes.
void envelope::core::on_moved(time_point now, peer_entry& peer, session_number number, const path& way) {
    if (peer.current != number) {
        ++counters.stale;
        return;
    }
    if (const auto shake = handshakes_.find(peer.id); shake != handshakes_.end()) {
        shake->second.probe = false;  // it is there; what we need is a new session
        return;
    }
    if (peer.renew_not_before && now < *peer.renew_not_before) return;
    peer.renew_not_before = now + limits::session_renew_gap;
    if (peer.proven(way.remote.address)) {
        (void)begin_handshake(now, peer, way);
    } else {
        peer.current_session()->moved = true;
    }
}

}  // namespace p2pdist
