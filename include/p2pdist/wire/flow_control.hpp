#pragma once
// The control signals of a flow (XFER-5), as plain structs. They travel as protobuf inside sealed frames of
// frame_type::flow_control. Each is idempotent and superseding: the newest one says all, older ones are ignored, and what must
// arrive is repeated until overtaken. None of them uses the message layer's retransmission.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// `length` bytes (or packets, or chunks) from `first` on.
struct index_range {
    std::uint64_t first = 0;
    std::uint64_t length = 0;

    [[nodiscard]] std::uint64_t end() const noexcept { return first + length; }
    friend auto operator<=>(const index_range&, const index_range&) = default;
};

/// A message too large for one datagram, under the token of its announcement.
struct message_object {
    std::uint64_t token = 0;
    friend bool operator==(const message_object&, const message_object&) = default;
};
/// A content as the object of a flow: its proven chunks, one after another (content/hash_tree.hpp).
struct content_object {
    content_info content;
    friend bool operator==(const content_object&, const content_object&) = default;
};
/// What a flow is about.
using flow_object = std::variant<message_object, content_object>;

/// Receiver to sender: begin. Repeated until accepted, refused or given up.
struct flow_open {
    flow_object object;
    transfer_protocol protocol = transfer_protocol::foreground;
    bool strict = false;                      ///< data frames' tags cover the payload, to find out who sends bad bytes (SEC-3)
    std::uint32_t datagram_bytes_max = 1200;  ///< largest UDP payload that the receiver takes
    bytes status;                             ///< the first status of the receiving side (opaque to the flow)
    friend bool operator==(const flow_open&, const flow_open&) = default;
};

/// Sender to receiver: the object is here.
struct flow_accept {
    std::uint64_t object_bytes = 0;
    bytes status;
    friend bool operator==(const flow_accept&, const flow_accept&) = default;
};

/// Either side: no, or no more.
struct flow_close {
    errc reason = errc::cancelled;
    std::string text;
    std::uint32_t retry_after_ms = 0;  ///< 0: don't
    friend bool operator==(const flow_close&, const flow_close&) = default;
};

/// Receiver to sender: the whole state of reception; the highest sequence wins.
struct flow_feedback {
    std::uint32_t sequence = 0;
    std::uint32_t want_generation = 0;      ///< grows when `wanted` changes for another reason than reception
    std::vector<index_range> wanted;        ///< bytes of the object still wanted from this sender, in order of preference
    std::uint32_t largest_packet = 0;       ///< highest packet number received; valid where received_packets > 0
    std::vector<index_range> acknowledged;  ///< received packet numbers, highest range first; ranges not listed are missing or old
    std::uint64_t received_packets = 0;     ///< in all
    std::uint64_t received_bytes = 0;       ///< UDP payload bytes in all, duplicates included
    std::uint64_t ce_packets = 0;           ///< with ECN CE in all
    std::uint32_t echo_sent_at_us = 0;      ///< sent_at of the packet `largest_packet`
    std::uint32_t received_at_us = 0;       ///< the receiver's clock at that packet's arrival, modulo 2^32
    std::uint32_t held_us = 0;              ///< from that arrival to this feedback
    std::int32_t delay_min_us = 0;          ///< over packets since the previous feedback: least and greatest (received - sent), mod 2^32, signed
    std::int32_t delay_max_us = 0;
    std::uint32_t interval_packets = 0;     ///< how many packets these two cover
    std::uint32_t status_sequence_seen = 0; ///< newest flow_status of the sender that arrived
    std::uint32_t status_sequence = 0;      ///< of `status` below
    bool strict = false;                    ///< from now on as flow_open::strict, for the rest of the flow
    bytes status;                           ///< the receiving side's own status (opaque to the flow)
    friend bool operator==(const flow_feedback&, const flow_feedback&) = default;
};

/// Sender to receiver: the sending side's own status; repeated until feedback has seen it.
struct flow_status {
    std::uint32_t sequence = 0;
    std::uint32_t status_sequence_seen = 0;  ///< newest status of the receiver that arrived
    bool paused = false;                     ///< Background: other traffic goes first (XFER-3)
    bytes status;
    friend bool operator==(const flow_status&, const flow_status&) = default;
};

/// One control signal of the flow with this token. `to_sender` tells which side of the flow the frame is meant for.
struct flow_control {
    std::uint32_t token = 0;
    bool to_sender = false;
    std::variant<flow_open, flow_accept, flow_feedback, flow_status, flow_close> signal;
    friend bool operator==(const flow_control&, const flow_control&) = default;
};

inline constexpr std::size_t flow_ranges_max = 32;        ///< entries in `wanted` and in `acknowledged`
inline constexpr std::size_t flow_status_bytes_max = 700; ///< of an opaque status, so that every control frame fits a datagram
inline constexpr std::size_t flow_text_bytes_max = 300;   ///< of flow_close::text; longer text is cut
inline constexpr std::uint64_t flow_object_bytes_max = (std::uint64_t{1} << 48) - 1;  ///< since data frames hold 48-bit offsets
inline constexpr std::uint32_t flow_datagram_bytes_min = 512;  ///< least datagram_bytes_max that a receiver may ask for

/// A typical feedback takes less than 60 bytes. Empty ranges and ranges after the first flow_ranges_max are left out.
/// `acknowledged` must be ordered highest first, without overlaps, and lie within 0 to largest_packet. `to_sender` follows from the
/// signal (open and feedback go to the sender, accept and status to the receiver) and travels for flow_close only.
[[nodiscard]] P2PDIST_API bytes encode(const flow_control& control);
/// errc::malformed for bytes that do not parse, ranges that overflow or overlap, or more of them than the limits allow.
/// An errc that this program doesn't know reads as errc::refused.
[[nodiscard]] P2PDIST_API result<flow_control> decode_flow_control(byte_span data);

}  // namespace p2pdist
