#include "session.hpp"

#include <algorithm>

namespace p2pdist::detail {

session_keys derive_session(const crypto_suite& crypto, const handshake_secrets& secrets, const digest& transcript, const client_id& self,
                            const client_id& other) {
    std::array<std::uint8_t, 4 * sizeof(secret_key)> material{};
    auto end = material.begin();
    for (const auto* secret : {&secrets.pair, &secrets.initiator_ephemeral, &secrets.responder_ephemeral, &secrets.both_ephemeral}) {
        end = std::copy(secret->begin(), secret->end(), end);
    }
    session_keys keys;
    keys.secret = derive_key(crypto, as_bytes("p2pdist session"), material, {transcript});
    wipe(material);
    keys.send = derive_key(crypto, as_bytes("p2pdist sender"), keys.secret, {self.value});
    keys.receive = derive_key(crypto, as_bytes("p2pdist sender"), keys.secret, {other.value});
    const auto number = derive_key(crypto, as_bytes("p2pdist session number"), keys.secret, {});
    keys.number = byte_reader(number).u32();
    return keys;
}

short_key derive_flow_key(const crypto_suite& crypto, const secret_key& session_secret, std::uint32_t token,
                          const client_id& flow_receiver) {
    const auto whole = derive_key(crypto, as_bytes("p2pdist flow"), session_secret, {bytes_of(token), flow_receiver.value});
    short_key key{};
    std::copy_n(whole.begin(), key.size(), key.begin());
    return key;
}

}  // namespace p2pdist::detail
