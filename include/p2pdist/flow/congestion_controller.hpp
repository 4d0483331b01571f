#pragma once
// The seam between the flow and what decides how fast it may send. A controller is told what was sent and what came of it, and says
// how many bytes may be under way and how fast they may leave. Pure: time and measurements are arguments.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// What one feedback brought, measured by the sender's flow.
struct feedback_sample {
    time_point now{};
    std::uint64_t acked_bytes = 0;      ///< newly acknowledged, UDP payload
    std::uint64_t acked_packets = 0;
    std::uint64_t lost_bytes = 0;       ///< newly declared lost
    std::uint64_t lost_packets = 0;
    std::uint64_t ce_packets = 0;       ///< newly marked
    time_point newest_lost_sent_at{};   ///< when the newest of the lost was sent: one reaction a round trip is enough
    time_point newest_acked_sent_at{};  ///< when the newest of the acknowledged was sent
    std::uint64_t in_flight_bytes = 0;  ///< after this feedback
    bool has_rtt = false;
    duration rtt{};                     ///< of the newest acknowledged packet, without the receiver's holding time
    duration rtt_min{};                 ///< since the flow began
    duration rtt_smoothed{};
    bool has_delay = false;
    duration delay_min{};               ///< one-way delay samples of this interval: receiver's clock minus sender's, so offset by an
    duration delay_max{};               ///<   unknown constant that drifts slowly; only differences mean anything
    std::uint64_t delivered_bytes = 0;  ///< received by the receiver in this interval
    duration delivered_over{};          ///< the interval by the receiver's clock; zero where unknown
    bool application_limited = false;   ///< the flow had nothing more to send
    duration background_queue{};        ///< the queue that this node's Background flows have just met; zero: none, or there are no such flows
};

/// Decides how fast one flow may send. One object a flow, called by that flow alone: shared by no threads.
class P2PDIST_API congestion_controller {
public:
    virtual ~congestion_controller() = default;

    /// A datagram of so many bytes of UDP payload has left; `in_flight_bytes` counts it.
    virtual void on_sent(time_point now, std::uint64_t datagram_bytes, std::uint64_t in_flight_bytes) = 0;
    /// The receiver has told what arrived.
    virtual void on_feedback(const feedback_sample& sample) = 0;
    /// No feedback for a retransmission timeout; `consecutive` counts from 1.
    virtual void on_timeout(time_point now, int consecutive) = 0;

    /// How many bytes may be under way.
    [[nodiscard]] virtual std::uint64_t window_bytes() const = 0;
    /// How fast they may leave, in bytes a second; 0 = as fast as the window allows.
    [[nodiscard]] virtual double pacing_rate() const = 0;
    /// Bytes that may leave back to back.
    [[nodiscard]] virtual std::uint64_t burst_bytes() const = 0;
    /// Whether it stands aside for other traffic (XFER-3); the flow then sends probes only, as pacing_rate() says.
    [[nodiscard]] virtual bool paused() const = 0;
    /// The largest UDP payload to send next; below the usual size for probes.
    [[nodiscard]] virtual std::uint64_t datagram_bytes() const = 0;
    /// When on_clock() wants to be called, or `never`.
    [[nodiscard]] virtual time_point deadline() const { return never; }
    /// deadline() has come.
    virtual void on_clock(time_point) {}
    /// The estimate of the queue at the bottleneck as of the last milliseconds; zero where the controller keeps none.
    [[nodiscard]] virtual duration queueing_delay() const { return {}; }
    /// For logs, traces and `--json`.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    [[nodiscard]] virtual std::string_view state() const noexcept = 0;
};

/// Makes a controller for a new flow; `datagram_bytes_max` is the largest UDP payload.
using congestion_controller_factory = std::function<std::unique_ptr<congestion_controller>(std::uint64_t datagram_bytes_max, time_point now)>;

/// Foreground (XFER-1): CUBIC (RFC 9438) with slow start and pacing; fast and loss-based. While Background flows of the
/// same node meet a queue, it keeps its own to about a millisecond: they would take it for somebody else's, and stand aside.
[[nodiscard]] P2PDIST_API std::unique_ptr<congestion_controller> make_foreground_controller(std::uint64_t datagram_bytes_max, time_point now);
/// Background (XFER-2): watches the one-way delay and stands aside.
[[nodiscard]] P2PDIST_API std::unique_ptr<congestion_controller> make_background_controller(std::uint64_t datagram_bytes_max, time_point now);

}  // namespace p2pdist
