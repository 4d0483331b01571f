#pragma once
// What a node holds after enrolment: its right to speak in the organisation during one key epoch.

#include <cstdint>

#include "p2pdist/envelope/certificate.hpp"

namespace p2pdist {

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
void encode(const credentials& value, bytes& out);
/// Reads exactly credentials::size_bytes; nothing where they are another number or the certificate does not parse.
[[nodiscard]] std::optional<credentials> decode_credentials(byte_span data) noexcept;

}  // namespace p2pdist
