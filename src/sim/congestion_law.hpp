#pragma once
// What decides how much a simulated TCP may have under way: CUBIC, Reno, BBR. Windows are in segments, rates in segments a second.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "p2pdist/base/time.hpp"
#include "p2pdist/sim/rival.hpp"

namespace p2pdist::sim {

inline constexpr double initial_window = 10;   // RFC 6928
inline constexpr double endless = 1e9;         // a threshold that was never met

/// Slow start (RFC 5681): grows the window up to the threshold, by a segment for each that was acknowledged; what is left of these.
inline double grow_to(double threshold, double& window, double acked) noexcept {
    const auto step = std::clamp(threshold - window, 0.0, acked);
    window += step;
    return acked - step;
}

/// How fast segments were delivered, as the sender measured it over about a round trip (draft-cheng-iccrg-delivery-rate-estimation).
struct rate_sample {
    double per_second = 0;
    std::uint64_t prior_delivered = 0;   ///< when the newest segment of the sample was sent
    bool app_limited = false;
};

/// What an acknowledgement brought.
struct ack_event {
    time_point now{};
    std::uint64_t acked = 0;           ///< newly acknowledged, selectively or not
    std::uint64_t lost = 0;            ///< newly taken for lost
    std::uint64_t marked = 0;          ///< of acked: with a congestion mark
    std::uint64_t delivered = 0;       ///< since the beginning
    std::uint64_t pipe = 0;            ///< under way now
    std::uint64_t prior_pipe = 0;      ///< and before
    std::uint64_t first_unacked = 0;
    std::uint64_t next = 0;            ///< number of the next new segment
    std::optional<duration> rtt;
    duration smoothed_rtt{};
    std::optional<rate_sample> rate;
    bool recovering = false;
    bool window_limited = false;       ///< more would have been sent if it could
    time_point paced_until{};          ///< when the pacer lets the next one go
};

class congestion_law {
public:
    virtual ~congestion_law() = default;

    virtual void on_ack(const ack_event& what) = 0;
    /// Loss was seen for the first time since a round trip, or a mark.
    virtual void on_congestion(time_point now, std::uint64_t pipe) = 0;
    virtual void on_recovered(time_point now) = 0;
    virtual void on_timeout(time_point now) = 0;
    /// The handshake's round trip, before anything is sent.
    virtual void on_first_rtt(time_point, duration) {}
    /// Nothing was under way for so many retransmission timeouts.
    virtual void on_idle(int timeouts) = 0;

    [[nodiscard]] virtual double window() const = 0;
    /// For the proportional rate reduction of a recovery; nothing where the law does that itself.
    [[nodiscard]] virtual std::optional<double> threshold() const = 0;
    [[nodiscard]] virtual double pacing_per_second() const { return 0; }   ///< 0: not paced
};

/// `segment_bytes`: of IP. `kind` is one of the TCPs.
[[nodiscard]] std::unique_ptr<congestion_law> make_law(rival_kind kind, std::uint64_t segment_bytes, std::uint64_t seed);

}  // namespace p2pdist::sim
