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

// content
inline constexpr std::uint64_t content_bytes_max = std::uint64_t{1} << 44;  ///< 16 TiB: 2^26 chunks, a chunk set of 8 MiB
inline constexpr std::size_t store_requests_max = 4096;  ///< requests that a store holds unanswered; more: errc::limit_reached
inline constexpr std::size_t store_write_bytes_max = 32u << 20;  ///< bytes of unanswered writes; more: errc::limit_reached
inline constexpr std::size_t store_append_bytes_max = 1u << 20;  ///< one store_append
inline constexpr std::size_t store_commit_bytes_max = 8u << 20;  ///< bytes of writes that share one sync to disk
inline constexpr std::chrono::milliseconds store_commit_delay_max = 20ms;  ///< how long a write waits for others to share its sync
inline constexpr std::size_t store_journal_records_max = 1u << 20;  ///< a journal with more is rewritten

// office
inline constexpr std::size_t office_name_bytes_max = 128;
inline constexpr std::size_t office_description_bytes_max = 1024;
inline constexpr std::size_t spreadsheet_bytes_max = 16u << 20;  ///< of a topology's CSV text
inline constexpr std::size_t spreadsheet_rows_max = 100'000;     ///< the header and blank rows included
inline constexpr std::size_t detected_offices_max = 10'000;      ///< offices of a detected topology, the central one included

}  // namespace p2pdist::limits
