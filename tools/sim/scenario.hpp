#pragma once
// A roll-out to predict, as its TOML file describes it.

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "p2pdist/sim/world.hpp"

namespace p2pdist::tools {

struct scenario {
    explicit scenario(topology described) : offices(std::move(described)) {}

    topology offices;
    sim::network_options network;
    std::uint64_t seed = 1;
    std::uint64_t content_bytes = 0;
    hash_kind kind = hash_kind::sha256_tree;
    std::map<std::string, int> clients;     ///< of each office
    std::vector<std::string> who;           ///< offices whose clients fetch
    std::string source = "server";          ///< "server", "cdn", "file_store" or an office
    duration limit = std::chrono::hours(4);
};

/// std::runtime_error with the file, line and reason; unknown keys are errors.
[[nodiscard]] scenario read_scenario(const std::filesystem::path& file);

}  // namespace p2pdist::tools
