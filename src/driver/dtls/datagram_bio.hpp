#pragma once
// A BIO that keeps datagrams apart: OpenSSL reads what `incoming` holds and writes to `outgoing`.

#include <deque>
#include <memory>
#include <vector>

#include <openssl/bio.h>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

struct datagram_queues {
    std::deque<bytes> incoming;
    std::vector<bytes> outgoing;
    bool peek = false;   ///< DTLSv1_listen looks at a datagram that the handshake will read again
};

/// Owned by the SSL object that it is set on. `queues` outlives it.
[[nodiscard]] BIO* make_datagram_bio(datagram_queues& queues);

}  // namespace p2pdist
