// What ends memberships and sessions: new credentials, revocation lists, and a process that may be a copy of itself.

#include "envelope_core.hpp"

namespace p2pdist {

using detail::peer_entry;
using detail::session;

standing envelope::core::standing_by(const certificate& cert, const client_id& id) const noexcept {
    // The server is nobody's to revoke, and epochs are its own: who could pose as it with a certificate of an old one has the server's
    // keys and could sign a new one. One whose database was set back has to be heard, or it never learns what it has lost.
    if (cert.who == role::server) return standing::member;
    return standing_of(revocations, held->key_epoch, id, cert.key_epoch);
}

void envelope::core::set_credentials(credentials given) {
    const bool same_organisation = held && held->signing_key == given.signing_key;
    const bool same_epoch = same_organisation && held->key_epoch == given.key_epoch;
    held = std::move(given);
    if (same_epoch) return;
    if (!same_organisation) {
        revocations = {};
        peers.for_each([](peer_entry& peer) {
            peer.sessions.clear();
            peer.current.reset();
            peer.checked.reset();
            peer.checked_fresh = false;
        });
    }
    peers.for_each([](peer_entry& peer) { peer.held_off_until.reset(); });
    review_sessions();
    // What waits for a session leaves with a hello of the new epoch, at once.
    for (auto& [id, shake] : handshakes_) {
        shake.attempts = 0;
        schedule(id, shake, time_point::min());
    }
}

list_verdict envelope::core::take_revocations(byte_span data) {
    auto list = decode_revocation_list(data);
    if (!list) return list_verdict::malformed;
    // Before the signature, which costs much more. A list that lets older epochs in again is of a server whose database was set back:
    // ours is what it lacks, and it will ask for it.
    if (list->number <= revocations.number || list->oldest_epoch < revocations.oldest_epoch) return list_verdict::not_newer;
    if (!held || !verify_revocations(*crypto_, held->signing_key, *list)) return list_verdict::forged;
    const auto former = std::exchange(revocations, std::move(*list));
    for (const auto& id : revocations.revoked) {
        if (is_revoked(former, id)) continue;
        put_event(peer_revoked{id});
        if (!config_.admit_lapsed) forget_peer(id);
    }
    review_sessions();
    return list_verdict::taken;
}

/// Judges every session's peer anew.
void envelope::core::review_sessions() {
    peers.for_each([&](peer_entry& peer) {
        for (auto& one : peer.sessions) one.peer_standing = standing_by(one.peer_cert, peer.id);
        if (config_.admit_lapsed) return;
        std::vector<session_number> lapsed;
        for (const auto& one : peer.sessions) {
            if (one.peer_standing != standing::member) lapsed.push_back(one.keys.number);
        }
        for (const auto number : lapsed) peer.erase(number);
    });
}

std::vector<client_id> envelope::core::start_anew() {
    boot_ = random_->array<8>();
    std::vector<client_id> left;
    peers.for_each([&](peer_entry& peer) {
        if (!peer.sessions.empty()) left.push_back(peer.id);
        peer.sessions.clear();
        peer.current.reset();
        peer.held_off_until.reset();
    });
    for (auto& [id, shake] : handshakes_) {
        forget_nonce(shake);
        shake.probe = false;
        shake.attempts = 0;
        schedule(id, shake, time_point::min());
    }
    return left;
}

}  // namespace p2pdist
