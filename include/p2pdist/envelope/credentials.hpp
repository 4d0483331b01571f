#pragma once
// Who a node is: an X25519 key pair and the identifier that follows from its public half. And what it holds after enrolment: its right to
// speak in the organisation during one key epoch.

#include <cstdint>
#include <optional>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// A node's key pair and identifier. `secret` never leaves the node.
struct node_identity {
    secret_key secret{};
    public_key key{};
    client_id id;
};

/// The first 16 bytes of SHA-256("p2pdist id" || key): an identifier that nobody can claim without the secret of its key (SEC-1).
[[nodiscard]] P2PDIST_API client_id id_of(const crypto_suite& crypto, const public_key& key);

/// The identity whose X25519 secret is given, e.g. read from the node's own key file.
[[nodiscard]] P2PDIST_API node_identity identity_from_secret(const crypto_suite& crypto, const secret_key& secret);

/// A new identity.
[[nodiscard]] P2PDIST_API node_identity make_identity(const crypto_suite& crypto, entropy& random);

/// The server's statement that a public key belongs to the organisation, for one key epoch and until a date (SEC-1, SEC-2).
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
P2PDIST_API void encode(const certificate& cert, bytes& out);
/// Reads exactly certificate::size_bytes; nothing for another size, format or role. The signature is not judged.
[[nodiscard]] P2PDIST_API std::optional<certificate> decode_certificate(byte_span data) noexcept;

/// Makes a certificate with the server's Ed25519 seed. `who` is client or server.
[[nodiscard]] P2PDIST_API certificate sign_certificate(const crypto_suite& crypto, const secret_key& signing_seed, role who, const public_key& key,
                                           std::uint16_t key_epoch, wall_time not_after);

/// What is wrong with a certificate, if anything.
enum class certificate_verdict : std::uint8_t { good, bad_signature, expired, other_epoch };

/// Judges signature, then date, then epoch: `other_epoch` is therefore a genuine, unexpired certificate of another epoch.
[[nodiscard]] P2PDIST_API certificate_verdict verify_certificate(const crypto_suite& crypto, const public_key& signing_key, const certificate& cert,
                                                     wall_time now, std::uint16_t expected_epoch);

/// Given by the server in enrol_grant or renew_reply, the encrypted ways to a client (CON-3). Kept in the node's key file.
struct credentials {
    certificate own;              ///< for this node's X25519 key
    public_key signing_key{};     ///< the server's Ed25519 key, by which others' certificates are judged
    std::uint16_t key_epoch = 0;
    secret_key group_key{};       ///< of this epoch: tags broadcast requests
    secret_key former_group_key{};  ///< of the epoch before: for members that have not renewed yet

    static constexpr std::size_t size_bytes = certificate::size_bytes + 32 + 2 + 32 + 32;
    friend bool operator==(const credentials&, const credentials&) = default;
};

/// Appends the binary form, credentials::size_bytes: own certificate, signing key, epoch, both group keys. It holds a secret.
P2PDIST_API void encode(const credentials& value, bytes& out);
/// Reads exactly credentials::size_bytes; nothing where they are another number or the certificate does not parse.
[[nodiscard]] P2PDIST_API std::optional<credentials> decode_credentials(byte_span data) noexcept;

}  // namespace p2pdist
