#pragma once
// What flows and messages need from below: a way to say something to a peer so that it knows who said it. Between nodes this is the
// envelope; inside the connector's encrypted channel it is secure_channel_link (message/secure_channel_link.hpp). The rooms above
// run unchanged over either.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/frame.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// Names one of the sessions with a peer, the same number on both sides. Random, so only meaningful together with the peer.
using session_number = std::uint32_t;

/// What became of a payload that was given to send().
enum class send_status : std::uint8_t {
    sealed,          ///< left (or waits for poll) under the current session
    kept,            ///< leaves as soon as the session is made
    unknown_peer,    ///< dropped: no key; add_peer first
    no_credentials,  ///< dropped: not enrolled yet
    too_large,       ///< dropped: above envelope::payload_bytes_max
    full,            ///< dropped: too much waits for this session, or too many sessions are being made
    held_off,        ///< dropped: the peer was unreachable a moment ago, or its channel is closed
};

/// How a member stands by the newest revocation list.
enum class standing : std::uint8_t {
    member,
    outdated,   ///< its certificate is of an epoch that is no longer accepted: it has to renew, and may do nothing else
    revoked,    ///< shut out
};

/// A frame that was said by `from`, exactly once. `payload` borrows from the datagram.
struct opened {
    client_id from;
    frame_type type = frame_type::message;  ///< message or flow_control
    path way;                               ///< answer over the same
    session_number session = 0;             ///< for flow_key
    standing sender_standing = standing::member;  ///< others only with envelope_config::admit_lapsed
    role sender_role = role::client;        ///< as the sender's certificate says
    std::uint16_t sender_epoch = 0;         ///< key epoch of that certificate
    byte_span payload;
};

/// The interface. Distinct objects: safe from any thread. Shared: unsafe.
class P2PDIST_API sealed_link {
public:
    virtual ~sealed_link() = default;

    /// The own identifier, which peers know us by.
    [[nodiscard]] virtual const client_id& self_id() const noexcept = 0;
    /// Sends `payload` so that the peer knows who sent it, over `way`. `type` is message or flow_control. Like a datagram it may get
    /// lost: what must arrive is sent again.
    virtual send_status send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload) = 0;
    /// The session under which the next frame to the peer leaves.
    [[nodiscard]] virtual std::optional<session_number> current_session(const client_id& peer) const noexcept = 0;
    /// Whether the peer has shown, by a session that still is, that it receives at this address.
    [[nodiscard]] virtual bool receives_at(const client_id& peer, const ip_address& address) const noexcept = 0;
    /// The key of a flow's data frames: the same on both sides. `session` is the one under which flow_open travelled, `token` the
    /// receiver's, `flow_receiver` the node that receives the data. Nothing where the session is gone.
    [[nodiscard]] virtual std::optional<short_key> flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                                            const client_id& flow_receiver) const = 0;

    /// Largest payload of send().
    [[nodiscard]] virtual std::size_t frame_payload_max() const noexcept = 0;
    /// Largest data frame, header and tag included.
    [[nodiscard]] virtual std::size_t data_frame_max() const noexcept = 0;

protected:
    sealed_link() = default;
    sealed_link(const sealed_link&) = default;
    sealed_link(sealed_link&&) = default;
    sealed_link& operator=(const sealed_link&) = default;
    sealed_link& operator=(sealed_link&&) = default;
};

}  // namespace p2pdist
