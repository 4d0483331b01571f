#pragma once
// Keys, nonces and tokens from a seed: a world has no other source of chance than its seed.

#include "p2pdist/base/random.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::sim {

/// Repeatable bytes. For simulations only: whoever knows the seed knows every key.
class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) noexcept : random_(seed) {}
    void fill(mutable_byte_span out) override {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (i % 8 == 0) word = random_();
            out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
        }
    }

private:
    random_source random_;
};

}  // namespace p2pdist::sim
