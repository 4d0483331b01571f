#pragma once
// The message layer (MSG-1, MSG-2): requests and replies of any size between nodes, over lossy datagrams.
//
// A small message is one sealed datagram; it is sent again with back-off until it is acknowledged or answered, and handled once
// however often it arrives. A message or reply too large for that is announced by large_offer and fetched by the receiver as a
// flow over the large port pair, checked against its hash, and then treated as if it had arrived small.
//
// Duplicates are known by sender and message id. Ids start at a random number, so that a node that starts again, or goes on from a
// snapshot and says start_anew(), doesn't meet its own old ids; a *receiver* that starts again has forgotten what it handled, and
// handles a repeated request once more.
//
// Runs over any sealed_link: the envelope between nodes, secure_channel_link inside the connector's channel. Pure (see the contract
// in docs/architecture.md): frames that it sends leave through the link's own output, so poll the link after this. The link must
// outlive it. Distinct objects: safe. Shared: unsafe.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/limits.hpp"
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

/// A request of a peer. Answer it with reply() or drop(), at once or later; until then its repetitions are acknowledged.
struct message_received {
    message_handle request;
    message_peer from;
    endpoint from_endpoint;
    message_body body;
    standing from_standing = standing::member;  ///< a lapsed sender deserves a renewal, or to be told, and nothing else
    std::uint16_t from_epoch = 0;               ///< key epoch of the sender's certificate
};
/// The answer to a request of ours.
struct message_answered {
    message_handle request;
    message_peer from;
    message_body body;   ///< error_reply where the other side refused
};
/// A request of ours that got no answer: errc::timed_out, unreachable, version_unsupported (the sentence names the side to update),
/// not_found (the link has no key of the peer), not_authorised (we are not enrolled), limit_reached (too large, or too many are open);
/// integrity_failed, or why the flow ended, where its large part did not arrive.
struct message_failed {
    message_handle request;
    message_peer to;
    error why;
};

/// send_datagram: a piece of a large message.
using message_output = std::variant<send_datagram, message_received, message_answered, message_failed>;

/// How long it waits and how much it keeps.
struct message_layer_config {
    role own_role = role::client;
    port_plan ports;
    duration first_timeout = std::chrono::milliseconds(400);  ///< until a request is sent again; grows by 2 with jitter to timeout_max
    duration timeout_max = std::chrono::seconds(5);           ///< also how often an acknowledged request asks for its answer, at the least
    int attempts_max = 7;                                     ///< times that a request is sent without a sign of life of the other side
    duration answer_timeout = std::chrono::seconds(60);       ///< from the first acknowledgement of a request to its answer
    duration acknowledge_delay = std::chrono::milliseconds(5);  ///< an answer that comes sooner saves the acknowledgement
    duration duplicates_kept = std::chrono::seconds(90);      ///< how long a handled request's answer is kept for its repetitions
    std::uint64_t large_bytes_max = limits::large_message_bytes_max;  ///< of a large message, sent or received; limits.hpp has less for most roles
    std::size_t requests_max = limits::message_requests_max;
    std::size_t answers_max = limits::message_answers_max;
    std::size_t answer_bytes_max = limits::message_answer_bytes_max;
    flow_endpoint_config flow;
};

/// Of one request.
struct message_options {
    transfer_protocol large_protocol = transfer_protocol::background;  ///< MSG-2; heeded where the message is large
    std::optional<duration> answer_timeout;   ///< instead of the configured one
    int attempts_max = 0;                     ///< 0: the configured number
};

/// Counts since it was made.
struct message_counters {
    std::uint64_t sent = 0;            ///< requests and replies, once each
    std::uint64_t repeated = 0;        ///< sent again
    std::uint64_t received = 0;        ///< requests and answers handed out
    std::uint64_t duplicates = 0;      ///< requests known already, answers to nothing that is open
    std::uint64_t malformed = 0;       ///< frames that don't decode
    std::uint64_t unknown = 0;         ///< requests and answers of a newer program, whose body this one does not know
    std::uint64_t wrong_port = 0;      ///< frames on another port pair than their roles' (MSG-4)
    std::uint64_t large_sent = 0;      ///< messages and replies announced by large_offer
    std::uint64_t large_received = 0;  ///< fetched, and fitting their hash
    std::uint64_t large_refused = 0;   ///< asked for under a token that we did not give to the asker, or too large to fetch
    std::uint64_t dropped_full = 0;    ///< requests of others that found our tables full
};

/// All requests and replies of one node. Distinct objects: safe from any thread. Shared: unsafe.
class P2PDIST_API message_layer {
public:
    /// Crypto, entropy and link must outlive it.
    message_layer(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed, message_layer_config config);
    ~message_layer();
    message_layer(message_layer&&) noexcept;
    message_layer& operator=(message_layer&&) noexcept;

    /// Sends a request; exactly one message_answered or message_failed follows, unless it is cancelled. The port pair follows from
    /// the roles (MSG-4). `body` is not monostate.
    message_handle request(time_point now, const message_peer& to, message_body body, message_options options = {});
    /// Nothing follows any more. The other side may have handled it.
    void cancel(message_handle request);
    /// Answers a message_received, once; further answers to it, and answers to what is no longer known, are ignored. A reply too large
    /// to offer becomes an error_reply with errc::limit_reached.
    void reply(time_point now, message_handle request, message_body body, transfer_protocol large_protocol = transfer_protocol::background);
    /// Handled, and there is nothing to say: replies `accepted`.
    void drop(time_point now, message_handle request);

    // Inputs.
    /// A sealed frame that arrived on one of our ports: messages on the small ones, flow_control on the large ones.
    void on_frame(time_point now, const opened& frame);
    /// A data or data_strict frame on a large port.
    void on_data(time_point now, const received_datagram& datagram);
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);
    /// The link can't reach the peer: what is open with it fails, with `why` or errc::unreachable.
    void on_peer_unreachable(time_point now, const client_id& peer, std::optional<error> why = {});
    /// The peer is another process than before, or its channel was made anew: what is open with it is sent again at once.
    void on_peer_restarted(time_point now, const client_id& peer);
    /// This process may be an earlier state of itself (a resumed snapshot): ids go on at another random number, so that no peer takes a
    /// new request for one that it has answered. What is open keeps its id: that is the same request.
    void start_anew();
    /// MSG-6: `why` (version_error) becomes the reason if the peer turns out to be unreachable.
    void on_version_mismatch(time_point now, const client_id& peer, error why);
    /// Whether the local port is one of this layer's, so that a core knows where a datagram belongs.
    [[nodiscard]] bool owns_port(std::uint16_t local_port) const noexcept;

    /// The next output; nothing when all has been given.
    [[nodiscard]] std::optional<message_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] std::size_t open_requests() const noexcept;  ///< of ours

    /// Since it was made.
    [[nodiscard]] const message_counters& statistics() const noexcept;

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
