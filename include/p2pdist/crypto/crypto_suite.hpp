#pragma once
// The cryptographic functions that the protocol uses, as one stateless interface, and unpredictable bytes. OpenSSL's implementation is
// driver/openssl_crypto.hpp; nothing above the purity line knows it.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/export.hpp"

namespace p2pdist {

using secret_key = std::array<std::uint8_t, 32>;       ///< X25519 scalar, Ed25519 seed, AEAD or HMAC key
using public_key = std::array<std::uint8_t, 32>;       ///< X25519 or Ed25519 point
using signature = std::array<std::uint8_t, 64>;        ///< Ed25519 (RFC 8032)
using short_key = std::array<std::uint8_t, 16>;        ///< SipHash-2-4 key
/// ChaCha20-Poly1305 nonce: never twice under one key.
using aead_nonce = std::array<std::uint8_t, 12>;

/// Several byte strings that are processed as if they stood one after another.
using byte_parts = std::initializer_list<byte_span>;

/// All functions are const and safe to call from any thread.
class P2PDIST_API crypto_suite {
public:
    virtual ~crypto_suite() = default;

    /// FIPS 180-4.
    [[nodiscard]] virtual digest sha256(byte_parts parts) const = 0;
    [[nodiscard]] virtual digest hmac_sha256(byte_span key, byte_parts parts) const = 0;  ///< RFC 2104
    /// SipHash-2-4 with 64 bits of output (Aumasson and Bernstein, 2012): the short tag of data frames.
    [[nodiscard]] virtual std::uint64_t siphash(const short_key& key, byte_parts parts) const = 0;

    /// The public half of a secret (RFC 7748).
    [[nodiscard]] virtual public_key x25519_public(const secret_key& secret) const = 0;
    /// RFC 7748; nothing where the result is all zero (a small-order point).
    [[nodiscard]] virtual std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const = 0;

    /// The public half of a seed (RFC 8032).
    [[nodiscard]] virtual public_key ed25519_public(const secret_key& seed) const = 0;
    /// The signature of a message (RFC 8032).
    [[nodiscard]] virtual signature ed25519_sign(const secret_key& seed, byte_span message) const = 0;
    /// Whether it is the signature of that message by that key.
    [[nodiscard]] virtual bool ed25519_verify(const public_key& key, byte_span message, const signature& sig) const = 0;

    /// ChaCha20-Poly1305 (RFC 8439): ciphertext followed by its 16-byte tag.
    [[nodiscard]] virtual bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const = 0;
    /// The plaintext; nothing where the tag does not fit.
    [[nodiscard]] virtual std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated,
                                                         byte_span sealed) const = 0;
};

/// HKDF with SHA-256 (RFC 5869), extract and expand, for outputs of up to 32 bytes: all that the protocol derives.
[[nodiscard]] P2PDIST_API secret_key derive_key(const crypto_suite& crypto, byte_span salt, byte_span key_material, byte_parts info);

/// Unpredictable bytes for keys, nonces and tokens: the operating system's in the driver, a seeded one in the simulation.
/// Distinct objects: safe from any thread. Shared: as the implementation says; the system's is safe.
class P2PDIST_API entropy {
public:
    virtual ~entropy() = default;
    /// Fills all of `out`. Never fails: a driver that gets none from its system ends the program.
    virtual void fill(mutable_byte_span out) = 0;

    template <std::size_t Size>
    [[nodiscard]] std::array<std::uint8_t, Size> array() {
        std::array<std::uint8_t, Size> out{};
        fill(out);
        return out;
    }
    /// Eight bytes as a number.
    [[nodiscard]] std::uint64_t u64() {
        std::uint64_t out = 0;
        for (const auto byte : array<8>()) out = out << 8 | byte;
        return out;
    }
};

}  // namespace p2pdist
