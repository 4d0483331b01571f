#pragma once
// The server's statement that a public key belongs to the organisation, for one key epoch and until a date (SEC-1, SEC-2).

#include <cstdint>
#include <optional>

#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// Binary form, 108 bytes, big-endian:
///   0 format = 1 · 1 role (1 client, 2 server) · 2 key epoch (2) · 4 not after (8) · 12 X25519 public key (32) · 44 signature (64)
/// The Ed25519 signature covers "p2pdist certificate" followed by bytes 0 to 43.
struct certificate {
    role who = role::client;      ///< client or server; connectors have none
    public_key key{};             ///< X25519
    std::uint16_t key_epoch = 0;  ///< a new epoch revokes all certificates of the old one
    wall_time not_after;          ///< the last second in which it is good
    signature sig{};

    static constexpr std::size_t size_bytes = 108;
    friend bool operator==(const certificate&, const certificate&) = default;
};

/// Appends the binary form.
void encode(const certificate& cert, bytes& out);
/// Reads exactly certificate::size_bytes; nothing for another size, format or role. The signature is not judged.
[[nodiscard]] std::optional<certificate> decode_certificate(byte_span data) noexcept;

/// Makes a certificate with the server's Ed25519 seed. `who` is client or server.
[[nodiscard]] certificate sign_certificate(const crypto_suite& crypto, const secret_key& signing_seed, role who, const public_key& key,
                                           std::uint16_t key_epoch, wall_time not_after);

enum class certificate_verdict : std::uint8_t { good, bad_signature, expired, other_epoch };

/// Judges signature, then date, then epoch: `other_epoch` is therefore a genuine, unexpired certificate of another epoch.
[[nodiscard]] certificate_verdict verify_certificate(const crypto_suite& crypto, const public_key& signing_key, const certificate& cert,
                                                     wall_time now, std::uint16_t expected_epoch);

}  // namespace p2pdist
