#pragma once
// Datagrams as values: what a core is given and what it gives back.

#include <cstdint>
#include <memory>
#include <utility>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// The two ends of a datagram's way as a node sees it: its own port and the other side.
struct path {
    std::uint16_t local_port = 0;
    endpoint remote;
    friend auto operator<=>(const path&, const path&) = default;
};

/// A datagram that arrived. `payload` borrows from the driver for the length of the call.
struct received_datagram {
    endpoint local;          ///< the address it was sent to (a broadcast address for a broadcast) and our port
    endpoint from;
    time_point received_at;  ///< the kernel's receive time where there is one, else `now`
    std::uint8_t ecn = 0;    ///< the two ECN bits of the IP header
    byte_span payload;
};

/// A piece of memory that outlives the core's call, shared by reference: a part of a chunk in a store or a message.
struct shared_bytes {
    std::shared_ptr<const bytes> owner;
    byte_span view;

    shared_bytes() = default;
    /// All of `data`.
    shared_bytes(std::shared_ptr<const bytes> data) : owner(std::move(data)), view(owner ? byte_span(*owner) : byte_span{}) {}
    /// `part` of `data`, or of anything that lives as long.
    shared_bytes(std::shared_ptr<const bytes> data, byte_span part) : owner(std::move(data)), view(part) {}
};

/// A datagram to send: `header` then `payload`, without copying the latter.
struct send_datagram {
    std::uint16_t from_port = 0;
    endpoint to;                 ///< a broadcast address where `broadcast` is set
    bytes header;
    shared_bytes payload;
    std::uint8_t dscp = 0;       ///< 1 = LE (RFC 8622) for Background
    std::uint8_t ecn = 0;        ///< 2 = ECT(0)
    bool broadcast = false;

    /// From this end of a way to the other, at once.
    [[nodiscard]] static send_datagram over(const path& way, bytes content) {
        send_datagram out;
        out.from_port = way.local_port;
        out.to = way.remote;
        out.header = std::move(content);
        return out;
    }
    [[nodiscard]] std::size_t size() const noexcept { return header.size() + payload.view.size(); }
};

}  // namespace p2pdist
