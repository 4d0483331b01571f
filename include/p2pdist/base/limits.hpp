#pragma once
// Every limit of every queue, table, message and retry, in one place. Each has a test that reaches it.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::limits {

using namespace std::chrono_literals;

// base
inline constexpr std::size_t content_id_bytes_max = 128;

// datagrams
inline constexpr std::size_t datagram_bytes_max = 1200;  ///< UDP payload of every datagram we send
inline constexpr std::size_t datagram_bytes_receive_max = 65535;  ///< what a socket may hand us

}  // namespace p2pdist::limits
