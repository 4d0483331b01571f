#pragma once
// One direction of a line: a rate, a delay, a queue, and faults. Pure arithmetic over virtual time: it says when a datagram arrives and
// schedules nothing itself.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// What waits for the line, and what is dropped (or marked) of it.
enum class queue_kind : std::uint8_t {
    tail_drop,  ///< first come, first served; what finds it full is dropped
    codel,      ///< RFC 8289: the same, and what waits too long for too long is dropped at its head, or marked where it is ECT
    fq_codel,   ///< RFC 8290: flows take turns, each with a CoDel; a full queue drops from the flow that has most
};
/// By the enumeration's names: "tail_drop", "codel", "fq_codel"; nothing for another text.
[[nodiscard]] P2PDIST_API std::optional<queue_kind> parse_queue_kind(std::string_view text) noexcept;
/// Which of the datagrams that wait for a line are dropped, and when.
struct queue_settings {
    queue_kind kind = queue_kind::tail_drop;
    duration target = std::chrono::milliseconds(5);      ///< CoDel's: a standing queue that is accepted
    duration interval = std::chrono::milliseconds(100);  ///< CoDel's: about a round trip
    std::uint64_t quantum_bytes = 1514;                  ///< fq_codel's: what a flow may send in a turn
    std::uint32_t flows = 1024;                          ///< fq_codel's, at least 1

    friend bool operator==(const queue_settings&, const queue_settings&) = default;
};

/// Loss in bursts (Gilbert and Elliott): good and bad times, in steps of datagrams.
struct loss_bursts {
    double enter = 0;   ///< probability that a burst begins with a datagram; 0: there are none
    double leave = 1;   ///< that it ends before the next one: a burst lasts 1 / leave datagrams on average
    double loss = 1;    ///< of each datagram in a burst; outside, it is link_settings::loss

    friend bool operator==(const loss_bursts&, const loss_bursts&) = default;
};

/// Times in which a line is bad, as radio has them; of exponential lengths.
struct line_fades {
    duration every{};   ///< mean time from the end of one to the next; zero: there are none
    duration length{};  ///< mean
    double rate = 0;    ///< what is left of the line's rate; 0: it is suspended: nothing is lost, all that would arrive does so at its end

    friend bool operator==(const line_fades&, const line_fades&) = default;
};

/// A token bucket before the queue that drops what is above the rate, as providers have it.
struct line_policer {
    std::uint64_t bytes_per_second = 0;   ///< 0: none
    std::uint64_t burst_bytes = 0;        ///< what passes at once after a silence

    friend bool operator==(const line_policer&, const line_policer&) = default;
};

/// How a line is. Probabilities are per datagram, in [0, 1].
struct P2PDIST_API link_settings {
    std::uint64_t bytes_per_second = 0;      ///< of IP datagrams; 0: infinitely fast, and nothing waits
    duration delay{};                        ///< one way, after the last bit has left
    std::uint64_t queue_bytes = UINT64_MAX;  ///< that wait for the line, what is left of the one on it included where it drops its tail
    double loss = 0;
    double duplicate = 0;
    double reorder = 0;                      ///< of being held back by reorder_delay while others pass
    duration reorder_delay = std::chrono::milliseconds(5);
    duration jitter{};                       ///< up to so much more delay, uniform, never reordering
    bool down = false;                       ///< everything is dropped
    duration jitter_memory{};                ///< how long jitter remembers (the time in which its correlation falls to 1/e); zero: not at all
    loss_bursts bursts;
    line_fades fades;
    std::uint64_t mtu_bytes = UINT64_MAX;    ///< IP bytes; longer ones are dropped and counted, as with the DF bit and no ICMP answer
    line_policer policer;
    queue_settings queue;

    friend bool operator==(const link_settings&, const link_settings&) = default;
};

/// A line of `megabits_per_second`, a one-way `delay`, and a queue that holds `queue_time` of traffic at that rate.
[[nodiscard]] P2PDIST_API link_settings line(double megabits_per_second, duration delay, duration queue_time = std::chrono::milliseconds(100));

/// What became of the datagrams that were offered; bytes are IP bytes.
struct link_counters {
    std::uint64_t offered = 0;
    std::uint64_t carried = 0;          ///< that went onto the line, those lost on it included
    std::uint64_t carried_bytes = 0;
    std::uint64_t data_bytes = 0;       ///< of carried_bytes: frames that carry a flow's bytes
    std::uint64_t foreign_bytes = 0;    ///< of carried_bytes: rivals'
    std::uint64_t lost = 0;             ///< by chance, on the line
    std::uint64_t queue_dropped = 0;    ///< by a full queue
    std::uint64_t early_dropped = 0;    ///< by CoDel
    std::uint64_t marked = 0;           ///< by CoDel
    std::uint64_t policed = 0;
    std::uint64_t too_long = 0;         ///< for the line's MTU
    std::uint64_t down_dropped = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t queue_bytes_max = 0;  ///< the longest queue that was seen
    double waited_byte_seconds = 0;     ///< each carried datagram's bytes times its wait: over a time, the mean queue without what is on the line

