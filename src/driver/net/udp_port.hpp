#pragma once
// One bound UDP socket: batches in, batches out, never blocking. The quick path of Linux and the plain path of every other system
// stand behind it (posix/udp_io_linux.cpp, net/udp_io_plain.cpp).

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <asio/any_io_executor.hpp>
#include <asio/ip/udp.hpp>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist::net {

[[nodiscard]] asio::ip::udp::endpoint to_asio(const endpoint& value);
[[nodiscard]] endpoint from_asio(const asio::ip::udp::endpoint& value);
[[nodiscard]] asio::ip::address to_asio(const ip_address& value);

/// The driver's clock: the system's monotonic one.
[[nodiscard]] time_point monotonic_now();
[[nodiscard]] wall_time wall_now();

using datagram_sink = std::function<void(const received_datagram&)>;

/// System calls of one socket. Not thread-safe.
class udp_io {
public:
    virtual ~udp_io() = default;
    /// Sets the options that it needs on a socket that was just bound.
    virtual void prepare(asio::ip::udp::socket& socket) = 0;
    /// Receives until the socket is empty or `max` datagrams came; false where there may be more.
    virtual bool receive(asio::ip::udp::socket& socket, const endpoint& local, const datagram_sink& sink, int max) = 0;
    /// Sends from the front of `queue` until it is empty or the socket is full; what the system refuses for good is dropped.
    virtual void send(asio::ip::udp::socket& socket, std::deque<send_datagram>& queue) = 0;
};
[[nodiscard]] std::unique_ptr<udp_io> make_plain_udp_io();
[[nodiscard]] std::unique_ptr<udp_io> make_quick_udp_io();  ///< the plain one where the system has nothing better

struct udp_port_options {
    bool plain = false;              ///< take the plain path
    bool shared_broadcast = false;   ///< several sockets may be bound to this (broadcast) address
    int buffer_bytes = 4 << 20;      ///< asked of the system, for each direction
};

class udp_port {
public:
    /// errc::port_in_use naming the port (and its holder where the system tells), errc::io_failed otherwise.
    [[nodiscard]] static result<std::unique_ptr<udp_port>> open(const asio::any_io_executor& executor, const endpoint& local, udp_port_options options);

    /// Calls `sink` for every datagram that arrives, then `after_batch`, until close(). What they throw ends the batch, and no more.
    void start(datagram_sink sink, std::function<void()> after_batch);
    /// Queues and sends what the socket takes; the rest waits, at most limits::udp_queue_datagrams_max, beyond that the oldest is dropped.
    void send(send_datagram&& datagram);
    void flush();
    void close();

    [[nodiscard]] const endpoint& local() const noexcept { return local_; }
    [[nodiscard]] int granted_receive_buffer_bytes() const;
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

private:
    udp_port(const asio::any_io_executor& executor, const endpoint& local);
    void wait_readable();
    void wait_writable();

    asio::ip::udp::socket socket_;
    endpoint local_;
    std::unique_ptr<udp_io> io_;
    datagram_sink sink_;
    std::function<void()> after_batch_;
    std::deque<send_datagram> queue_;
    bool waiting_writable_ = false;
    std::uint64_t dropped_ = 0;
    std::shared_ptr<char> alive_ = std::make_shared<char>();  // a completion that was queued already may come after the port's end
};

}  // namespace p2pdist::net
