#pragma once
// Data frames of flows: a 20-byte header and a short tag, then the payload. The payload of frame_type::data is proven by its
// chunk hash later; that of data_strict is covered by the tag too, so that it can be held against its sender (SEC-3).

#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist {

/// Appends header and tag (data_overhead_bytes) to `out`; the payload itself is sent behind them and not copied.
/// The tag is SipHash-2-4 under the flow's key (envelope::flow_key) over the header, the payload's length (4 bytes, big-endian)
/// and, in data_strict, the payload.
P2PDIST_INTERNAL void seal_data(const crypto_suite& crypto, const short_key& key, const data_header& header, byte_span payload, bytes& out);

/// An authentic data frame. `payload` borrows from the datagram.
struct opened_data {
    data_header header;
    byte_span payload;
};

/// Nothing where the bytes are no data frame or the tag is wrong. Which key belongs to the token: decode_data_header first.
[[nodiscard]] P2PDIST_INTERNAL std::optional<opened_data> open_data(const crypto_suite& crypto, const short_key& key, byte_span datagram);

}  // namespace p2pdist
