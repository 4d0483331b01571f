#pragma once
// What a roll-out would be like: a topology, its lines, its clients and a package in; times, bytes, the bottleneck and what would help
// out. Everything in it is simulated with the cores of the programs; nothing is extrapolated.

#include <map>
#include <string>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim {

/// A roll-out to predict.
struct roll_out_plan {
    /// In these offices; all else as it is by default.
    explicit roll_out_plan(topology described) : offices(std::move(described)) {}

    topology offices;
    network_options network;
    std::uint64_t seed = 1;
    std::uint64_t content_bytes = 0;
    hash_kind kind = hash_kind::sha256_tree;
    std::map<std::string, int> clients;          ///< of each office
    std::vector<std::string> who;                ///< offices whose clients fetch, all at once
    std::string source = "server";               ///< "server", "cdn", "file_store", or an office with a client
    std::vector<std::string> prepared;           ///< offices in which one client holds the content beforehand
    double cdn_bytes_per_second = 12.5e6;        ///< to each reader
    std::vector<rival_options> rivals;           ///< other people's traffic; it starts when the clients ask, or its `starts` later
    duration limit = std::chrono::hours(4);      ///< of simulated time
};

/// How an office fares. Times are since the clients asked.
struct office_prediction {
    std::string office;
    int depth = 0;                               ///< 0: the central office
    std::size_t clients = 0, complete = 0, failed = 0;
    std::optional<duration> first, median, last; ///< client that had all of it
    duration ideal{};                            ///< the way's slowest line, filled with one copy and nothing else; 0 where it crosses none
    std::string limited_by;                      ///< the office whose line to its parent was busiest meanwhile; empty: no line was
    double limit_use = 0;                        ///< the use of its way's busiest line until `last`, of its rate, in [0, 1]
    std::vector<float> share;                    ///< of all its clients' bytes, at each sample
};

/// What an office's line to its parent carried, IP bytes of everything. `use` is of the busier direction's rate.
struct line_prediction {
    std::string office;
    link_counters down, up;                      ///< while the roll-out lasted
    double copies = 0;                           ///< both directions, without the rivals', as a multiple of the content
    std::vector<float> use;                      ///< in [0, 1], between one sample and the one before
};

/// When one client has it.
struct client_prediction {
    std::string office;
    ip_address address;
    bool complete = false;
    std::optional<duration> took;
    std::string failure;                         ///< a sentence; empty where there was none
    source_split split{};
};

/// What other people's traffic got beside the roll-out.
struct rival_prediction {
    rival_options rival;
    rival_report got;
    duration active{};                           ///< of the roll-out's time
    [[nodiscard]] double megabits_per_second() const noexcept {
        return active > duration::zero() ? static_cast<double>(got.delivered_bytes) * 8e-6 / to_seconds(active) : 0.0;
    }
};

/// One change of the plan and what it would bring, by another simulation.
struct remedy {
    std::string change;                          ///< "twice the rate of Oslo's line (20 Mbit/s)"
    duration took{};                             ///< of the whole roll-out with it
};

/// What the roll-out comes to.
struct prediction {
    bool complete = false;                       ///< everybody has it, within the plan's limit
    duration took{};                             ///< until the last client that has it
    std::uint64_t content_bytes = 0, seed = 0, events = 0;
    std::vector<office_prediction> offices;      ///< those that fetch, each below its parent
    std::vector<line_prediction> lines;          ///< of every office but the central one, each below its parent
    std::vector<client_prediction> clients;
    std::vector<rival_prediction> rivals;        ///< in the plan's order
    duration sample_interval{};                  ///< samples are at 0, 1, 2, ... intervals
    std::string bottleneck;                      ///< a sentence on what the last office waited for
    std::vector<remedy> remedies;                ///< those that help by 3 % or more, the best first; only from predict_with_advice()
};

/// Distinct calls: safe from any thread. std::runtime_error where the world cannot be built (an office without room for its clients).
[[nodiscard]] P2PDIST_API prediction predict(const roll_out_plan& plan);
/// The same, and tries what could help the office that ends last: up to four more simulations.
[[nodiscard]] P2PDIST_API prediction predict_with_advice(const roll_out_plan& plan);

}  // namespace p2pdist::sim
