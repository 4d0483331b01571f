// The public face of an endpoint.

#include "endpoint_implementation.hpp"

namespace p2pdist {

flow_endpoint::flow_endpoint(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                             flow_endpoint_config config)
    : self_(std::make_unique<implementation>(crypto, random_bytes, link, jitter_seed, std::move(config))) {}
flow_endpoint::~flow_endpoint() = default;
flow_endpoint::flow_endpoint(flow_endpoint&&) noexcept = default;
flow_endpoint& flow_endpoint::operator=(flow_endpoint&&) noexcept = default;

flow_handle flow_endpoint::open(time_point now, const client_id& peer, const path& way, flow_open request) {
    return self_->open(now, peer, way, std::move(request));
}
void flow_endpoint::want(time_point now, flow_handle flow, std::vector<index_range> ranges) { self_->want(now, flow, ranges); }
void flow_endpoint::authenticate(time_point now, flow_handle flow) { self_->authenticate(now, flow); }
void flow_endpoint::accept(time_point now, flow_handle flow, std::uint64_t object_bytes, bytes status) {
    self_->accept(now, flow, object_bytes, std::move(status));
}
void flow_endpoint::refuse(time_point now, flow_handle flow, flow_close why) { self_->close(now, flow, std::move(why)); }
void flow_endpoint::provide(time_point now, flow_handle flow, std::uint64_t offset, shared_bytes data) {
    self_->provide(now, flow, offset, data);
}
void flow_endpoint::set_status(time_point now, flow_handle flow, bytes status) { self_->set_status(now, flow, std::move(status)); }
void flow_endpoint::close(time_point now, flow_handle flow, flow_close why) { self_->close(now, flow, std::move(why)); }
std::optional<flow_statistics> flow_endpoint::statistics(flow_handle flow) const { return self_->statistics(flow); }
void flow_endpoint::on_control(time_point now, const opened& frame) { self_->on_control(now, frame); }
std::optional<flow_piece> flow_endpoint::on_data(time_point now, const received_datagram& datagram) { return self_->on_data(now, datagram); }
void flow_endpoint::on_timer(time_point) {}  // poll() looks at the time itself
void flow_endpoint::on_peer_unreachable(time_point now, const client_id& peer) {
    self_->end_all_of(now, peer, {errc::unreachable, "the peer can't be reached", 0});
}
void flow_endpoint::on_peer_restarted(time_point now, const client_id& peer) {
    self_->end_all_of(now, peer, {errc::unreachable, "the peer was restarted", 0});
}
std::optional<flow_output> flow_endpoint::poll(time_point now) { return self_->poll(now); }
time_point flow_endpoint::deadline() const { return self_->deadline(); }
std::size_t flow_endpoint::size() const noexcept { return self_->size(); }

}  // namespace p2pdist
