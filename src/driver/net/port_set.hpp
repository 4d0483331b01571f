#pragma once
// The sockets of one node: one for each port of its role, all on one address, and one for broadcasts where it takes part in them.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/udp_port.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist::net {

/// The ports that a role binds to its own address; the broadcast port is not among them (it is bound to the broadcast address).
[[nodiscard]] std::vector<std::uint16_t> unicast_ports(const port_plan& plan, role of);

class port_set {
public:
    /// Opens all or none.
    [[nodiscard]] static result<port_set> open(const asio::any_io_executor& executor, const ip_address& address, const std::vector<std::uint16_t>& ports,
                                               const std::optional<endpoint>& broadcast, bool plain);

    void start(const datagram_sink& sink, const std::function<void()>& after_batch);
    /// Hears broadcasts at another address, or at none, from now on; the other sockets stay. After start().
    [[nodiscard]] result<void> move_broadcast(const asio::any_io_executor& executor, const std::optional<endpoint>& broadcast, bool plain,
                                              const datagram_sink& sink, const std::function<void()>& after_batch);
    /// Through the socket of datagram.from_port; dropped where there is none.
    void send(send_datagram&& datagram);
    void flush();
    void close();

private:
    [[nodiscard]] static result<std::unique_ptr<udp_port>> open_broadcast(const asio::any_io_executor& executor, const std::optional<endpoint>& broadcast,
                                                                          bool plain);

    std::map<std::uint16_t, std::unique_ptr<udp_port>> ports_;
    std::unique_ptr<udp_port> broadcast_;
};

}  // namespace p2pdist::net
