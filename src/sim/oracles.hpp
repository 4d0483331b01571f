#pragma once
// What must hold in every simulated world, whatever befalls it: each promise is a function of its own, which says what is wrong, or nothing.

#include <array>
#include <map>
#include <string>
#include <vector>

#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim::oracles {

/// No datagram is longer than every path takes it.
[[nodiscard]] std::string fits_the_path(const datagram_note& sent);
/// Content flows within an office and downwards only, never from a VPN client, and from the server to the central office (OFF-2, OFF-3).
[[nodiscard]] std::string follows_the_hierarchy(const datagram_note& sent, const topology& offices, const ip_address& server);
/// What counts as verified, and every file that was written, has the bytes that were published (SEC-3, CLI-6).
[[nodiscard]] std::string only_right_bytes(memory_store& store, const generated_content& content, const std::string& output);
/// A fetch that succeeded has accounted for each byte of its content, once (OBS-1).
[[nodiscard]] std::string split_adds_up(const fetch_record& fetched);
/// What the store has acknowledged is not given to it again (CLI-4), where no disk has altered anything.
[[nodiscard]] std::string fetched_once(std::uint64_t chunks_fetched_again);
/// No table of a client is longer than base/limits.hpp says.
[[nodiscard]] std::string within_limits(const client_status& status, std::size_t peers);
[[nodiscard]] std::string within_limits(const server_statistics& statistics);
/// No line's queue was longer than it may be.
[[nodiscard]] std::string queue_is_bounded(const link_settings& settings, const link_counters& counters);
/// The world's own memory: what is under way.
[[nodiscard]] std::string events_are_bounded(std::size_t pending, std::size_t devices);
/// Nothing spins: events in a second.
[[nodiscard]] std::string no_livelock(std::uint64_t events, std::uint64_t limit);
/// No datagram is lost without a trace, or comes from nowhere.
[[nodiscard]] std::string ledger_adds_up(const network_ledger& all);
/// What all fetches together say that they got from peers has gone over the network.
[[nodiscard]] std::string came_over_the_network(std::uint64_t from_peers, std::uint64_t data_delivered);
/// No more has left a line than came to it.
[[nodiscard]] std::string line_adds_up(const link_counters& counters);
/// One copy of the content crossed the line (RVP-2).
[[nodiscard]] std::string one_copy(const wan_traffic& wan, std::uint64_t content_bytes);
/// Each fallback source was read once (SRC-5).
[[nodiscard]] std::string read_once(std::uint64_t bytes_read, std::uint64_t content_bytes);
/// Nothing is left of what is over: no transfer, no upload (uploads of those who died may linger until they count as gone).
[[nodiscard]] std::string nothing_left(const client_status& status);
/// Where nothing is under way there is the heartbeat's traffic, and no other.
[[nodiscard]] std::string at_rest(std::uint64_t datagrams, std::uint64_t data_frames, std::size_t clients, duration time, duration heartbeat);

}  // namespace p2pdist::sim::oracles
