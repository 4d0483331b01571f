#include "pair_key.hpp"

#include <algorithm>

namespace p2pdist::detail {

frame_tag tag_of(const crypto_suite& crypto, const secret_key& key, byte_parts parts) {
    const auto whole = crypto.hmac_sha256(key, parts);
    frame_tag tag{};
    std::copy_n(whole.begin(), tag.size(), tag.begin());
    return tag;
}

bool tag_fits(const crypto_suite& crypto, const secret_key& key, byte_parts parts, byte_span tag) {
    return equal_constant_time(tag_of(crypto, key, parts), tag);
}

secret_key pair_key(const crypto_suite& crypto, const secret_key& shared, std::uint16_t epoch, const client_id& left,
                    const client_id& right) {
    bytes salt = to_bytes(as_bytes("p2pdist pair"));
    byte_writer(salt).u16(epoch);
    return derive_key(crypto, salt, shared, {std::min(left, right).value, std::max(left, right).value});
}

}  // namespace p2pdist::detail
