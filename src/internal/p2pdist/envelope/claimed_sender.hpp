#pragma once
// Who a frame says it is from, before anything of it is checked.

#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// Of a session_hello or a sealed frame; nothing for all else. Anybody can claim anything: good for looking up a key that is known
/// anyway, and for nothing more. Costs at most one hash.
[[nodiscard]] std::optional<client_id> claimed_sender(const crypto_suite& crypto, byte_span datagram);

}  // namespace p2pdist
