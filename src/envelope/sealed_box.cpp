#include "sealed_box.hpp"

#include <algorithm>

namespace p2pdist::detail {

bytes seal_box(const crypto_suite& crypto, const secret_key& key, byte_span associated, byte_span plain) {
    const auto nonce_key = derive_key(crypto, as_bytes("p2pdist nonce"), key, {});
    bytes length;
    byte_writer(length).u64(associated.size());  // so that no byte moves between the two unnoticed
    const auto made = crypto.hmac_sha256(nonce_key, {length, associated, plain});
    aead_nonce nonce{};
    std::copy_n(made.begin(), nonce.size(), nonce.begin());
    bytes out(nonce.begin(), nonce.end());
    const auto sealed = crypto.aead_seal(key, nonce, associated, plain);
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

std::optional<bytes> open_box(const crypto_suite& crypto, const secret_key& key, byte_span associated, byte_span sealed) {
    if (sealed.size() < sealed_box_overhead_bytes) return std::nullopt;
    aead_nonce nonce{};
    std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
    return crypto.aead_open(key, nonce, associated, sealed.subspan(nonce.size()));
}

}  // namespace p2pdist::detail
