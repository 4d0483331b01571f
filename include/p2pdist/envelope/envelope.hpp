#pragma once
// Authenticated datagrams between pairs of nodes: sessions, tags, key epochs and replay windows (SEC-1, SEC-2). Whoever wants to
// speak to another node says so to `send`; whatever comes out of `on_datagram` was said by the node named in it, once.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/envelope/sealed_link.hpp"
#include "p2pdist/envelope/version.hpp"

namespace p2pdist {

struct revocation_list;

/// How many peers and datagrams it keeps, and whom it admits.
struct envelope_config {
    version_range versions;                                          ///< differs from the default only in tests
    std::size_t peers_max = limits::envelope_peers_max;              ///< peers whose key and sessions are remembered; 1 or more
    std::size_t output_max = limits::envelope_output_datagrams_max;  ///< datagrams that wait for poll(); more are dropped and counted
    std::size_t rate_sources = limits::rate_sources;                 ///< strangers' addresses that are told apart well; 1 or more
    /// The server sets this: members whose certificate is outdated may open a session, so that they can renew it, and revoked ones, so
    /// that they can be told. Such frames show it in opened::sender_standing and deserve nothing else than that.
    bool admit_lapsed = false;
};

/// What was dropped, and why. All of it is hostile or stale; none of it changed anything.
struct envelope_counters {
    std::uint64_t opened = 0;           ///< sealed frames that were good
    std::uint64_t malformed = 0;        ///< wrong size, unknown type, or a field outside its range
    std::uint64_t not_for_us = 0;       ///< names another recipient
    std::uint64_t unknown_sender = 0;   ///< no key of this peer
    std::uint64_t unknown_session = 0;  ///< a peer we know, under a session that we don't
    std::uint64_t bad_tag = 0;
    std::uint64_t replayed = 0;         ///< seen before, or older than the window
    std::uint64_t bad_certificate = 0;  ///< not signed by the organisation's server, or for another key
    std::uint64_t expired = 0;          ///< a certificate after its date
    std::uint64_t other_epoch = 0;      ///< a certificate of an epoch that is no longer accepted
    std::uint64_t revoked = 0;          ///< said by a revoked member
    std::uint64_t version = 0;          ///< outside our range
    std::uint64_t stale = 0;            ///< a welcome, unknown or refusal that answers nothing outstanding
    std::uint64_t rate_limited = 0;     ///< answers or checks of certificates withheld
    std::uint64_t cookies = 0;          ///< hellos answered by a cookie: they were many, or came from nowhere
    std::uint64_t moved = 0;            ///< authentic frames from an address that their sender has not shown to be his
    std::uint64_t output_full = 0;      ///< our datagrams dropped because nobody polled
    friend bool operator==(const envelope_counters&, const envelope_counters&) = default;
};

/// No session could be made: session_attempts_max hellos stayed without a valid welcome. What waited was dropped.
struct peer_unreachable {
    client_id peer;
    friend bool operator==(const peer_unreachable&, const peer_unreachable&) = default;
};

/// From now on frames to the peer leave under this session. It need not be a new process: a peer whose address changed makes one, too.
struct session_ready {
    client_id peer;
    session_number session = 0;
    bool restarted = false;  ///< the peer is another process than in the session before: what it knew of flows is gone
    std::uint64_t peer_boot = 0;  ///< the peer's boot id: names its process
    friend bool operator==(const session_ready&, const session_ready&) = default;
};

/// A hello of ours was answered by version_refused (MSG-6). Not authenticated, therefore only a hint, once a handshake; if it is
/// true, peer_unreachable follows. version_error() makes the sentence.
struct version_mismatch {
    client_id peer;
    version_range theirs;
    update_side to_update = update_side::other_side;
    friend bool operator==(const version_mismatch&, const version_mismatch&) = default;
};

/// A genuine certificate of a newer epoch was shown by a peer: time to renew the own credentials at the server.
struct newer_epoch_seen {
    client_id peer;
    std::uint16_t key_epoch = 0;
    friend bool operator==(const newer_epoch_seen&, const newer_epoch_seen&) = default;
};

/// A new revocation list names this peer. Its sessions are gone, and nothing is sent to it or taken from it any more.
struct peer_revoked {
    client_id peer;
    friend bool operator==(const peer_revoked&, const peer_revoked&) = default;
};

/// What it gives out, in order.
using envelope_output = std::variant<send_datagram, peer_unreachable, session_ready, version_mismatch, newer_epoch_seen, peer_revoked>;

/// What became of a revocation list that was given to take_revocations().
enum class list_verdict : std::uint8_t {
    taken,
    not_newer,   ///< its number is not above that of the list in force, or it lets older epochs in again
    malformed,   ///< it cannot be read
    forged,      ///< not signed by the organisation's server, or there are no credentials yet to judge it by
};

/// One node's side of all its pairwise sessions. Distinct objects: safe. Shared: unsafe. The crypto suite and the entropy must
/// outlive it. Allocates per session and per outgoing frame, not per incoming one.
class P2PDIST_API envelope final : public sealed_link {
public:
    static constexpr std::size_t payload_bytes_max = limits::datagram_bytes_max - sealed_overhead_bytes;  ///< 1156

