// The public face of a client: each call goes to the part concerned.

#include <utility>

#include "implementation.hpp"

namespace p2pdist {

client_core::client_core(const crypto_suite& crypto, entropy& random_bytes, client_config config, time_point now, wall_time wall)
    : self_(std::make_unique<implementation>(crypto, random_bytes, std::move(config), wall)) {
    self_->start(now);
}
client_core::~client_core() = default;
client_core::client_core(client_core&&) noexcept = default;
client_core& client_core::operator=(client_core&&) noexcept = default;

command_handle client_core::fetch(time_point now, const content_id& id, std::string output) {
    return self_->orders.fetch(now, id, std::move(output), nullptr);
}
command_handle client_core::fetch(time_point now, const content_id& id, std::shared_ptr<output_sink> sink) {
    return self_->orders.fetch(now, id, {}, std::move(sink));
}
command_handle client_core::read(time_point now, const content_id& id) { return self_->orders.read(now, id); }
void client_core::read_on(time_point now, command_handle reader) { self_->orders.read_on(now, reader); }
command_handle client_core::import(time_point now, std::string path, std::optional<content_id> id) {
    return self_->orders.import(now, std::move(path), std::move(id));
}
command_handle client_core::pin(time_point now, const content_id& id, bool pinned) { return self_->orders.pin(now, id, pinned); }
command_handle client_core::remove(time_point now, const content_id& id) { return self_->orders.remove(now, id); }
command_handle client_core::verify(time_point now) { return self_->orders.verify(now); }
void client_core::cancel(time_point now, command_handle command) { self_->orders.cancel(now, command); }

void client_core::pause(time_point now, bool paused) {
    if (self_->shared.paused == paused) return;
    self_->shared.paused = paused;
    self_->shared.notice(log_level::info, paused ? "downloads are paused by the user" : "downloads go on");
    self_->jobs.on_paused(now, paused);
}

void client_core::stop(time_point now) { self_->stop(now); }

void client_core::set_profile(time_point, device_profile profile) {
    auto& own = self_->shared.config.profile;
    if (profile.version <= own.version) profile.version = own.version + 1;
    own = profile;  // the next heartbeat carries it
}

void client_core::set_address(time_point now, ip_address address, std::uint8_t prefix_bits, std::optional<ip_address> broadcast) {
    auto& config = self_->shared.config;
    config.address = address;
    config.prefix_bits = prefix_bits;
    config.broadcast = broadcast;
    self_->offices.set_address(address, prefix_bits);
    self_->on_moved(now);
    self_->member.register_again(now);
    self_->on_state_changed(now);
}

const ip_address& client_core::address() const noexcept { return self_->shared.config.address; }

void client_core::on_datagram(time_point now, const received_datagram& datagram) { self_->on_datagram(now, datagram); }
void client_core::on_timer(time_point now) { self_->on_timer(now); }
void client_core::on_wall_clock(time_point now, wall_time wall) { self_->on_wall_clock(now, wall); }
void client_core::on_store_done(time_point now, store_completion completion) {
    // An import, an export, a removal: what `status` shows of the store is not true any more.
    const bool of_engine = (completion.id & transfer_store_request_bit) != 0;
    const bool changed = !of_engine && completion.ok() &&
                         (std::holds_alternative<store_content>(completion.value) || std::holds_alternative<store_done>(completion.value));
    self_->shared.on_store_done(now, std::move(completion));
    if (changed) self_->measure();
}
void client_core::on_fallback_data(time_point now, std::uint64_t request, std::uint64_t offset, shared_bytes data) {
    self_->fallback.on_data(now, request, offset, std::move(data));
}
void client_core::on_fallback_done(time_point now, std::uint64_t request, std::optional<error> failure) {
    self_->fallback.on_done(now, request, std::move(failure));
}

std::optional<client_output> client_core::poll(time_point now) { return self_->poll(now); }
time_point client_core::deadline() const { return self_->deadline(); }

}  // namespace p2pdist