    friend bool operator==(const link_counters&, const link_counters&) = default;
};

/// Whose a datagram is, for the counters: a flow's bytes, other words of ours, or a rival's.
enum class cargo : std::uint8_t { control, data, foreign };

/// A datagram that comes to a line.
struct offered_datagram {
    std::uint64_t ip_bytes = 0;
    cargo carries = cargo::control;
    std::uint8_t ecn = 0;        ///< the two bits of the IP header
    std::uint64_t flow = 0;      ///< a hash of whose it is, for fq_codel
    std::uint32_t id = 0;        ///< the caller's, given back where it waits
};

/// What happens to one datagram.
struct link_passage {
    /// What becomes of it.
    enum class fate : std::uint8_t { carried, lost, queue_full, down, too_long, policed, early_drop, waiting };
    fate what = fate::carried;
    time_point arrives{};                        ///< where carried; where waiting: when depart() is to be called, `never` where that is agreed
    std::optional<time_point> copy_arrives{};    ///< of its duplicate
};
/// As the enumeration.
[[nodiscard]] P2PDIST_API std::string_view to_string(link_passage::fate what) noexcept;

/// What became of a datagram that had to wait.
struct link_departure {
    std::uint32_t id = 0;
    std::uint8_t ecn = 0;
    link_passage passage;
};

/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API link_model {
public:
    /// All its chance comes from `seed`.
    link_model(const link_settings& settings, std::uint64_t seed);
    ~link_model();
    link_model(link_model&&) noexcept;
    link_model& operator=(link_model&&) noexcept;

    /// A datagram comes to the line. Times never go back from one call to the next. `waiting` is the answer of a line whose queue is not
    /// plain tail drop only; `others`: those whose place it took.
    [[nodiscard]] link_passage offer(time_point now, const offered_datagram& what, std::vector<link_departure>& others);
    /// For a line with tail drop.
    [[nodiscard]] link_passage offer(time_point now, std::uint64_t ip_bytes, cargo carries = cargo::control);
    /// The line is free, as offer() or depart() has foretold: the next one goes onto it. `gone` gets it, and those that CoDel dropped. When to
    /// call it again; `never`: not until offer() says so.
    [[nodiscard]] time_point depart(time_point now, std::vector<link_departure>& gone);

    /// Takes effect for the datagrams offered from then on; those under way keep their times, those that wait keep their places.
    void change(const link_settings& settings);
    /// Another line from then on: as change(), and nothing waits for it; `dropped` gets what did. Counters go on.
    void replace(const link_settings& settings, std::vector<link_departure>& dropped);
    [[nodiscard]] const link_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] const link_counters& counters() const noexcept { return counters_; }

    /// How long a datagram offered now waits for the line (with fq_codel: after all others).
    [[nodiscard]] duration queue_delay(time_point now) const noexcept;
    /// The bytes that wait now, what is left of the one on the line included.
    [[nodiscard]] std::uint64_t queue_bytes(time_point now) const noexcept;
    /// How long the line takes for so many bytes, rounded up to a nanosecond.
    [[nodiscard]] duration line_time(std::uint64_t ip_bytes) const noexcept;

private:
    struct P2PDIST_LOCAL active;   // what only lines with an own queue, memory or a policer need

    [[nodiscard]] bool chance(double probability) noexcept { return probability > 0 && random_.unit() < probability; }
    [[nodiscard]] std::optional<link_passage::fate> refused(time_point now, std::uint64_t ip_bytes);
    [[nodiscard]] link_passage travel(time_point sent);
    [[nodiscard]] duration jitter(time_point now);
    void occupy(time_point begins, time_point came, std::uint64_t ip_bytes, cargo carries);
    void count_gone(const std::vector<link_departure>& gone, std::size_t first);
    void prepare();

    link_settings settings_;
    random_source random_;
    std::uint64_t seed_;
    queue_kind kind_ = queue_kind::tail_drop;   // of the queue that there is
    link_counters counters_;
    time_point busy_until_{};
    time_point last_arrival_{};
    std::unique_ptr<active> active_;
};

/// A line's both directions.
struct line_pair {
    link_settings down;   ///< towards the office or host
    link_settings up;
};
/// Lines that are met, by name (docs/simulator.md has their figures): lan, office_wan, wifi_lossy, vpn_congested, satellite. Nothing for
/// another name.
[[nodiscard]] P2PDIST_API std::optional<line_pair> line_preset(std::string_view name);
/// All names, separated by ", ".
[[nodiscard]] P2PDIST_API std::string_view line_preset_names() noexcept;

}  // namespace p2pdist::sim
