#include "key_exchange.hpp"

#include <algorithm>

namespace p2pdist::detail {

handshake_secrets::~handshake_secrets() {
    for (auto* secret : {&pair, &initiator_ephemeral, &responder_ephemeral, &both_ephemeral}) wipe(*secret);
}

secret_key welcome_key(const crypto_suite& crypto, const secret_key& pair, const secret_key& initiator_ephemeral) {
    std::array<std::uint8_t, 64> material{};
    std::copy(initiator_ephemeral.begin(), initiator_ephemeral.end(), std::copy(pair.begin(), pair.end(), material.begin()));
    const auto key = derive_key(crypto, as_bytes("p2pdist welcome"), material, {});
    wipe(material);
    return key;
}

}  // namespace p2pdist::detail
