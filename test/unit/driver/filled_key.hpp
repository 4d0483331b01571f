#pragma once
// Keys that are easily told apart.

#include <cstdint>

#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

inline secret_key key_of(std::uint8_t byte) {
    secret_key out;
    out.fill(byte);
    return out;
}

}  // namespace p2pdist
