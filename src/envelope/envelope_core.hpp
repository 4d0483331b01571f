#pragma once
// The inside of `envelope`: sealed frames in envelope_core.cpp, the making of sessions in handshake.cpp.

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

namespace p2pdist {

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
    /// A hello of ours that waits for its welcome.
    struct handshake {
        path way;
        detail::session_nonce nonce{};
        std::uint16_t epoch = 0;  ///< of the own certificate in the last hello sent
        int attempts = 0;
        time_point next_at{};
        bool mismatch_told = false;
        bool probe = false;  ///< only asks whether a silent peer is still the process that our session is with
        std::vector<kept_payload> kept;
    };

    // Making sessions (handshake.cpp).
    send_status begin_handshake(time_point now, detail::peer_entry& peer, const path& way);
    void say_hello(time_point now, const client_id& id, handshake& shake);
    void schedule(const client_id& id, handshake& shake, time_point at);
    void give_up(time_point now, const client_id& id);
    void end_handshake(const client_id& id);
    void on_hello(time_point now, wall_time wall, const received_datagram& datagram);
    void on_welcome(time_point now, wall_time wall, const received_datagram& datagram);
    void on_session_unknown(time_point now, const received_datagram& datagram);
    void on_version_refused(const received_datagram& datagram);
    void refuse_version(time_point now, const received_datagram& datagram, const detail::session_nonce& nonce);
    void welcome(const path& way, detail::peer_entry& peer, const detail::session& answered);
    detail::session& answer_hello(time_point now, detail::peer_entry& peer, const detail::greeting& hello, const secret_key& pair);
    /// Tag, certificate and date of a hello or welcome; says whose it is.
    detail::peer_entry* authenticate(time_point now, wall_time wall, const detail::greeting& frame, byte_span datagram,
                                     const ip_address& from);
    bool may_agree(time_point now, const detail::peer_entry* known, const ip_address& from);
    bool may_check(time_point now, detail::peer_entry& known, const certificate& cert);
    bool certificate_good(wall_time wall, const detail::peer_entry* peer, const certificate& cert);
    void note_epoch(const client_id& peer, std::uint16_t epoch);
    const secret_key* shared_with(detail::peer_entry& peer);
    secret_key pair_key_of(const secret_key& shared, std::uint16_t epoch, const client_id& peer) const;
    void put_greeting(const path& way, const detail::greeting& frame, const secret_key& pair);

    // Who is still a member (lapses.cpp).
    standing standing_by(const certificate& cert, const client_id& id) const noexcept;
    void review_sessions();

    // Sealed frames (envelope_core.cpp).
    std::optional<opened> on_sealed(time_point now, wall_time wall, const received_datagram& datagram);
    void answer_unknown(time_point now, const received_datagram& datagram, const sealed_header& header, detail::peer_entry& peer);
    void seal(detail::session& under, const path& way, frame_type type, byte_span payload);
    void confirm(time_point now, detail::peer_entry& peer, session_number number);
    void use_session(time_point now, detail::peer_entry& peer, session_number number);
    void look_after(time_point now, detail::peer_entry& peer, const detail::session& current, const path& way);
    bool still_there(time_point now, const handshake& shake, const detail::greeting& welcome, detail::peer_entry& peer);
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
    source_limit checks_;
    source_limit answers_;
    detail::rate_limit agreements_{limits::handshake_checks_per_second};
    std::uint64_t uses_ = 0;
    std::uint16_t newest_epoch_told_ = 0;
};

}  // namespace p2pdist
