#include "p2pdist/envelope/credentials.hpp"

#include <algorithm>

namespace p2pdist {

client_id id_of(const crypto_suite& crypto, const public_key& key) {
    const auto hash = crypto.sha256({as_bytes("p2pdist id"), key});
    client_id id;
    std::copy_n(hash.begin(), id.value.size(), id.value.begin());
    return id;
}

node_identity identity_from_secret(const crypto_suite& crypto, const secret_key& secret) {
    const auto key = crypto.x25519_public(secret);
    return {secret, key, id_of(crypto, key)};
}

node_identity make_identity(const crypto_suite& crypto, entropy& random) { return identity_from_secret(crypto, random.array<32>()); }

}  // namespace p2pdist
