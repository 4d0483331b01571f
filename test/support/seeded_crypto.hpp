#pragma once
// The real cryptography, and keys that are the same in every run.

#include "p2pdist/base/random.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace p2pdist::test {

inline const crypto_suite& crypto() {
    static const auto suite = make_openssl_crypto();
    return *suite;
}

/// The same bytes for the same seed. Golden files hang on them.
class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) : random_(seed) {}
    void fill(mutable_byte_span out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(random_() >> 32);
    }

private:
    random_source random_;
};

}  // namespace p2pdist::test
