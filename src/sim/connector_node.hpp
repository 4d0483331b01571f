#pragma once
// The management side: connector_core and its end of the channel.

#include <map>

#include "node.hpp"
#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist::sim {

/// connector_core takes records instead of datagrams; this gives it the shape that node<> drives.
class connector_driver {
public:
    explicit connector_driver(connector_core core) : core_(std::move(core)) {}
    connector_core& operator*() noexcept { return core_; }

    void on_datagram(time_point, const received_datagram&) {}   // all that comes is the channel's
    void on_timer(time_point now) { core_.on_timer(now); }
    [[nodiscard]] std::optional<connector_output> poll(time_point now) { return core_.poll(now); }
    [[nodiscard]] time_point deadline() const { return core_.deadline(); }

private:
    connector_core core_;
};

class connector_node final : public node<connector_node, connector_driver> {
public:
    connector_node(surroundings& around, const ip_address& address, int prefix_bits, endpoint server, port_plan ports, std::uint64_t seed);

    void start();
    [[nodiscard]] connector_handle request(message_body body);
    /// Takes the outcome of a request that has one.
    [[nodiscard]] std::optional<result<message_body>> take_outcome(connector_handle which);
    [[nodiscard]] bool has_outcome(connector_handle which) const { return outcomes_.contains(which); }

    void perform(time_point here, connector_record&& record);
    void perform(time_point here, connector_answer&& answer);
    void perform(time_point here, connector_failure&& failed);
    void on_work(time_point here, std::uint8_t what, std::uint64_t argument);
    [[nodiscard]] bool take(time_point here, const endpoint& from, byte_span payload);

private:
    enum kind : std::uint8_t { open_again = 1 };

    void open();
    void send_frame(bytes frame);

    endpoint server_;
    port_plan ports_;
    std::uint64_t nonce_ = 0;
    bool opened_ = false;
    std::map<connector_handle, result<message_body>> outcomes_;
};

}  // namespace p2pdist::sim
