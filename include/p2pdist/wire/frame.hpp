#pragma once
// What the first bytes of every datagram mean. docs/wire-format.md is the byte-by-byte description of the same.

#include <cstdint>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"

namespace p2pdist {

/// The version of the wire format that this code speaks, and the oldest that it accepts (MSG-6).
inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::uint8_t protocol_version_min = 1;

/// The first byte of a datagram. Never 20 to 63: on the server's port 34323 those are DTLS (CON-2, as in RFC 7983).
enum class frame_type : std::uint8_t {
    message = 0x40,           ///< sealed: a small message, an acknowledgement or a reply
    flow_control = 0x41,      ///< sealed: open, feedback, status, close of a flow
    session_hello = 0x42,     ///< opens a pairwise session
    session_welcome = 0x43,   ///< answers session_hello
    session_unknown = 0x44,   ///< "I have no session with you: say hello again"
    version_refused = 0x45,   ///< the supported range, in a layout that never changes
    broadcast_request = 0x46, ///< under the group key
    broadcast_answer = 0x47,  ///< under a pairwise one-time key
    enrol_hello = 0x48,
    enrol_answer = 0x49,
    enrol_request = 0x4a,
    enrol_grant = 0x4b,
    session_cookie = 0x4c,    ///< "say hello again with this": shows that the hello's address is no forged one
    session_moved = 0x4d,     ///< "you speak from an address that you have not shown to be yours: say hello from there"
    data = 0x50,              ///< a piece of a flow; short tag over the header
    data_strict = 0x51,       ///< the same; the tag covers the payload too
};

/// The header of frame_type::message and flow_control: 28 bytes, then the payload, then a tag of 16 bytes.
///   0 type · 1 version · 2 key epoch (2) · 4 sender (16) · 20 counter (8)
struct sealed_header {
    frame_type type = frame_type::message;
    std::uint8_t version = protocol_version;
    std::uint16_t key_epoch = 0;
    client_id sender;
    std::uint64_t counter = 0;  ///< never repeats under one session key

    static constexpr std::size_t size_bytes = 28;
    friend bool operator==(const sealed_header&, const sealed_header&) = default;
};
inline constexpr std::size_t sealed_tag_bytes = 16;
inline constexpr std::size_t sealed_overhead_bytes = sealed_header::size_bytes + sealed_tag_bytes;

/// The header of frame_type::data and data_strict: 20 bytes, then a tag of 8 bytes, then the payload.
///   0 type · 1 flags · 2 token (4) · 6 packet number (4) · 10 sent at (4) · 14 offset (6)
struct data_header {
    frame_type type = frame_type::data;
    std::uint8_t flags = 0;           ///< data_flag_*; unknown bits are ignored
    std::uint32_t token = 0;          ///< chosen by the receiver at random; tells its flows apart
    std::uint32_t packet_number = 0;  ///< grows by one a datagram, also for retransmissions
    std::uint32_t sent_at_us = 0;     ///< the sender's clock in microseconds, modulo 2^32
    std::uint64_t offset = 0;         ///< of the payload's first byte in the flow's object; below 2^48

    static constexpr std::size_t size_bytes = 20;
    friend bool operator==(const data_header&, const data_header&) = default;
};
inline constexpr std::size_t data_tag_bytes = 8;
inline constexpr std::size_t data_overhead_bytes = data_header::size_bytes + data_tag_bytes;
inline constexpr std::uint8_t data_flag_feedback_now = 0x01;  ///< the sender asks for feedback at once (end of a burst, probe)

/// Appends its binary form.
P2PDIST_API void encode(const sealed_header& header, bytes& out);
/// Appends its binary form.
P2PDIST_API void encode(const data_header& header, bytes& out);

/// Nothing where the bytes are too few or the type is another. The version is read, not judged.
[[nodiscard]] P2PDIST_API std::optional<sealed_header> decode_sealed_header(byte_span datagram) noexcept;
/// The same for a data frame.
[[nodiscard]] P2PDIST_API std::optional<data_header> decode_data_header(byte_span datagram) noexcept;

/// The type of a datagram of ours; nothing for an empty or foreign one.
[[nodiscard]] P2PDIST_API std::optional<frame_type> frame_type_of(byte_span datagram) noexcept;

}  // namespace p2pdist
