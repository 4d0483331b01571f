#pragma once
// The message layer's insides. Its functions are in four files: layer.cpp (inputs and outputs), layer_requests.cpp (ours),
// layer_answers.cpp (others' requests), layer_large.cpp (what does not fit a datagram).

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "answer_table.hpp"
#include "large_fetches.hpp"
#include "large_objects.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "timer_queue.hpp"

namespace p2pdist {

/// A request of ours that waits for its answer.
struct open_request {
    message_peer to;
    path way;
    std::uint64_t id = 0;
    bytes frame;                 ///< the encoded message
    int attempts = 1;            ///< sent without a sign of life since
    int attempts_max = 0;
    duration timeout{};          ///< until it is sent again
    duration answer_timeout{};
    bool acknowledged = false;
    time_point answer_by = never;
    std::uint64_t offer = 0;     ///< token of its large part
    std::uint64_t fetch = 0;     ///< key of the fetch of its large answer
    std::optional<error> mismatch;  ///< MSG-6
};

class message_layer::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed, message_layer_config config);

    // Ours.
    message_handle request(time_point now, const message_peer& to, message_body body, const message_options& options);
    void cancel(std::uint64_t handle);
    // Others'.
    void reply(time_point now, std::uint64_t handle, message_body body, transfer_protocol protocol);
    // Inputs.
    void on_frame(time_point now, const opened& frame);
    void on_data(time_point now, const received_datagram& datagram);
    void on_timer(time_point now);
    void on_peer_unreachable(time_point now, const client_id& peer, const std::optional<error>& why);
    void on_peer_restarted(time_point now, const client_id& peer);
    void start_anew() { next_id_ = random_bytes_->u64(); }
    void on_version_mismatch(const client_id& peer, const error& why);
    bool owns_port(std::uint16_t local_port) const noexcept { return own_ports_.contains(local_port); }
    // Outputs.
    std::optional<message_output> poll(time_point now);
    time_point deadline() const;
    std::size_t open_requests() const noexcept { return requests_.size(); }
    const message_counters& statistics() const noexcept { return counters_; }

private:
    /// Whether the plan has a port pair for these roles at all.
    static bool roles_talk(role left, role right) noexcept;
    /// The way of an exchange that `starter` began, seen from our side.
    path way_over(const port_pair& pair, bool we_started, const ip_address& remote) const noexcept;
    std::uint64_t next_id() noexcept;

    // Ours (layer_requests.cpp).
    void send_request(time_point now, std::uint64_t handle);
    void on_request_timer(time_point now, std::uint64_t handle);
    void acknowledge_request(time_point now, std::uint64_t handle);
    void on_answer(time_point now, const opened& frame, message&& value);
    void finish_request(std::uint64_t handle, message_body body);
    void fail_request(std::uint64_t handle, error why);
    void erase_request(std::uint64_t handle);
    std::vector<std::uint64_t> requests_to(const client_id& peer) const;
    bool uploading(const open_request& request) noexcept;

    // Others' (layer_answers.cpp).
    void on_request(time_point now, const opened& frame, message&& value);
    void refuse_unknown(time_point now, const opened& frame, const message& value);
    void deliver(std::uint64_t handle, const handled_request& request, message_body body);
    void acknowledge(time_point now, std::uint64_t handle);
    void forget_request(std::uint64_t handle);
    void forget_old(time_point now);

    // Large ones (layer_large.cpp).
    /// Puts an offer in the place of a body too large for a frame: its token, 0 where the body fits; why not where it can't be offered.
    result<std::uint64_t> offer_if_large(message& value, const client_id& peer, role peer_role, large_offerer by, transfer_protocol protocol);
    std::uint64_t large_bytes_max(role sender, role receiver, bool is_reply) const noexcept;
    bool make_fetch_room(time_point now, const opened& frame, std::uint64_t size_bytes);
    std::uint64_t start_fetch(time_point now, const opened& frame, const large_offer& offer, fetch_purpose purpose);
    void open_flow(time_point now, std::uint64_t key);
    void on_fetch_timer(time_point now, std::uint64_t key);
    void retry_or_fail_fetch(time_point now, std::uint64_t key, const flow_ended& end);
    void finish_fetch(time_point now, std::uint64_t key);
    void on_wrong_hash(time_point now, std::uint64_t key);
    void fail_fetch(time_point now, std::uint64_t key, error why);
    void drop_fetch(std::uint64_t key, errc reason = errc::cancelled);
    void on_flow(time_point now, const flow_requested& event);
    void on_flow(time_point now, const flow_accepted& event);
    void on_flow(time_point now, const flow_needs& event);
    void on_flow(time_point now, const flow_ended& event);
    void close_flows(time_point now);

    const crypto_suite* crypto_;
    entropy* random_bytes_;
    sealed_link* link_;
    random_source jitter_;
    message_layer_config config_;
    std::set<std::uint16_t> own_ports_;
    flow_endpoint flows_;
    message_counters counters_;
    std::deque<message_output> outputs_;
    std::uint64_t next_handle_ = 1;
    std::uint64_t next_id_;

    std::map<std::uint64_t, open_request> requests_;                // by handle
    std::map<std::uint64_t, std::uint64_t> request_ids_;            // message id -> handle
    std::set<std::pair<client_id, std::uint64_t>> requests_by_peer_;
    timer_queue request_timers_;

    answer_table answers_;
    timer_queue acknowledge_timers_;

    large_objects objects_;
    std::map<std::uint64_t, std::uint64_t> sending_;                // flow -> token
    large_fetches fetches_;
    timer_queue fetch_timers_;                                      // when the next flow of a fetch is opened, or the one that it has is too slow
    std::vector<std::pair<std::uint64_t, errc>> closing_;           // flows to close as soon as we are told the time, and why
};

}  // namespace p2pdist
