#pragma once
// Cryptography that only looks like it, for worlds so large that the real one would be most of the work.

#include <memory>

#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::sim {

/// Hashes are those of `real`, so that contents are the same; key agreement, signatures, SipHash and AEAD are a few multiplications: what was
/// altered by chance is noticed, an attacker is not. Same sizes, same rules of what fits to what.
[[nodiscard]] std::unique_ptr<crypto_suite> make_fast_crypto(std::unique_ptr<crypto_suite> real);

}  // namespace p2pdist::sim
