#include "channel_desk.hpp"

#include <algorithm>
#include <array>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

message_layer_config channel_layer_config(const server_config& config) {
    message_layer_config out;
    out.own_role = role::server;
    out.ports = config.ports;
    return out;
}

/// Where a channel's connector is taken to be: several of them can be behind one address, and the pieces of large messages find their
/// channel by it. 100::/64 leads nowhere (RFC 6666).
ip_address place_of(channel_id channel) {
    std::array<std::uint8_t, 16> out{0x01, 0x00};
    for (std::size_t i = 0; i < 8; ++i) out[15 - i] = static_cast<std::uint8_t>(channel.value >> (8 * i));
    return ip_address::v6(out);
}

}  // namespace

channel_desk::channel_desk(const crypto_suite& crypto, entropy& random_bytes, const server_config& config)
    : connector_port_(config.ports[port_use::connector_reply]),
      link_(crypto, secure_channel_server, role::server, config.ports[port_use::server_small_in]),
      messages_(crypto, random_bytes, link_, config.jitter_seed ^ 0x6368616e, channel_layer_config(config)) {}

void channel_desk::open(channel_id channel, const secret_key& exporter) {
    if (open_.size() >= limits::server_channels_max) {
        const auto oldest = open_.front();
        close(oldest);
        closing_.push_back(oldest);
    }
    // Inside the channel the plan's port stands for the connector, whatever port its datagrams came from.
    link_.open(channel.value, {place_of(channel), connector_port_}, exporter);
    open_.push_back(channel);
}

void channel_desk::close(channel_id channel) {
    link_.close(channel.value);
    std::erase(open_, channel);
    peers_.erase(channel);
}

void channel_desk::close_all() {
    const auto all = open_;
    for (const auto channel : all) {
        close(channel);
        closing_.push_back(channel);
    }
}

void channel_desk::on_record(time_point now, channel_id channel, byte_span record) {
    auto content = link_.on_record(now, channel.value, record);
    if (!content) return;
    if (const auto* frame = std::get_if<opened>(&*content)) {
        // Its earlier channel is dead: what we still have to say to it leaves through this one, at once.
        if (peers_.emplace(channel, frame->from).second) messages_.on_peer_restarted(now, frame->from);
        return messages_.on_frame(now, *frame);
    }
    if (const auto* data = std::get_if<received_datagram>(&*content)) messages_.on_data(now, *data);
}

std::optional<channel_desk::output> channel_desk::poll(time_point now) {
    if (!closing_.empty()) {
        const auto channel = closing_.front();
        closing_.pop_front();
        return channel_close{channel};
    }
    while (true) {
        if (auto record = link_.poll()) return channel_send{{record->channel}, std::move(record->record)};
        auto next = messages_.poll(now);
        if (!next) break;
        if (auto* request = std::get_if<message_received>(&*next)) return std::move(*request);
        if (const auto* datagram = std::get_if<send_datagram>(&*next)) link_.carry(*datagram);
    }
    if (auto record = link_.poll()) return channel_send{{record->channel}, std::move(record->record)};
    return std::nullopt;
}

}  // namespace p2pdist
