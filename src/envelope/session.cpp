#include "session.hpp"

#include <algorithm>

namespace p2pdist::detail {

session_keys derive_session(const crypto_suite& crypto, const secret_key& pair, const session_facts& facts, const client_id& self) {
    const auto& other = self == facts.initiator ? facts.responder : facts.initiator;
    session_keys keys;
    keys.secret = derive_key(crypto, as_bytes("p2pdist session"), pair,
                             {facts.initiator.value, facts.responder.value, facts.initiator_boot, facts.responder_boot, facts.hello_nonce,
                              facts.welcome_nonce});
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
