#pragma once
// The world's own stand-in for DTLS between connector and server: records in the clear, on the same ports and with first bytes of the
// same range (CON-2), so that they take the same way through the network.

#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::sim {

struct channel_frame {
    enum class kind : std::uint8_t { opened = 20, closed = 21, open = 22, record = 23 };
    kind what = kind::open;
    std::uint64_t nonce = 0;   ///< names the association
    byte_span record;
};

[[nodiscard]] inline bytes encode(channel_frame::kind what, std::uint64_t nonce, byte_span record = {}) {
    bytes out;
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(what));
    writer.u64(nonce);
    writer.raw(record);
    return out;
}

[[nodiscard]] inline std::optional<channel_frame> decode_channel_frame(byte_span datagram) {
    byte_reader reader(datagram);
    const auto what = reader.u8();
    const auto nonce = reader.u64();
    if (!reader.ok() || what < 20 || what > 23) return std::nullopt;
    return channel_frame{static_cast<channel_frame::kind>(what), nonce, reader.rest()};
}

/// What both ends of an association know.
[[nodiscard]] inline secret_key exporter_of(const crypto_suite& crypto, std::uint64_t nonce) {
    bytes seed;
    byte_writer(seed).u64(nonce);
    return crypto.sha256({as_bytes("simulated channel"), seed});
}

}  // namespace p2pdist::sim
