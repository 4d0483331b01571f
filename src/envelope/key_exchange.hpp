#pragma once
// What the keys of a session come from: the static keys of both sides and one key pair of each for this handshake alone.

#include <array>
#include <optional>

#include "pair_key.hpp"

namespace p2pdist::detail {

/// Overwrites a secret, in a way that no compiler leaves out.
inline void wipe(mutable_byte_span secret) noexcept {
    for (auto& byte : secret) static_cast<volatile std::uint8_t&>(byte) = 0;
}

/// A key pair for one handshake. Its secret is overwritten when it goes: what was said under the session stays proven, whoever steals
/// the static keys later.
class ephemeral_key {
public:
    ephemeral_key(const crypto_suite& crypto, entropy& random) : secret_(random.array<32>()), key_(crypto.x25519_public(secret_)) {}
    ~ephemeral_key() { wipe(secret_); }
    ephemeral_key(const ephemeral_key&) = delete;
    ephemeral_key& operator=(const ephemeral_key&) = delete;

    [[nodiscard]] const public_key& key() const noexcept { return key_; }
    [[nodiscard]] std::optional<secret_key> with(const crypto_suite& crypto, const public_key& other) const {
        return crypto.x25519_shared(secret_, other);
    }

private:
    secret_key secret_;
    public_key key_;
};

/// The four agreements, seen alike from both sides. The second shows the responder to the initiator, the third the initiator to the
/// responder; neither follows from the secret of the side that is to be convinced, as the first does.
struct handshake_secrets {
    secret_key pair{};                    ///< K_pair, of both static keys
    secret_key initiator_ephemeral{};     ///< of it and the responder's static key
    secret_key responder_ephemeral{};     ///< of it and the initiator's static key
    secret_key both_ephemeral{};

    handshake_secrets() = default;
    ~handshake_secrets();
    handshake_secrets(const handshake_secrets&) = delete;
    handshake_secrets& operator=(const handshake_secrets&) = delete;
};

/// Of the welcome's tag: both sides have it before the responder's ephemeral key is known.
[[nodiscard]] secret_key welcome_key(const crypto_suite& crypto, const secret_key& pair, const secret_key& initiator_ephemeral);

}  // namespace p2pdist::detail
