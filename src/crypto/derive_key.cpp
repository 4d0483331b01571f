#include "p2pdist/base/bytes.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

secret_key derive_key(const crypto_suite& crypto, byte_span salt, byte_span key_material, byte_parts info) {
    // RFC 5869: an absent salt is 32 zero bytes, which HMAC's padding makes the same as an empty key.
    const auto pseudorandom_key = crypto.hmac_sha256(salt, {key_material});
    // One block is all that 32 bytes need: T(1) = HMAC(PRK, info || 0x01).
    bytes expanded;
    for (const auto part : info) expanded.insert(expanded.end(), part.begin(), part.end());
    expanded.push_back(1);
    return crypto.hmac_sha256(pseudorandom_key, {expanded});
}

}  // namespace p2pdist
