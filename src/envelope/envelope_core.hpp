#pragma once
// The inside of `envelope`: sealed frames in envelope_core.cpp, own hellos in handshake.cpp, others' in greetings.cpp, what heals
// sessions in session_notices.cpp, what ends them in lapses.cpp.

#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/envelope/source_limit.hpp"
#include "peer_table.hpp"
#include "rate_limit.hpp"
#include "session_cookie.hpp"

namespace p2pdist {

/// Strangers' hellos with a cookie checked a second, of one address as it is. The cookie went there, so that a host has as many shares of
/// what its link and network have as it has addresses.
inline constexpr std::uint32_t session_proven_per_host = 20;

class envelope::core {
public:
    core(const crypto_suite& crypto, entropy& random, node_identity self, std::optional<credentials> held, envelope_config config);

    void set_credentials(credentials held);
    list_verdict take_revocations(byte_span list);
    std::vector<client_id> start_anew();
    bool add_peer(const client_id& peer, const public_key& key);
    void forget_peer(const client_id& peer);

    send_status send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload);
    send_status ensure_session(time_point now, const client_id& peer, const path& way);
    std::optional<short_key> flow_key(const client_id& peer, session_number number, std::uint32_t token,
                                      const client_id& flow_receiver) const;

    std::optional<opened> on_datagram(time_point now, wall_time wall, const received_datagram& datagram);
    std::optional<envelope_output> poll();
    time_point deadline() const noexcept { return timers_.empty() ? never : timers_.begin()->first; }
    void on_timer(time_point now);

    const node_identity self;
    std::optional<credentials> held;
    revocation_list revocations;
    detail::peer_table peers;
    envelope_counters counters;

private:
    struct kept_payload {
        path way;
        frame_type type;
        bytes payload;
    };
    /// A hello, the same each time that it is said: the session's keys hang on it.
    struct own_hello {
        own_hello(const crypto_suite& crypto, entropy& random) : ephemeral(crypto, random), nonce(random.array<16>()) {}
        detail::ephemeral_key ephemeral;
        detail::session_nonce nonce;
        detail::handshake_secrets secrets;  ///< the first two
        certificate own;                    ///< ours in it
        ip_address to;                      ///< a welcome shows that the peer receives there, and nowhere else
        detail::session_cookie cookie{};    ///< zero where none was asked for
        bytes fixed;                        ///< greeting::fixed_bytes of it
    };
    /// A hello of ours that waits for its welcome.
    struct handshake {
        path way;                        ///< of the next hello
        path said_over;                  ///< of the last one
        std::optional<own_hello> hello;  ///< nothing: the next one is to be a new one
        int attempts = 0;
        int cookies = 0;  ///< heeded since the timer's last hello
        time_point next_at{};
        bool mismatch_told = false;
        bool probe = false;  ///< only asks whether a silent peer is still the process that our session is with
        std::vector<kept_payload> kept;
    };

    // Own hellos and their welcomes (handshake.cpp).
    send_status begin_handshake(time_point now, detail::peer_entry& peer, const path& way);
    void open_hello(detail::peer_entry& peer, handshake& shake);
    void say_hello(time_point now, const client_id& id, handshake& shake);
    void put_hello(const handshake& shake);
    void schedule(const client_id& id, handshake& shake, time_point at);
    void give_up(time_point now, const client_id& id);
    void end_handshake(const client_id& id);
    void forget_nonce(handshake& shake);
    void on_welcome(time_point now, wall_time wall, const received_datagram& datagram);
    void make_session(time_point now, detail::peer_entry& peer, const handshake& shake, const detail::greeting& welcome, byte_span body);
    bool still_there(time_point now, const handshake& shake, const detail::greeting& welcome, detail::peer_entry& peer);
    void on_cookie(const received_datagram& datagram);
    void on_version_refused(const received_datagram& datagram);

