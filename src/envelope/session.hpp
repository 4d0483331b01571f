#pragma once
// One session with a peer: its keys, its counters, its replay window.

#include <cstdint>
#include <optional>

#include "key_exchange.hpp"
#include "p2pdist/base/address.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "replay_window.hpp"
#include "session_frames.hpp"

namespace p2pdist::detail {

/// Who made the session, and by which greetings; seen alike from both sides.
struct session_facts {
    client_id initiator;
    client_id responder;
    boot_id initiator_boot{};
    boot_id responder_boot{};
    session_nonce hello_nonce{};
    session_nonce welcome_nonce{};
};

struct session_keys {
    secret_key secret{};  ///< flow keys come from it
    secret_key send{};
    secret_key receive{};
    session_number number = 0;
};

/// `transcript` is SHA-256 of the hello but for its cookie and tag, and of the welcome but for its tag: whatever stands there is the
/// same on both sides, or the keys are not.
[[nodiscard]] session_keys derive_session(const crypto_suite& crypto, const handshake_secrets& secrets, const digest& transcript,
                                          const client_id& self, const client_id& other);
[[nodiscard]] short_key derive_flow_key(const crypto_suite& crypto, const secret_key& session_secret, std::uint32_t token,
                                        const client_id& flow_receiver);

struct session {
    session_facts facts;
    session_keys keys;
    std::uint16_t epoch = 0;
    std::uint8_t version = 0;
    certificate peer_cert;
    standing peer_standing = standing::member;
    bool initiated = false;  ///< by this node
    bool confirmed = false;  ///< a responder's session counts only from the first valid frame: a hello may be a replay
    /// Where the peer receives: only somebody who was sent our greeting there has the keys. Each datagram goes to where another came
    /// from, so frames from elsewhere do not count: a member could make us flood anybody.
    ip_address proven;
    bool moved = false;  ///< the peer says that our address is another now: a new session is due
    bytes welcome;       ///< of a responder, until confirmed: what a repeated hello gets
    /// Our own hello that was outstanding when the peer's came.
    std::optional<session_nonce> crossed_with;
    std::uint64_t next_sequence = 0;
    replay_window received;
    std::uint64_t last_use = 0;  ///< a running number, for eviction
    time_point last_heard{};
    std::uint32_t frames_since_heard = 0;

    [[nodiscard]] const boot_id& peer_boot() const noexcept { return initiated ? facts.responder_boot : facts.initiator_boot; }
};

}  // namespace p2pdist::detail
