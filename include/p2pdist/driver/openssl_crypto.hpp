#pragma once
// The cryptographic functions by OpenSSL 3, and the operating system's entropy. No OpenSSL type shows here.

#include <memory>

#include "p2pdist/base/export.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// The one implementation of crypto_suite that ships. Stateless, safe to share between threads.
[[nodiscard]] P2PDIST_API std::unique_ptr<crypto_suite> make_openssl_crypto();

/// Bytes of the operating system's generator. Ends the program where the system gives none.
[[nodiscard]] P2PDIST_API std::unique_ptr<entropy> make_system_entropy();

}  // namespace p2pdist
