#pragma once
// From what a program says of a client to all that its core is to know.

#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/driver/client.hpp"

namespace p2pdist {

/// Makes the data directory, loads or makes the identity, reads keys and addresses, asks the system for what was left out, and puts guards
/// around what the program gave to be called within the core. Throws std::system_error whose what() says what to do.
void complete_options(client_options& options, entropy& random);
/// What the system says of this device now; free storage is that of the volume of `options.data`.
[[nodiscard]] device_profile current_profile(const client_options& options);

[[nodiscard]] std::filesystem::path credentials_file(const client_options& options);

}  // namespace p2pdist
