#pragma once
// Authenticated encryption that a repeated key does not break: of enrolment and renewal.

#include <optional>

#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail {

constexpr std::size_t aead_nonce_bytes = 12;
constexpr std::size_t aead_tag_bytes = 16;
constexpr std::size_t sealed_box_overhead_bytes = aead_nonce_bytes + aead_tag_bytes;

/// Nonce (12) || ciphertext || tag (16) of ChaCha20-Poly1305. The nonce is made from the key, the associated data and the plaintext,
/// as a synthetic one: a virtual machine that was copied, or set back to a snapshot, in the middle of an exchange may seal a second
/// plaintext (another date in the certificate) under the key of the first, and draw the same random numbers for it. With this nonce
/// two plaintexts never share one, whatever repeats.
[[nodiscard]] bytes seal_box(const crypto_suite& crypto, const secret_key& key, byte_span associated, byte_span plain);
[[nodiscard]] std::optional<bytes> open_box(const crypto_suite& crypto, const secret_key& key, byte_span associated, byte_span sealed);

}  // namespace p2pdist::detail
