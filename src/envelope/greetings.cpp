// Others' hellos: what is checked, in which order, and what answers them.

#include <algorithm>

#include "envelope_core.hpp"

namespace p2pdist {

using detail::greeting;
using detail::peer_entry;
using detail::session;

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

// Plain comparisons, before anything that costs: a recording of long ago takes nobody's share of that.
bool envelope::core::lapsed(wall_time wall, const client_id& id, const certificate& cert) {
    if (wall > cert.not_after) {
        ++counters.expired;
        return true;
    }
    // A newer epoch than the own is as good: its member has renewed before us.
    if (standing_by(cert, id) == standing::member || config_.admit_lapsed) return false;
    ++counters.other_epoch;
    return true;
}

// Signatures and key agreements cost a tenth of a millisecond each. Strangers share a budget for both, by source; hellos with a cookie
// have one that forged addresses cannot use up. Peers whose key we know have theirs apart, so that no flood of strangers keeps them out:
// one agreement for each peer ever, and few signatures, since nobody else can make the tag that comes before.
bool envelope::core::may_agree(time_point now, const peer_entry* known, const ip_address& from, bool with_cookie) {
    if (known) return known->shared || agreements_.allow(now);
    return with_cookie ? proven_.allow(now, from) : checks_.allow(now, from);
}

// What is fresh was said just now: a hello with a cookie, or a welcome. All else may be a recording under a former certificate that still
// counts: these use up a share of their own, and then the true hello shows by a cookie that it is none.
bool envelope::core::may_check(time_point now, peer_entry& known, const certificate& cert, bool fresh) {
    if (known.checked == cert) return true;
    auto& all_free_at = fresh ? known.fresh_checks_free_at : known.checks_free_at;
    const auto free_at = std::max(now, all_free_at);
    if (free_at >= now + std::chrono::seconds(limits::certificate_checks_of_peer_max)) return false;
    all_free_at = free_at + std::chrono::seconds(1);
    return true;
}

// A new session costs three agreements. Without a cookie the hello may be a recording, of which there can be many with good tags: they
// get what is left over, and take nobody's place.
bool envelope::core::may_answer(time_point now, peer_entry& peer, bool with_cookie) {
    if (with_cookie) return peer.hellos_with_cookie.allow(now);
    return peer.has_room(now) && peer.hellos.allow(now) && greetings_.allow(now);
}

bool envelope::core::unwelcome(const client_id& id) {
    if (id == self.id) {
        ++counters.not_for_us;
        return true;
    }
    if (!is_revoked(revocations, id) || config_.admit_lapsed) return false;
    ++counters.revoked;
    return true;
}

std::optional<secret_key> envelope::core::authenticate(const greeting& hello, const client_id& id, byte_span datagram, peer_entry* known) {
    const auto shared = known ? (shared_with(*known) ? known->shared : std::nullopt) : crypto_->x25519_shared(self.secret, hello.cert.key);
    const auto body = datagram.first(greeting::body_bytes);
    if (shared && detail::tag_fits(*crypto_, pair_key_of(*shared, hello.epoch, id), {body}, datagram.subspan(greeting::body_bytes))) return shared;
    ++counters.bad_tag;
    return std::nullopt;
}

peer_entry* envelope::core::admit(wall_time wall, const client_id& id, const certificate& cert, const secret_key& shared, bool fresh) {
    auto* known = peers.find(id);
    const bool checked = known && known->checked == cert;
    if (!checked && verify_certificate(*crypto_, held->signing_key, cert, wall, cert.key_epoch) != certificate_verdict::good) {
        ++counters.bad_certificate;
        return nullptr;
    }
    note_epoch(id, cert.key_epoch);
    // Only now, so that strangers cannot push members out of the table.
    auto& peer = known ? *known : remember(id, cert.key);
    peer.shared = shared;
    if (fresh || !peer.checked_fresh) {
        peer.checked = cert;
        peer.checked_fresh = fresh;
    }
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

void envelope::core::ask_for_cookie(time_point now, const path& way, const client_id& initiator, const greeting& hello) {
    if (!replies_.allow(now, way.remote.address)) {
        ++counters.rate_limited;
        return;
    }
    ++counters.cookies;
    put_datagram(way, encode(detail::cookie_offer{hello.nonce, cookies_.bake(now, way, initiator, hello.nonce)}));
}

void envelope::core::on_hello(time_point now, wall_time wall, const received_datagram& datagram) {
    const auto prefix = detail::decode_hello_prefix(datagram.payload);
    if (!prefix) {
        ++counters.malformed;
        return;
    }
    if (prefix->layout != detail::greeting_layout || !common_version(config_.versions, prefix->versions)) {
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
    const auto id = id_of(*crypto_, hello->cert.key);
    if (unwelcome(id) || lapsed(wall, id, hello->cert)) return;
    const path way{datagram.local.port, datagram.from};
    const bool with_cookie = cookies_.good(now, way, id, hello->nonce, hello->echo);
    const auto refuse = [&] {
        if (!with_cookie) return ask_for_cookie(now, way, id, *hello);
        ++counters.rate_limited;
    };
    auto* known = peers.find(id);
    if (!may_agree(now, known, way.remote.address, with_cookie)) return refuse();
    const auto shared = authenticate(*hello, id, datagram.payload, known);
    if (!shared) return;
    if (known && !may_check(now, *known, hello->cert, with_cookie)) return refuse();
    auto* peer = admit(wall, id, hello->cert, *shared, with_cookie);
    if (!peer) return;
    if (peer->used_hello(hello->nonce)) {
        ++counters.replayed;
        return;
    }
    if (const auto* answered = peer->find_hello(hello->nonce, way.remote.address)) {  // a repeated hello gets the same welcome
        if (replies_.allow(now, way.remote.address)) return put_datagram(way, answered->welcome);
        ++counters.rate_limited;
        return;
    }
    if (!may_answer(now, *peer, with_cookie)) return refuse();
    answer_hello(now, *peer, *hello, datagram.payload, way);
}

void envelope::core::answer_hello(time_point now, peer_entry& peer, const greeting& hello, byte_span datagram, const path& way) {
    const detail::ephemeral_key ephemeral(*crypto_, *random_);
    const auto by_initiator = crypto_->x25519_shared(self.secret, hello.ephemeral);
    const auto by_responder = ephemeral.with(*crypto_, peer.key);
    const auto by_both = ephemeral.with(*crypto_, hello.ephemeral);
    if (!by_initiator || !by_responder || !by_both) {
        ++counters.malformed;
        return;
    }
    detail::handshake_secrets secrets;
    secrets.pair = pair_key_of(*peer.shared, hello.epoch, peer.id);
    secrets.initiator_ephemeral = *by_initiator;
    secrets.responder_ephemeral = *by_responder;
    secrets.both_ephemeral = *by_both;

    greeting frame;
    frame.type = frame_type::session_welcome;
    frame.epoch = hello.epoch;
    frame.versions = config_.versions;
    frame.chosen = *common_version(config_.versions, hello.versions);
    frame.recipient = peer.id;
    frame.boot = boot_;
    frame.nonce = random_->array<16>();
    frame.cert = held->own;
    frame.ephemeral = ephemeral.key();
    frame.echo_boot = hello.boot;
    frame.echo = hello.nonce;
    session made;
    made.welcome.reserve(greeting::size_bytes);
    encode(frame, made.welcome);
    const auto said = datagram.first(greeting::fixed_bytes);
    const auto transcript = crypto_->sha256({said, made.welcome});
    const auto key = detail::welcome_key(*crypto_, secrets.pair, secrets.initiator_ephemeral);
    const auto tag = detail::tag_of(*crypto_, key, {said, made.welcome});
    made.welcome.insert(made.welcome.end(), tag.begin(), tag.end());

    made.facts = {peer.id, self.id, hello.boot, boot_, hello.nonce, frame.nonce};
    made.keys = detail::derive_session(*crypto_, secrets, transcript, self.id, peer.id);
    made.epoch = hello.epoch;
    made.version = frame.chosen;
    made.peer_cert = hello.cert;
    made.peer_standing = standing_by(hello.cert, peer.id);
    made.proven = way.remote.address;
    if (const auto ours = handshakes_.find(peer.id); ours != handshakes_.end() && ours->second.hello) {
        made.crossed_with = ours->second.hello->nonce;
    }
    made.last_use = ++uses_;
    made.last_heard = now;
    put_datagram(way, peer.add(std::move(made)).welcome);
}

}  // namespace p2pdist
