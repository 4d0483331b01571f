#pragma once
// What both ends of a flow have in common inside an endpoint.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "background_watch.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"
#include "rate_meter.hpp"

namespace p2pdist::detail::flow {

/// What every flow of an endpoint uses.
struct flow_context {
    const crypto_suite& crypto;
    sealed_link& link;
    const flow_endpoint_config& config;
    random_source& jitter;
    entropy& secrets;
    background_watch& background;

    /// Seals and sends a control signal; gives the UDP payload that it took, or 0 where it could not be sent.
    /// `status`, where given, is what the link said.
    std::uint64_t say(time_point now, const client_id& peer, const path& way, const flow_control& control, send_status* status = nullptr) const;
};

/// A flow as the endpoint drives it: asked for output from time to time, never calling back.
class flow_base {
public:
    flow_base(flow_handle handle, const client_id& peer, const path& way, std::uint32_t token, time_point now)
        : handle_(handle), peer_(peer), way_(way), token_(token), heard_at_(now) {}
    virtual ~flow_base() = default;
    flow_base(const flow_base&) = delete;
    flow_base& operator=(const flow_base&) = delete;

    [[nodiscard]] flow_handle handle() const noexcept { return handle_; }
    [[nodiscard]] const client_id& peer() const noexcept { return peer_; }
    [[nodiscard]] const path& way() const noexcept { return way_; }
    [[nodiscard]] std::uint32_t token() const noexcept { return token_; }
    [[nodiscard]] virtual bool sends() const noexcept = 0;

    [[nodiscard]] virtual std::optional<flow_output> poll(time_point now) = 0;
    [[nodiscard]] virtual time_point deadline(time_point now) const = 0;
    virtual void set_status(time_point now, bytes status) = 0;
    [[nodiscard]] virtual flow_statistics statistics(time_point now) const = 0;

    /// The flow is over; poll() gives the event once, then the endpoint removes it.
    void end(flow_close why) {
        if (!ending_) ending_ = std::move(why);
    }
    [[nodiscard]] const std::optional<flow_close>& ending() const noexcept { return ending_; }
    /// The end is known to the other side, or was never its business.
    [[nodiscard]] bool finished() const noexcept { return finished_; }

    // The endpoint's schedule.
    time_point scheduled_at = never;
    std::uint64_t scheduled_order = 0;
    int batch = 0;

protected:
    [[nodiscard]] flow_output ended_event() {
        finished_ = true;
        const auto later = std::min<duration>(std::chrono::milliseconds(ending_->retry_after_ms), limits::flow_retry_after_max);
        return flow_ended{handle_, ending_->reason, ending_->text, later};
    }

    flow_handle handle_;
    client_id peer_;
    path way_;
    std::uint32_t token_;
    time_point heard_at_;  // last valid frame of the other side
    std::optional<flow_close> ending_;
    bool finished_ = false;
    mutable rate_meter rate_;
};

}  // namespace p2pdist::detail::flow
