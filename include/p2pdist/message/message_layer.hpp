#pragma once
// The message layer (MSG-1, MSG-2): requests and replies of any size between nodes, over lossy datagrams.
//
// A small message is one sealed datagram; it is sent again with back-off until it is acknowledged or answered, and handled once
// however often it arrives. A message or reply too large for that is announced by large_offer and fetched by the receiver as a
// flow over the large port pair. The layer is pure (see the contract in docs/architecture.md); the link must outlive it.
// The same layer runs inside the connector's encrypted channel, through another message_link.
//
// Distinct objects: safe. Shared: unsafe.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"
#include "p2pdist/wire/messages.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// Where a node is reached.
struct message_peer {
    client_id id;
    role as = role::client;
    ip_address address;
    friend bool operator==(const message_peer&, const message_peer&) = default;
};

/// Names a request that we sent, or one that we received and have to answer.
struct message_handle {
    std::uint64_t value = 0;
    friend auto operator<=>(const message_handle&, const message_handle&) = default;
};

/// A request (or one-way message) of a peer. Answer with reply(); where no answer is wanted, drop() acknowledges.
struct message_received {
    message_handle request;
    message_peer from;
    endpoint from_endpoint;
    message_body body;
};
/// The answer to a request of ours.
struct message_answered {
    message_handle request;
    message_peer from;
    message_body body;   ///< error_reply where the other side refused
};
/// A request of ours that got no answer (errc::timed_out, unreachable), or whose large part did not arrive or fit its hash.
struct message_failed {
    message_handle request;
    message_peer to;
    error why;
};

using message_output = std::variant<send_datagram, message_received, message_answered, message_failed>;

struct message_layer_config {
    role own_role = role::client;
    port_plan ports;
    duration first_timeout = std::chrono::milliseconds(400);  ///< grows by 2 with jitter to timeout_max
    duration timeout_max = std::chrono::seconds(5);
    int attempts_max = 7;
    duration answer_timeout = std::chrono::seconds(60);   ///< from the acknowledgement of a request to its answer
    duration duplicates_kept = std::chrono::seconds(90);  ///< how long a handled request's answer is kept for its repetitions
};

struct message_options {
    transfer_protocol large_protocol = transfer_protocol::background;  ///< MSG-2
    std::optional<duration> answer_timeout;   ///< instead of the configured one
    int attempts_max = 0;                     ///< 0: the configured number
};

class message_layer {
public:
    message_layer(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed, message_layer_config config);
    ~message_layer();
    message_layer(message_layer&&) noexcept;
    message_layer& operator=(message_layer&&) noexcept;

    /// Sends a request; exactly one message_answered or message_failed follows, unless it is cancelled.
    message_handle request(time_point now, const message_peer& to, message_body body, message_options options = {});
    void cancel(message_handle request);
    /// Answers a message_received, once.
    void reply(time_point now, message_handle request, message_body body, transfer_protocol large_protocol = transfer_protocol::background);
    /// Handled; only acknowledge it.
    void drop(time_point now, message_handle request);

    // Inputs: frames of type message on small ports, flow_control and data on large ports.
    void on_frame(time_point now, const opened& frame);
    void on_data(time_point now, const received_datagram& datagram);
    void on_timer(time_point now);
    void on_peer_unreachable(time_point now, const client_id& peer);
    /// Whether the local port is one of this layer's, so that a core knows where a datagram belongs.
    [[nodiscard]] bool owns_port(std::uint16_t local_port) const noexcept;

    [[nodiscard]] std::optional<message_output> poll(time_point now);
    [[nodiscard]] time_point deadline() const;

    struct counters {
        std::uint64_t sent = 0, repeated = 0, received = 0, duplicates = 0, malformed = 0, large_sent = 0, large_received = 0, dropped_full = 0;
    };
    [[nodiscard]] const counters& statistics() const noexcept;

private:
    class implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
