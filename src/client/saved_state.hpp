#pragma once
// What a client keeps between two runs: its credentials, the server's certificate and, so that it can go on while the server is
// away, what the server last told it of activation, topology and revocations.

#include <optional>
#include <string>

#include "p2pdist/envelope/credentials.hpp"

namespace p2pdist::client_room {

/// Binary form: credentials · server certificate · format 3 · flags (1: 1 activated, 2 revoked) · length (4, big-endian) · spreadsheet ·
/// length (4) · revocation list · print of the enrolment key (32). Format 2 ends before the print. It holds a secret.
struct saved_state {
    credentials held;
    certificate server;
    bool activated = false;
    std::string topology;   ///< the spreadsheet of the own view; empty: none known
    bytes revocations;      ///< the newest list; empty: none known
    bool revoked = false;   ///< the server said that this client is
    digest enrolment{};     ///< SHA-256 of the enrolment key that this client had when it was last registered; zeros: not known
    friend bool operator==(const saved_state&, const saved_state&) = default;
};

[[nodiscard]] bytes encode(const saved_state& value);
/// Nothing where the bytes are of neither form. Bytes that end after the certificate are good too.
[[nodiscard]] std::optional<saved_state> decode_saved_state(byte_span data);

}  // namespace p2pdist::client_room
