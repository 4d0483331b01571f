#pragma once
// The keys that follow from two nodes' static keys, and the 16-byte tags under them.

#include <array>
#include <cstdint>

#include "p2pdist/base/ids.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail {

using frame_tag = std::array<std::uint8_t, 16>;

/// The first 16 bytes of HMAC-SHA-256.
[[nodiscard]] frame_tag tag_of(const crypto_suite& crypto, const secret_key& key, byte_parts parts);
[[nodiscard]] bool tag_fits(const crypto_suite& crypto, const secret_key& key, byte_parts parts, byte_span tag);

/// K_pair of two nodes in one epoch, the same on both sides. `shared` is X25519 of own secret and other public key.
[[nodiscard]] secret_key pair_key(const crypto_suite& crypto, const secret_key& shared, std::uint16_t epoch, const client_id& left,
                                  const client_id& right);

/// Big-endian bytes of an integer, for key derivation.
[[nodiscard]] constexpr std::array<std::uint8_t, 2> bytes_of(std::uint16_t value) noexcept {
    return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
[[nodiscard]] constexpr std::array<std::uint8_t, 4> bytes_of(std::uint32_t value) noexcept {
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8),
            static_cast<std::uint8_t>(value)};
}

/// Reads a fixed number of bytes; zeros (and reader.ok() false) where they are missing.
template <std::size_t Size>
[[nodiscard]] std::array<std::uint8_t, Size> read_array(byte_reader& reader) noexcept {
    std::array<std::uint8_t, Size> out{};
    const auto from = reader.raw(Size);
    for (std::size_t i = 0; i < from.size(); ++i) out[i] = from[i];
    return out;
}

}  // namespace p2pdist::detail
