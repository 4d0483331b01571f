#include "p2pdist/server/server_core.hpp"

#include "server_implementation.hpp"

namespace p2pdist {

server_core::server_core(const crypto_suite& crypto, entropy& random_bytes, server_config config, time_point now, wall_time wall)
    : self_(std::make_unique<implementation>(crypto, random_bytes, config, now, wall)) {}
server_core::~server_core() = default;
server_core::server_core(server_core&&) noexcept = default;
server_core& server_core::operator=(server_core&&) noexcept = default;

void server_core::load(time_point now, catalogue_snapshot snapshot) { self_->load(now, snapshot); }
void server_core::on_datagram(time_point now, const received_datagram& datagram) { self_->on_datagram(now, datagram); }
void server_core::on_timer(time_point now) { self_->on_timer(now); }
void server_core::on_wall_clock(time_point now, wall_time wall) { self_->on_wall_clock(now, wall); }
void server_core::on_catalogue_done(time_point now, catalogue_completion completion) { self_->on_catalogue_done(now, completion); }
void server_core::on_store_done(time_point now, store_completion completion) { self_->on_store_done(now, std::move(completion)); }
void server_core::on_channel_opened(time_point, channel_id channel, const endpoint&, const secret_key& exporter) {
    self_->on_channel_opened(channel, exporter);   // several connectors can be behind one address: it tells nothing
}
void server_core::on_channel_record(time_point now, channel_id channel, byte_span record) {
    self_->on_channel_record(now, channel, record);
}
void server_core::on_channel_closed(time_point, channel_id channel) { self_->on_channel_closed(channel); }
void server_core::set_enrolment_key(time_point, const secret_key& key) { self_->set_enrolment_key(key); }
std::optional<server_output> server_core::poll(time_point now) { return self_->poll(now); }
time_point server_core::deadline() const { return self_->deadline(); }
server_statistics server_core::statistics() const { return self_->statistics(); }

}  // namespace p2pdist
