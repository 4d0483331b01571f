#pragma once
// Words that several messages use.

#include <array>
#include <cstdint>
#include <string_view>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/ids.hpp"

namespace p2pdist {

/// A client as others may reach it: enough to open a session.
struct peer_info {
    client_id id;
    std::array<std::uint8_t, 32> key{};  ///< X25519 public key; id is derived from it
    ip_address address;
    friend bool operator==(const peer_info&, const peer_info&) = default;
};

/// How much of a content somebody holds.
enum class holding_state : std::uint8_t { none = 0, partial = 1, complete = 2 };

/// What changed on the server, as counters: a client that knows a lower one asks for the new state.
struct state_versions {
    std::uint64_t topology = 0;
    std::uint64_t settings = 0;
    std::uint64_t contents = 0;   ///< grows with every publish and remove
    std::uint16_t key_epoch = 0;
    bool activated = false;       ///< ACT-1
    std::uint64_t revocations = 0;  ///< number of the newest revocation list; 0: none was ever made (SEC-2)
    friend bool operator==(const state_versions&, const state_versions&) = default;
};

/// Which revocation list somebody has. A server whose database was set back learns from it what it has lost, and asks for the list
/// itself: this is anybody's word, a list is the server's own.
struct held_list {
    std::uint64_t number = 0;         ///< 0: none
    std::uint16_t oldest_epoch = 0;   ///< that it accepts
    friend bool operator==(const held_list&, const held_list&) = default;
};

/// The setting that limits how fast clients outside the central office read a fallback source (SRC-5): a size a second (base/amount.hpp),
/// "0": unlimited.
inline constexpr std::string_view fallback_rate_setting = "fallback_bytes_per_second";

}  // namespace p2pdist
