#pragma once
// The frames that make and heal sessions. docs/wire-format.md has them byte by byte.

#include <array>
#include <optional>

#include "p2pdist/base/ids.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/envelope/version.hpp"
#include "pair_key.hpp"

namespace p2pdist::detail {

using boot_id = std::array<std::uint8_t, 8>;
using session_nonce = std::array<std::uint8_t, 16>;

using session_cookie = std::array<std::uint8_t, 16>;

/// The layout of the handshake frames, their byte 1. It outlives protocol versions.
inline constexpr std::uint8_t handshake_layout = 1;
/// The same of session_hello, session_welcome and session_cookie.
inline constexpr std::uint8_t greeting_layout = 2;

/// session_hello and session_welcome: one shape, so that the answer is exactly as large as the question.
struct greeting {
    frame_type type = frame_type::session_hello;
    std::uint16_t epoch = 0;  ///< of the pair key: that of the initiator's certificate
    version_range versions;
    std::uint8_t chosen = 0;  ///< the session's version; 0 in a hello
    client_id recipient;
    boot_id boot{};
    session_nonce nonce{};
    certificate cert;
    public_key ephemeral{};  ///< the sender's for this handshake
    boot_id echo_boot{};     ///< zero in a hello
    /// Of a welcome: the hello's nonce. Of a hello: the cookie, zero where there is none yet.
    session_nonce echo{};

    static constexpr std::size_t fixed_bytes = 196;  ///< before the echo: the same each time that a hello is said
    static constexpr std::size_t body_bytes = 212;
    static constexpr std::size_t size_bytes = body_bytes + sealed_tag_bytes;
};

/// Appends the body; the tag over it follows.
void encode(const greeting& frame, bytes& out);
/// Nothing where size, layout, reserved bytes or certificate are not as described.
[[nodiscard]] std::optional<greeting> decode_greeting(byte_span datagram) noexcept;

/// What every hello, of whatever layout, tells: bytes 4, 5 and 32 to 47.
struct hello_prefix {
    std::uint8_t layout = 0;
    version_range versions;
    session_nonce nonce{};

    static constexpr std::size_t size_bytes = 48;
};
[[nodiscard]] std::optional<hello_prefix> decode_hello_prefix(byte_span datagram) noexcept;

/// 0x45 · layout · min · max · the hello's nonce (16). Never changes.
struct version_refusal {
    version_range versions;
    session_nonce nonce{};

    static constexpr std::size_t size_bytes = 20;
};
[[nodiscard]] bytes encode(const version_refusal& frame);
[[nodiscard]] std::optional<version_refusal> decode_version_refusal(byte_span datagram) noexcept;

/// 0x4c · layout · zero (2) · the hello's nonce (16) · cookie (16). Not authenticated: it only makes the hello's sender say it again.
struct cookie_offer {
    session_nonce nonce{};
    session_cookie cookie{};

    static constexpr std::size_t size_bytes = 36;
};
[[nodiscard]] bytes encode(const cookie_offer& frame);
[[nodiscard]] std::optional<cookie_offer> decode_cookie_offer(byte_span datagram) noexcept;

/// session_unknown (0x44) and session_moved (0x4d): type · layout · epoch (2) · sender (16) · counter of the offending frame (8), then
/// the tag, of the one under the pair key, of the other under the session's: as large as the smallest sealed frame.
struct session_notice {
    frame_type type = frame_type::session_unknown;
    std::uint16_t epoch = 0;
    client_id sender;
    std::uint64_t counter = 0;

    static constexpr std::size_t body_bytes = 28;
    static constexpr std::size_t size_bytes = body_bytes + sealed_tag_bytes;
};
void encode(const session_notice& frame, bytes& out);
[[nodiscard]] std::optional<session_notice> decode_session_notice(byte_span datagram) noexcept;

}  // namespace p2pdist::detail
