#pragma once
// The motor of large messages and of content: reliable ranges of byte objects between two nodes, steered by the receiver.
//
// A flow_endpoint holds all flows of one node on one set of ports, in both directions. The side that wants bytes opens a flow to
// the side that has them, says which ranges it wants, and may change its mind at any time; the sending side is asked for bytes
// (flow_needs), is given them by reference (provide), and sends them as its congestion controller allows, until they are
// acknowledged. The flow knows bytes and offsets, not what they mean; each side can attach an opaque status that always
// arrives in its newest form.
//
// Pure: see the contract in docs/architecture.md. Distinct objects: safe. Shared: unsafe. The link must outlive it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/envelope/sealed_link.hpp"
#include "p2pdist/flow/congestion_controller.hpp"
#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist {

/// Names a flow within its endpoint; never reused.
struct flow_handle {
    std::uint64_t value = 0;
    friend auto operator<=>(const flow_handle&, const flow_handle&) = default;
};

/// Somebody wants to receive from us: answer with accept() or refuse().
struct flow_requested {
    flow_handle flow;
    client_id peer;
    path way;
    flow_open open;
    role peer_role = role::client;  ///< as its certificate says
};
/// Our open was accepted.
struct flow_accepted {
    flow_handle flow;
    std::uint64_t object_bytes = 0;
};
/// Sending side: these bytes of the object will be sent soon; give them with provide(). Asked once each, a little ahead of need.
struct flow_needs {
    flow_handle flow;
    index_range range;
};
/// The other side's status in its newest form, or its pause state, changed.
struct flow_status_changed {
    flow_handle flow;
    bytes status;
    bool paused = false;  ///< receiving side: the sender stands aside for other traffic (XFER-3)
};
/// The flow has ended: refused, closed by the other side, or given up (errc::timed_out). Not given for one's own close().
struct flow_ended {
    flow_handle flow;
    errc reason = errc::cancelled;
    std::string text;
    duration retry_after{};  ///< zero: don't; at most limits::flow_retry_after_max
};

/// The text of flow_ended where a receiver acknowledged packets that were never sent, so that it, or somebody whose address it uses, would
/// be sent more than the way takes.
inline constexpr std::string_view false_receipt_text = "the receiver acknowledges what was never sent";

/// What it gives out, in order.
using flow_output = std::variant<send_datagram, flow_requested, flow_accepted, flow_needs, flow_status_changed, flow_ended>;

/// Bytes of an object, new but where it says otherwise. `payload` borrows from the datagram: copy what is to be kept before the next call.
struct flow_piece {
    flow_handle flow;
    client_id peer;
    std::uint64_t offset = 0;
    byte_span payload;
    bool authenticated = false;  ///< the payload's tag was checked (strict mode)
    /// Only without strict mode: its packet number came before. With another payload than then, one of the two is a forgery, and the
    /// sender may be honest: see authenticate().
    bool repeated = false;
};

/// How a flow is doing.
struct flow_statistics {
    std::uint64_t sent_bytes = 0;            ///< UDP payload
    std::uint64_t retransmitted_bytes = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t duplicate_bytes = 0;       ///< payload that was here already
    double rate_bytes_per_second = 0;        ///< of the last second or so
    duration rtt_smoothed{};
    duration queueing_delay{};               ///< newest estimate, where the controller keeps one
    bool paused = false;
    std::string_view controller_state;       ///< sending side: as congestion_controller::state() says
};

/// How flows of this endpoint behave.
struct flow_endpoint_config {
    congestion_controller_factory foreground = make_foreground_controller;
    congestion_controller_factory background = make_background_controller;
    std::size_t flows_max = 1024;            ///< both directions; more are refused with errc::limit_reached
    duration idle_timeout = std::chrono::seconds(10);  ///< without any valid frame of the other side a flow ends with errc::timed_out
};

/// All flows of one node on one set of ports. Distinct objects: safe from any thread. Shared: unsafe.
class P2PDIST_API flow_endpoint {
public:
    /// Crypto, entropy and link must outlive it.
    flow_endpoint(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed, flow_endpoint_config config = {});
    ~flow_endpoint();
    flow_endpoint(flow_endpoint&&) noexcept;
    flow_endpoint& operator=(flow_endpoint&&) noexcept;

    // The receiving side.
    /// Opens a flow to `peer`, which the envelope must know. `way` is the pair's local port and the peer's endpoint. Wants given
    /// before the next poll() travel with the open, so that the first bytes follow the acceptance at once. Above flows_max the flow
    /// ends with errc::limit_reached. `request.status` takes at most flow_status_bytes_max.
    flow_handle open(time_point now, const client_id& peer, const path& way, flow_open request);
    /// From now on the payloads of this flow are to be authenticated (strict mode), without opening it anew: for whoever has seen a sign
    /// of forgery. What was under way is still taken for a moment, with flow_piece::authenticated false.
    void authenticate(time_point now, flow_handle flow);
    /// What is still wanted, in order of preference; supersedes the last call. At most flow_ranges_max ranges are heeded; overlaps
    /// count once. Bytes that came already need not be left out: they don't come again as long as they stay listed. To get bytes
    /// again, leave them out of one call and list them in a later one.
    void want(time_point now, flow_handle flow, std::vector<index_range> ranges);

    // The sending side.
    /// Serves a flow_requested: the object has so many bytes. `status` is at most flow_status_bytes_max.
    void accept(time_point now, flow_handle flow, std::uint64_t object_bytes, bytes status);
    /// Does not, and tells the other side why.
    void refuse(time_point now, flow_handle flow, flow_close why);
    /// Bytes of the object from `offset` on, as flow_needs asked (more or less is fine); kept by reference until acknowledged or no
    /// longer wanted. May come late: what is given first is sent first. Bytes that nobody wants now are dropped, and asked for when needed.
    void provide(time_point now, flow_handle flow, std::uint64_t offset, shared_bytes data);

    // Both sides.
    /// The own side's opaque status; the newest one arrives. At most flow_status_bytes_max.
    void set_status(time_point now, flow_handle flow, bytes status);
    /// Ends a flow of either side; nothing is heard of it any more.
    void close(time_point now, flow_handle flow, flow_close why = {});
    /// Nothing where the flow has ended.
    [[nodiscard]] std::optional<flow_statistics> statistics(flow_handle flow) const;

    // Inputs.
    /// A sealed flow_control frame that the envelope opened.
    void on_control(time_point now, const opened& frame);
    /// A data or data_strict frame; gives the piece if it is valid, and new or worth a comparison (flow_piece::repeated).
    [[nodiscard]] std::optional<flow_piece> on_data(time_point now, const received_datagram& datagram);
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);
    /// The envelope says that a peer can't be reached: its flows end with errc::unreachable.
    void on_peer_unreachable(time_point now, const client_id& peer);
    /// session_ready::restarted: the peer is another process and knows nothing of the flows; they end with errc::unreachable.
    void on_peer_restarted(time_point now, const client_id& peer);

    // Outputs. Sealed control frames leave through the envelope's own output, which poll() here may add to: poll the envelope after it.
    /// The next output; nothing when all has been given.
    [[nodiscard]] std::optional<flow_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] std::size_t size() const noexcept;  ///< flows of both directions

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