    /// Draws a fresh boot id. Without credentials nothing is sent or opened; only hellos of unsupported versions are answered.
    envelope(const crypto_suite& crypto, entropy& random, node_identity self, std::optional<credentials> held, envelope_config config = {});
    ~envelope() override;
    envelope(envelope&&) noexcept;
    envelope& operator=(envelope&&) noexcept;

    /// The own keys and id.
    [[nodiscard]] const node_identity& self() const noexcept;
    [[nodiscard]] const client_id& self_id() const noexcept override { return self().id; }
    [[nodiscard]] std::size_t frame_payload_max() const noexcept override { return payload_bytes_max; }
    [[nodiscard]] std::size_t data_frame_max() const noexcept override { return limits::datagram_bytes_max; }
    /// What it speaks with; nothing before enrolment.
    [[nodiscard]] const std::optional<credentials>& held() const noexcept;

    /// New credentials. Another signing key ends all sessions; a new epoch ends those with members whose certificates it no longer
    /// accepts; the others go on.
    void set_credentials(credentials held);

    /// A list of the server or of a peer. A newer one that is genuine replaces the one in force: peers that it names are forgotten
    /// (peer_revoked), and so are sessions under certificates of epochs that it no longer accepts (SEC-2).
    list_verdict take_revocations(byte_span list);
    /// The list in force; number 0 where there is none.
    [[nodiscard]] const revocation_list& revocations() const noexcept;

    /// This process may be a copy of another that goes on elsewhere, or an earlier state of itself (a resumed snapshot): draws a fresh
    /// boot id and gives up all sessions, so that no key and no counter is used by both. What waits for a session leaves under a new
    /// one. Gives the peers that there was a session with; flows with them are over.
    std::vector<client_id> start_anew();

    /// A peer's key as the server's roster gives it. False (and nothing changes) where the key does not belong to the id, or the peer is
    /// revoked.
    /// The least recently used peer is forgotten where the table is full.
    bool add_peer(const client_id& peer, const public_key& key);
    /// Whether it has the peer's key.
    [[nodiscard]] bool knows(const client_id& peer) const noexcept;
    /// Forgets the peer and its sessions.
    void forget_peer(const client_id& peer);
    /// The peer's key; nothing where it is not known.
    [[nodiscard]] std::optional<public_key> key_of(const client_id& peer) const noexcept;

    /// Seals and sends, or keeps the payload and first makes a session over the same way. `type` is message or flow_control.
    /// An identical payload that is already kept is not kept twice. A peer that has been silent for long is greeted anew beside
    /// the running session, so that its restart heals even if it cannot say session_unknown; peer_unreachable if it is gone.
    send_status send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload) override;

    /// Makes a session if there is none; session_ready or peer_unreachable follows, session_ready also at once where there is one.
    send_status ensure_session(time_point now, const client_id& peer, const path& way);
    /// Whether a frame to the peer would leave at once.
    [[nodiscard]] bool has_session(const client_id& peer) const noexcept;
    /// The session under which the next frame to the peer leaves.
    [[nodiscard]] std::optional<session_number> current_session(const client_id& peer) const noexcept override;
    [[nodiscard]] bool receives_at(const client_id& peer, const ip_address& address) const noexcept override;

    /// The key of a flow's data frames: the same on both sides. `session` is the one under which flow_open travelled, `token` the
    /// receiver's, `flow_receiver` the node that receives the data. Nothing where the session is gone.
    [[nodiscard]] std::optional<short_key> flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                                    const client_id& flow_receiver) const override;

    /// Takes frame types 0x40 to 0x45, 0x4c and 0x4d. Gives the payload of a good sealed frame; answers and drops all else by itself.
    [[nodiscard]] std::optional<opened> on_datagram(time_point now, wall_time wall, const received_datagram& datagram);

    /// The next datagram or event, in the order in which they came about.
    [[nodiscard]] std::optional<envelope_output> poll();
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const noexcept;
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);

    /// Since it was made.
    [[nodiscard]] const envelope_counters& counters() const noexcept;
    /// Peers whose key is known.
    [[nodiscard]] std::size_t peer_count() const noexcept;
    [[nodiscard]] std::size_t session_count(const client_id& peer) const noexcept;  ///< unconfirmed ones included

private:
    class P2PDIST_LOCAL core;
    std::unique_ptr<core> core_;
};

}  // namespace p2pdist