    // Others' hellos (greetings.cpp).
    void on_hello(time_point now, wall_time wall, const received_datagram& datagram);
    void refuse_version(time_point now, const received_datagram& datagram, const detail::session_nonce& nonce);
    void ask_for_cookie(time_point now, const path& way, const client_id& initiator, const detail::greeting& hello);
    /// By date, epoch or revocation list: it is to be dropped, whether it is genuine or not.
    bool lapsed(wall_time wall, const client_id& id, const certificate& cert);
    /// The secret shared with a hello's sender, where its tag is good. `known` is the peer where we have its key.
    std::optional<secret_key> authenticate(const detail::greeting& hello, const client_id& id, byte_span datagram, detail::peer_entry* known);
    /// Judges the signature of a certificate that has not lapsed, of a greeting whose tag is good; nothing where that is to be dropped.
    /// `fresh`: it cannot be a recording.
    detail::peer_entry* admit(wall_time wall, const client_id& id, const certificate& cert, const secret_key& shared, bool fresh);
    void answer_hello(time_point now, detail::peer_entry& peer, const detail::greeting& hello, byte_span datagram, const path& way);
    bool may_agree(time_point now, const detail::peer_entry* known, const ip_address& from, bool with_cookie);
    bool may_check(time_point now, detail::peer_entry& known, const certificate& cert, bool fresh);
    bool may_answer(time_point now, detail::peer_entry& peer, bool with_cookie);
    bool unwelcome(const client_id& id);
    void note_epoch(const client_id& peer, std::uint16_t epoch);
    const secret_key* shared_with(detail::peer_entry& peer);
    secret_key pair_key_of(const secret_key& shared, std::uint16_t epoch, const client_id& peer) const;

    // What heals sessions (session_notices.cpp).
    void answer_unknown(time_point now, const received_datagram& datagram, const sealed_header& header, detail::peer_entry& peer);
    void answer_moved(time_point now, const received_datagram& datagram, const sealed_header& header, detail::peer_entry& peer,
                      const detail::session& under);
    bool may_notify(time_point now, detail::peer_entry& peer, const ip_address& to);
    void put_notice(const received_datagram& answered, frame_type type, const sealed_header& header, const secret_key& key,
                    const client_id& to);
    void on_notice(time_point now, const received_datagram& datagram);
    void on_unknown(time_point now, detail::peer_entry& peer, session_number number, const path& way);
    void on_moved(time_point now, detail::peer_entry& peer, session_number number, const path& way);

    // Who is still a member (lapses.cpp).
    standing standing_by(const certificate& cert, const client_id& id) const noexcept;
    void review_sessions();

    // Sealed frames (envelope_core.cpp).
    std::optional<opened> on_sealed(time_point now, wall_time wall, const received_datagram& datagram);
    void seal(detail::session& under, const path& way, frame_type type, byte_span payload);
    void confirm(time_point now, detail::peer_entry& peer, session_number number);
    void use_session(time_point now, detail::peer_entry& peer, session_number number);
    void look_after(time_point now, detail::peer_entry& peer, const detail::session& current, const path& way);
    detail::peer_entry& remember(const client_id& id, const public_key& key);
    void put_datagram(const path& way, bytes data);
    void put_event(envelope_output event);

    const crypto_suite* crypto_;
    entropy* random_;
    envelope_config config_;
    detail::boot_id boot_;
    std::map<client_id, handshake> handshakes_;
    std::map<detail::session_nonce, client_id> by_nonce_;
    std::set<std::pair<time_point, client_id>> timers_;
    std::deque<envelope_output> out_;
    detail::cookie_jar cookies_;
    source_limit checks_;   // strangers' hellos without a cookie
    source_limit proven_;   // and with one: forged addresses don't come that far
    source_limit replies_;  // cookies, and welcomes once more
    source_limit answers_;  // version_refused
    source_limit notices_;  // session_unknown and session_moved, which only known peers get
    detail::rate_limit agreements_{limits::handshake_checks_per_second};
    detail::rate_limit greetings_{limits::session_hellos_per_second};  // known peers' hellos without a cookie
    std::uint64_t uses_ = 0;
    std::uint16_t newest_epoch_told_ = 0;
};

}  // namespace p2pdist
