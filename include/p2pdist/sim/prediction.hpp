#pragma once
// What a roll-out would be like: a topology, its lines, its clients and a package in; times, bytes, the bottleneck and what would help
// out. Everything in it is simulated with the cores of the programs; nothing is extrapolated.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim {

/// An office's line to its parent is another from then on.
struct line_change {
    std::string office;
    duration at{};                               ///< since the clients asked
    link_settings down, up;                      ///< as a whole
};

/// A roll-out to predict.
struct roll_out_plan {
    /// In these offices; all else as it is by default.
    explicit roll_out_plan(topology described) : offices(std::move(described)) {}

    topology offices;
    network_options network;
    std::vector<line_change> changes;            ///< in mid-run
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

/// What an office, or the whole roll-out, waits for.
enum class limit_kind : std::uint8_t {
    none,        ///< nothing that was in use to 60 % or more
    line_down,   ///< an office's line from its parent
    line_up,     ///< an office's line to its parent
    lan,         ///< the busiest line between a host and its office's switch
    air,         ///< of a Wi-Fi office
    source,      ///< what a CDN or the file store gives one reader
    loss,        ///< on lines; only where a trial without it was faster
    delay,       ///< of lines; likewise
    jitter,      ///< of lines; likewise
    unfinished,  ///< it does not end, and no line is the reason
};
/// As in the enumeration.
[[nodiscard]] P2PDIST_API std::string_view to_string(limit_kind kind) noexcept;

/// What was in use most, and where.
struct use_limit {
    limit_kind kind = limit_kind::none;
    std::string office;                          ///< whose line, LAN or air it is, also where `kind` is none; empty: nothing was in use
    double use = 0;                              ///< share of the time in which it was sending, until the office's last client had it; [0, 1]
};

/// How an office fares. Times are since the clients asked.
struct office_prediction {
    std::string office, parent;                  ///< no parent: the central office
    int depth = 0;                               ///< 0: the central office
    std::size_t clients = 0, complete = 0, failed = 0;
    std::optional<duration> first, median, last; ///< client that had all of it
    /// No roll-out ends earlier: the content, without headers, over the slowest of the way's lines, of the LAN lines of who gives and who takes
    /// it (a copy each), and the office's air (a copy from outside, and two crossings for each further device); each rate without what is lost.
    duration ideal{};
    use_limit waits_for;                         ///< the busiest of all that its bytes cross
    std::vector<use_limit> busy;                 ///< all of it that was in use to 60 % or more, the busiest first
    std::vector<float> share;                    ///< of all its clients' bytes, at each sample
};

/// What an office's line to its parent carried, IP bytes of everything. `use` is of the busier direction's rate.
struct line_prediction {
    std::string office, parent;
    std::uint64_t down_bytes_per_second = 0, up_bytes_per_second = 0;   ///< at the end; 0: infinite
    link_counters down, up;                      ///< while the roll-out lasted
    double copies = 0;                           ///< both directions, without the rivals', as a multiple of the content
    double down_use = 0, up_use = 0;             ///< mean, in [0, 1]
    std::vector<float> use;                      ///< in [0, 1], between one sample and the one before
};

/// How much the inside of an office was in use: its air, or the LAN line of its host that has sent or taken most so far.
struct inside_prediction {
    std::string office;
    bool wireless = false;
    std::uint64_t bytes_per_second = 0;          ///< of the air, or of each LAN line; 0: infinite
    std::uint64_t dropped = 0;                   ///< datagrams, by full queues
    double mean_use = 0;                         ///< in [0, 1]
    std::vector<float> use;                      ///< in [0, 1], between one sample and the one before
};

/// When one client has it.
struct client_prediction {
    std::string office;
    ip_address address;
    bool complete = false;
    std::optional<duration> took;
    std::string failure;                         ///< a sentence, also of a client that still waits at the end; empty where there is none
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

/// What a trial changes.
enum class remedy_kind : std::uint8_t { line_rate, prepared, lan_rate, air_rate, wired, loss, delay, jitter };
/// As in the enumeration.
[[nodiscard]] P2PDIST_API std::string_view to_string(remedy_kind kind) noexcept;

/// One change of the plan and what it would bring, by another simulation.
struct remedy {
    remedy_kind kind = remedy_kind::line_rate;
    std::vector<std::string> offices;            ///< which it changes
    std::string direction;                       ///< of lines: "down" or "up" or "both"; empty: it is about no direction
    double factor = 1;                           ///< of what it changes: 2 of a rate, 0.5 of a delay, 0 of what goes away
    std::string change;                          ///< "twice the rate of Oslo's line from its parent (down: 20 Mbit/s)"
    bool complete = true;                        ///< everybody has it then
    duration took{};                             ///< of the whole roll-out with it; where it is not complete, of the simulation
};

/// What the whole roll-out waits for: the office that ends last.
struct bottleneck {
    limit_kind kind = limit_kind::none;
    std::string office;                          ///< whose line, LAN or air it is; of `unfinished`: who does not end
    double use = 0;                              ///< as in use_limit
    std::string text;                            ///< a sentence without its full stop
};

/// How much chance decides: the least, the middle and the most of several seeds.
struct seed_range {
    std::string office;                          ///< empty: the whole roll-out
    std::size_t complete = 0;                    ///< seeds in which all of its clients have it; the times are of these
    std::optional<duration> least, median, most;
};

/// What the roll-out comes to.
struct prediction {
    bool complete = false;                       ///< everybody has it, within the plan's limit
    duration took{};                             ///< until the last client that has it
    duration simulated{};                        ///< from when the clients asked to the end of the simulation
    std::uint64_t content_bytes = 0, seed = 0, events = 0;
    std::vector<office_prediction> offices;      ///< those that fetch, each below its parent
    std::vector<line_prediction> lines;          ///< of every office but the central one, each below its parent
    std::vector<inside_prediction> insides;      ///< of every office with hosts, each below its parent
    std::vector<client_prediction> clients;
    std::vector<rival_prediction> rivals;        ///< in the plan's order
    duration sample_interval{};                  ///< samples are at 0, 1, 2, ... intervals
    p2pdist::sim::bottleneck bottleneck;
    std::vector<remedy> remedies;                ///< those that help by 3 % or more, the best first; only from predict_with_advice()
    std::vector<remedy> in_vain;                 ///< the other trials; likewise
    std::string no_advice;                       ///< why there is no remedy, a sentence without its full stop; likewise
    std::vector<seed_range> ranges;              ///< the whole first, then as `offices`; only from add_ranges()
    std::size_t seeds = 1;                       ///< that `ranges` are of
};

/// Where a simulation is, for whoever waits for it.
struct roll_out_progress {
    std::string what;                            ///< "the roll-out", or what a trial changes
    std::size_t number = 1, of = 1;              ///< this simulation, and how many there are as far as is known
    duration simulated{};                        ///< since the clients asked
    double complete = 0;                         ///< of all clients' bytes
};
/// Called every few simulated seconds at most; nullptr: nobody wants to know.
using progress_sink = std::function<void(const roll_out_progress&)>;

/// Why the plan cannot be: nobody fetches, an office to which the content has no way, one without room for its clients, a line whose MTU is
/// too small for any datagram. A sentence without its full stop; nothing where it can be. Any thread.
[[nodiscard]] P2PDIST_API std::optional<std::string> refusal_of(const roll_out_plan& plan);
/// Roughly what a simulation of it needs, in bytes. Any thread.
[[nodiscard]] P2PDIST_API std::uint64_t memory_estimate(const roll_out_plan& plan) noexcept;

/// Distinct calls: safe from any thread. std::runtime_error where refusal_of() has a reason, std::bad_alloc where memory does not suffice.
[[nodiscard]] P2PDIST_API prediction predict(const roll_out_plan& plan, const progress_sink& progress = nullptr);
/// The same, and tries what could help the offices that end last: up to six more simulations.
[[nodiscard]] P2PDIST_API prediction predict_with_advice(const roll_out_plan& plan, const progress_sink& progress = nullptr);
/// Simulates the plan with the next `seeds` - 1 seeds too, and fills `ranges` of what its own seed gave.
P2PDIST_API void add_ranges(const roll_out_plan& plan, std::size_t seeds, prediction& out, const progress_sink& progress = nullptr);

}  // namespace p2pdist::sim
