#pragma once
// Other people's traffic over the same lines: TCP downloads, web pages, constant rates. Bytes are numbers; nothing is in them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// A host of one network.
struct host_index {
    std::uint32_t value = 0;
    friend auto operator<=>(const host_index&, const host_index&) = default;
};

/// How a rival sends.
enum class rival_kind : std::uint8_t {
    cubic,     ///< TCP with CUBIC (RFC 9438) and HyStart as Linux has it, not paced
    reno,      ///< TCP with NewReno's window (RFC 5681), not paced
    bbr,       ///< TCP with BBR as Linux has it (version 1), paced
    bbr3,      ///< TCP with the probe cycle and the response to loss and marks of BBR version 3
    web,       ///< pages: arrivals of Poisson, sizes with a heavy tail, several short CUBIC downloads each
    constant,  ///< datagrams at a constant rate, without any control
    on_off,    ///< the same, with silences; both of exponential lengths
};
/// As in the enumeration: "cubic", "bbr3", …
[[nodiscard]] P2PDIST_API std::string_view to_string(rival_kind kind) noexcept;
/// The reverse; nothing for another text.
[[nodiscard]] P2PDIST_API std::optional<rival_kind> parse_rival_kind(std::string_view text) noexcept;

/// Where a rival's traffic ends: at a machine of its own in the office's LAN, or at a host's place, on whose access line it goes.
struct rival_end {
    std::string office;
    std::optional<host_index> host{};
};

/// Who sends what from where to where, and when.
struct rival_options {
    rival_kind kind = rival_kind::cubic;
    rival_end from, to;                        ///< data flow; acknowledgements and requests come back
    duration starts{};                         ///< from when it is added
    std::optional<duration> stops{};           ///< likewise; not set: never
    std::uint64_t bytes = UINT64_MAX;          ///< a TCP's: of payload to send
    double megabits_per_second = 1;            ///< of constant and on_off while on, IP; what all pages together ask for on average
    duration on = std::chrono::seconds(1);     ///< mean
    duration off = std::chrono::seconds(1);    ///< mean
    double page_bytes = 1.5e6;                 ///< mean; sizes are of a Pareto distribution with shape 1.5, cut off at 50 times the mean
    int flows_per_page = 6;
    std::uint64_t packet_bytes = 1500;         ///< IP; not more than the MTU of the way, or nothing arrives
    bool ecn = false;                          ///< TCP asks for marks instead of drops
    std::uint64_t seed = 1;
};

/// What a rival got so far. Mean throughput over a time: the difference of two reports.
struct rival_report {
    std::uint64_t delivered_bytes = 0;     ///< IP bytes that the receiver had not had before
    std::uint64_t sent_packets = 0;        ///< data, sent again included
    std::uint64_t resent_packets = 0;
    std::uint64_t lost_packets = 0;        ///< TCP: that it took for lost; else: that did not arrive in order
    std::uint64_t congestion_events = 0;   ///< recoveries and timeouts
    std::uint64_t timeouts = 0;
    std::uint64_t delays = 0;              ///< samples: round trips of TCP, one-way delays of the others
    duration delay_sum{};
    duration delay_min = duration::max();
    duration delay_max{};
    double window = 0;                     ///< a TCP's, in segments
    std::uint64_t pages = 0;               ///< that are complete
    duration page_time_sum{};              ///< from the first request to the last byte
    duration page_time_max{};
    std::uint64_t open_flows = 0;

    [[nodiscard]] duration mean_delay() const noexcept { return delays == 0 ? duration::zero() : delay_sum / static_cast<std::int64_t>(delays); }
    [[nodiscard]] duration mean_page_time() const noexcept {
        return pages == 0 ? duration::zero() : page_time_sum / static_cast<std::int64_t>(pages);
    }
};

/// A rival of one network.
struct rival_index {
    std::size_t value = 0;
    friend auto operator<=>(const rival_index&, const rival_index&) = default;
};

}  // namespace p2pdist::sim
