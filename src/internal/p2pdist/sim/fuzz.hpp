#pragma once
// Random small worlds with faults, and what must hold in each of them. A failure is replayed by its seed alone.

#include <cstdint>
#include <string>

#include "p2pdist/sim/trace.hpp"

namespace p2pdist::sim {

struct fuzz_outcome {
    std::string failure;        ///< empty: all held
    std::string world;          ///< what was built, in a line
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    duration simulated{};

    [[nodiscard]] bool ok() const noexcept { return failure.empty(); }
};

/// Builds the world of the seed (2 to 4 offices, up to 12 clients, any lines, contents and sources; in a third of the seeds lines that
/// lose, reorder and duplicate; in another third kills and restarts of clients and server besides), rolls a content out and checks:
///   - every client that is up has the whole, right content within a time budget after the last fault;
///   - no datagram is longer than limits::datagram_bytes_max;
///   - content flows within an office and downwards only, and never from a VPN client (OFF-2, OFF-3);
///   - in a world without faults one copy crosses each WAN line, VPN aside (RVP-2), and a fallback source is read once (SRC-5);
///   - the number of events a simulated second is bounded: nothing spins.
/// The same seed does the same, with or without `lines`.
[[nodiscard]] fuzz_outcome run_random_world(std::uint64_t seed, trace::line_sink lines = {});

/// Builds a very small world (two offices, three clients, contents of a few chunks), in which the server and the clients die again and
/// again while contents are published, imported and fetched, topologies and settings are changed, and clients register. A crash loses
/// any part of what was not synced or committed. Checks that whatever was acknowledged is there (SRV-6, CLI-4):
///   - publications, imported topologies and settings, registrations and reported holdings, in the database;
///   - contents that were imported or delivered, and each chunk that the store acknowledged, in the store; none is fetched again;
///   - no output file and no chunk of a store ever has other bytes than were published;
///   - and in the end everybody has all.
[[nodiscard]] fuzz_outcome run_crash_world(std::uint64_t seed, trace::line_sink lines = {});

}  // namespace p2pdist::sim
