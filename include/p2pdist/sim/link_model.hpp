#pragma once
// One direction of a line: a rate, a delay, a drop-tail queue, and faults. Pure arithmetic over virtual time: it says when a datagram
// arrives and schedules nothing itself.

#include <cstdint>
#include <optional>
#include <string_view>

#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// How a line is. Probabilities are per datagram, in [0, 1].
struct link_settings {
    std::uint64_t bytes_per_second = 0;      ///< of IP datagrams; 0: infinitely fast
    duration delay{};                        ///< one way, after the last bit has left
    std::uint64_t queue_bytes = UINT64_MAX;  ///< that wait for the line, what is left of the one on it included; tail drop
    double loss = 0;
    double duplicate = 0;
    double reorder = 0;                      ///< of being held back by reorder_delay while others pass
    duration reorder_delay = std::chrono::milliseconds(5);
    duration jitter{};                       ///< up to so much more delay, uniform, never reordering
    bool down = false;                       ///< everything is dropped

    friend bool operator==(const link_settings&, const link_settings&) = default;
};

/// A line of `megabits_per_second`, a one-way `delay`, and a queue that holds `queue_time` of traffic at that rate.
[[nodiscard]] link_settings line(double megabits_per_second, duration delay, duration queue_time = std::chrono::milliseconds(100));

/// What became of the datagrams that were offered; bytes are IP bytes.
struct link_counters {
    std::uint64_t offered = 0;
    std::uint64_t carried = 0;          ///< that went onto the line, those lost on it included
    std::uint64_t carried_bytes = 0;
    std::uint64_t data_bytes = 0;       ///< of carried_bytes: frames that carry a flow's bytes
    std::uint64_t lost = 0;             ///< by chance, on the line
    std::uint64_t queue_dropped = 0;
    std::uint64_t down_dropped = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t queue_bytes_max = 0;  ///< the longest queue that was seen

    friend bool operator==(const link_counters&, const link_counters&) = default;
};

/// What happens to one datagram.
struct link_passage {
    enum class fate : std::uint8_t { carried, lost, queue_full, down };
    fate what = fate::carried;
    time_point arrives{};                        ///< where carried
    std::optional<time_point> copy_arrives{};    ///< of its duplicate
};
[[nodiscard]] std::string_view to_string(link_passage::fate what) noexcept;

/// Distinct objects: safe. Shared: unsafe.
class link_model {
public:
    link_model(link_settings settings, std::uint64_t seed) noexcept : settings_(settings), random_(seed) {}

    /// A datagram of `ip_bytes` comes to the line. Times never go back from one call to the next.
    [[nodiscard]] link_passage offer(time_point now, std::uint64_t ip_bytes, bool carries_data = false);

    /// Takes effect for the datagrams offered from then on; those under way keep their times.
    void change(const link_settings& settings) noexcept { settings_ = settings; }
    [[nodiscard]] const link_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] const link_counters& counters() const noexcept { return counters_; }

    /// How long a datagram offered now waits for the line.
    [[nodiscard]] duration queue_delay(time_point now) const noexcept { return busy_until_ > now ? busy_until_ - now : duration::zero(); }
    /// The bytes that this time takes, rounded up.
    [[nodiscard]] std::uint64_t queue_bytes(time_point now) const noexcept;
    /// How long the line takes for so many bytes, rounded up to a nanosecond.
    [[nodiscard]] duration line_time(std::uint64_t ip_bytes) const noexcept;

private:
    [[nodiscard]] bool chance(double probability) noexcept { return probability > 0 && random_.unit() < probability; }

    link_settings settings_;
    random_source random_;
    link_counters counters_;
    time_point busy_until_{};
    time_point last_arrival_{};
};

}  // namespace p2pdist::sim
