#pragma once
// The flows of an endpoint, and whose turn it is.

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "endings.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"
#include "receiving_flow.hpp"
#include "sending_flow.hpp"

namespace p2pdist {

class flow_endpoint::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed, flow_endpoint_config config)
        : config_(std::move(config)),
          random_(&random_bytes),
          jitter_(jitter_seed),
          context_{crypto, link, config_, jitter_, random_bytes, background_} {}

    flow_handle open(time_point now, const client_id& peer, const path& way, flow_open request);
    void authenticate(time_point now, flow_handle flow);
    void want(time_point now, flow_handle flow, const std::vector<index_range>& ranges);
    void accept(time_point now, flow_handle flow, std::uint64_t object_bytes, bytes status);
    void provide(time_point now, flow_handle flow, std::uint64_t offset, const shared_bytes& data);
    void set_status(time_point now, flow_handle flow, bytes status);
    void close(time_point now, flow_handle flow, flow_close why);
    std::optional<flow_statistics> statistics(flow_handle flow) const;

    void on_control(time_point now, const opened& frame);
    std::optional<flow_piece> on_data(time_point now, const received_datagram& datagram);
    void end_all_of(time_point now, const client_id& peer, const flow_close& why);

    std::optional<flow_output> poll(time_point now);
    time_point deadline() const { return schedule_.empty() ? never : std::get<0>(*schedule_.begin()); }
    std::size_t size() const noexcept { return flows_.size(); }

private:
    using flow_key = std::pair<client_id, std::uint32_t>;

    detail::flow::flow_base* find(flow_handle flow) const;
    detail::flow::receiving_flow* receiving(flow_handle flow) const;
    detail::flow::sending_flow* sending(flow_handle flow) const;
    detail::flow::receiving_flow* receiving_from(const client_id& peer, std::uint32_t token) const;
    detail::flow::sending_flow* sending_to(const client_id& peer, std::uint32_t token) const;
    std::uint32_t fresh_token();
    std::size_t opened_by(const client_id& peer) const;
    void on_open(time_point now, const opened& frame, std::uint32_t token, flow_open request);
    void on_feedback(time_point now, const opened& frame, std::uint32_t token, flow_feedback feedback);
    void on_close(time_point now, const opened& frame, const flow_control& control, const flow_close& why);
    void repeat_end(time_point now, const detail::flow::flow_ending& ending);
    void remember_end(time_point now, const detail::flow::flow_base& flow, const flow_close& why);
    void remove(detail::flow::flow_base& flow);
    void touch(time_point now, detail::flow::flow_base& flow);
    void schedule(detail::flow::flow_base& flow, time_point when);
    void unschedule(detail::flow::flow_base& flow);

    flow_endpoint_config config_;
    entropy* random_;
    random_source jitter_;
    detail::flow::background_watch background_;
    detail::flow::flow_context context_;
    std::uint64_t next_handle_ = 1;
    std::map<std::uint64_t, std::unique_ptr<detail::flow::flow_base>> flows_;
    std::unordered_map<std::uint32_t, detail::flow::receiving_flow*> by_token_;
    std::map<flow_key, detail::flow::sending_flow*> by_peer_;
    detail::flow::endings endings_;
    // When each flow wants to be polled; the middle number gives turns to those of the same time.
    std::set<std::tuple<time_point, std::uint64_t, std::uint64_t>> schedule_;
    std::uint64_t next_order_ = 0;
    time_point now_{};
};

}  // namespace p2pdist
