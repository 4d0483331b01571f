#pragma once
// Who a node is: an X25519 key pair, and the identifier that follows from its public half.

#include "p2pdist/base/ids.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/crypto/entropy.hpp"

namespace p2pdist {

/// A node's key pair and identifier. `secret` never leaves the node.
struct node_identity {
    secret_key secret{};
    public_key key{};
    client_id id;
};

/// The first 16 bytes of SHA-256("p2pdist id" || key): an identifier that nobody can claim without the secret of its key (SEC-1).
[[nodiscard]] client_id id_of(const crypto_suite& crypto, const public_key& key);

/// The identity whose X25519 secret is given, e.g. read from the node's own key file.
[[nodiscard]] node_identity identity_from_secret(const crypto_suite& crypto, const secret_key& secret);

/// A new identity.
[[nodiscard]] node_identity make_identity(const crypto_suite& crypto, entropy& random);

}  // namespace p2pdist
