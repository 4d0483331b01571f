#pragma once
// Random small worlds with faults, and what must hold in each of them. A failure is replayed by its seed alone.

#include <cstdint>
#include <functional>
#include <string>

#include "p2pdist/sim/script.hpp"

namespace p2pdist::sim {

struct fuzz_outcome {
    std::string failure;        ///< empty: all held
    std::string broken{};       ///< the oracle that found it
    std::string world;          ///< what was built, in a line
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    duration simulated{};

    [[nodiscard]] bool ok() const noexcept { return failure.empty(); }
};

/// The script of a seed: 2 to 8 offices, up to 50 devices, any lines, content and source; in a third of the seeds lines that lose, reorder
/// and duplicate, in another third faults of a few kinds besides, each seed with its own mix. It ends with what must hold: whoever can has
/// the content within a time budget after the last fault, one copy crossed each line where nothing went wrong (RVP-2, SRC-5), and then there
/// is rest.
[[nodiscard]] script random_script(std::uint64_t seed);
/// Plays it. The same seed does the same, with or without `lines`.
[[nodiscard]] fuzz_outcome run_random_world(std::uint64_t seed, trace::line_sink lines = {});

struct shrunk_script {
    script smallest;
    int runs = 0;     ///< worlds that were played for it
};
/// A smaller script (fewer offices, devices and faults, plainer lines, less content) that breaks the same oracle, which `failing` must do.
/// `go_on` is asked before each world: false ends the search.
[[nodiscard]] shrunk_script shrink(const script& failing, const std::string& broken, const std::function<bool()>& go_on);

/// Builds a very small world (two offices, three clients, contents of a few chunks), in which the server and the clients die again and
/// again while contents are published, imported and fetched, topologies and settings are changed, and clients register. A crash loses
/// any part of what was not synced or committed. Checks that whatever was acknowledged is there (SRV-6, CLI-4):
///   - publications, imported topologies and settings, registrations and reported holdings, in the database;
///   - contents that were imported or delivered, and each chunk that the store acknowledged, in the store; none is fetched again;
///   - no output file and no chunk of a store ever has other bytes than were published;
///   - and in the end everybody has all.
[[nodiscard]] fuzz_outcome run_crash_world(std::uint64_t seed, trace::line_sink lines = {});

}  // namespace p2pdist::sim
