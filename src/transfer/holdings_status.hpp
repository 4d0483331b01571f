#pragma once
// What travels as the status of a content flow: docs/wire-format.md, "Status of a content flow".

#include <optional>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/content/chunk_set.hpp"

namespace p2pdist::detail::transfer {

/// Sender to receiver: chunks that the sender verified, as the part [log_from, log_to) of the order in which it got them.
struct holdings_status {
    bool complete = false;            ///< every chunk: the ranges are empty
    std::optional<digest> tree_root;  ///< of a plain content: the root that the sender's proofs lead to
    chunk_index log_from = 0;
    chunk_index log_to = 0;
    std::vector<chunk_range> acquired;  ///< log_to - log_from chunks in all
    std::vector<chunk_range> fetching;  ///< under way to the sender from outside its office
    friend bool operator==(const holdings_status&, const holdings_status&) = default;
};

inline constexpr std::size_t fetching_ranges_max = 8;

/// At most flow_status_bytes_max: ranges at the end of `acquired` that don't fit are left to a later status, log_to tells. At most
/// fetching_ranges_max of `fetching` are told.
[[nodiscard]] bytes encode(const holdings_status& status);

/// Safe for hostile bytes: every range lies below chunk_count, their sum is log_to - log_from <= chunk_count. Nothing for anything
/// else and for other versions.
[[nodiscard]] std::optional<holdings_status> decode_holdings_status(byte_span data, chunk_index chunk_count);

/// Receiver to sender: how much of the sender's log it knows.
struct receiver_status {
    chunk_index log_seen = 0;
    friend bool operator==(const receiver_status&, const receiver_status&) = default;
};
[[nodiscard]] bytes encode(const receiver_status& status);
[[nodiscard]] std::optional<receiver_status> decode_receiver_status(byte_span data);

}  // namespace p2pdist::detail::transfer
