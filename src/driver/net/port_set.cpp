#include "net/port_set.hpp"

namespace p2pdist::net {

std::vector<std::uint16_t> unicast_ports(const port_plan& plan, role of) {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < port_use_count; ++i) {
        const auto use = static_cast<port_use>(i);
        if (binder_of(use) == of && use != port_use::broadcast) ports.push_back(plan[use]);
    }
    return ports;
}

result<port_set> port_set::open(const asio::any_io_executor& executor, const ip_address& address, const std::vector<std::uint16_t>& ports,
                                const std::optional<endpoint>& broadcast, bool plain) {
    port_set set;
    udp_port_options options;
    options.plain = plain;
    for (const auto port : ports) {
        auto opened = udp_port::open(executor, {address, port}, options);
        if (!opened) return opened.error();
        set.ports_[port] = std::move(*opened);
    }
    auto opened = open_broadcast(executor, broadcast, plain);
    if (!opened) return opened.error();
    set.broadcast_ = std::move(*opened);
    return set;
}

/// Nothing where there is none to be opened.
result<std::unique_ptr<udp_port>> port_set::open_broadcast(const asio::any_io_executor& executor, const std::optional<endpoint>& broadcast, bool plain) {
    if (!broadcast) return std::unique_ptr<udp_port>();
    udp_port_options options;
    options.plain = plain;
    options.shared_broadcast = true;
    return udp_port::open(executor, *broadcast, options);
}

result<void> port_set::move_broadcast(const asio::any_io_executor& executor, const std::optional<endpoint>& broadcast, bool plain,
                                      const datagram_sink& sink, const std::function<void()>& after_batch) {
    auto opened = open_broadcast(executor, broadcast, plain);
    if (!opened) return opened.error();
    if (broadcast_) broadcast_->close();
    broadcast_ = std::move(*opened);
    if (broadcast_) broadcast_->start(sink, after_batch);
    return {};
}

void port_set::start(const datagram_sink& sink, const std::function<void()>& after_batch) {
    for (auto& [number, port] : ports_) port->start(sink, after_batch);
    if (broadcast_) broadcast_->start(sink, after_batch);
}

void port_set::send(send_datagram&& datagram) {
    if (const auto found = ports_.find(datagram.from_port); found != ports_.end()) found->second->send(std::move(datagram));
}

void port_set::flush() {
    for (auto& [number, port] : ports_) port->flush();
}

void port_set::close() {
    for (auto& [number, port] : ports_) port->close();
    if (broadcast_) broadcast_->close();
}

}  // namespace p2pdist::net
