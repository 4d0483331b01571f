#pragma once
// What the world of a seed is made of.

#include <cstdint>
#include <string>
#include <vector>

#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim {

struct fuzz_fault {
    duration at{};                       ///< after the roll-out began
    std::optional<std::size_t> client;   ///< none: the server
    duration back_after{};
};

struct fuzz_plan {
    enum class trouble : std::uint8_t { none, lines, deaths };
    enum class origin : std::uint8_t { server, holder, cdn, file_store };

    explicit fuzz_plan(std::uint64_t seed);

    /// A plan's seed decides all of it; these come out of it in this order.
    trouble with = trouble::none;
    std::string spreadsheet;
    std::vector<std::string> offices;
    std::vector<std::string> client_offices;   ///< of each client; the first is in the central office
    network_options network;
    double slowest_mbits = 0;
    origin from = origin::server;
    std::uint64_t size_bytes = 0;
    hash_kind kind = hash_kind::sha256_tree;
    std::vector<duration> asks;                ///< when each client asks
    std::vector<fuzz_fault> faults;

    [[nodiscard]] world_options options(std::uint64_t seed) const;
    [[nodiscard]] std::string text() const;
    /// Generous: what is found here is that something stands still, not that it is slow.
    [[nodiscard]] duration budget() const;
    [[nodiscard]] duration last_fault() const;
};

}  // namespace p2pdist::sim
