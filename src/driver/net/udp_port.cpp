#include "net/udp_port.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <asio/error.hpp>
#include <asio/ip/v6_only.hpp>

#include "net/port_holder.hpp"

namespace p2pdist::net {

asio::ip::address to_asio(const ip_address& value) {
    if (value.is_v4()) return asio::ip::address_v4(value.v4_value());
    asio::ip::address_v6::bytes_type raw;
    std::ranges::copy(value.network_bytes(), raw.begin());
    return asio::ip::address_v6(raw);
}

asio::ip::udp::endpoint to_asio(const endpoint& value) { return {to_asio(value.address), value.port}; }

endpoint from_asio(const asio::ip::udp::endpoint& value) {
    if (value.address().is_v4()) return {ip_address::v4(value.address().to_v4().to_uint()), value.port()};
    return {ip_address::v6(value.address().to_v6().to_bytes()), value.port()};
}

time_point monotonic_now() {
    return time_point{std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

wall_time wall_now() {
    return {std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

udp_port::udp_port(const asio::any_io_executor& executor, const endpoint& local) : socket_(executor), local_(local) {}

result<std::unique_ptr<udp_port>> udp_port::open(const asio::any_io_executor& executor, const endpoint& local, udp_port_options options) {
    std::unique_ptr<udp_port> port(new udp_port(executor, local));
    auto& socket = port->socket_;
    const auto where = to_asio(local);
    std::error_code failure;
    socket.open(where.protocol(), failure);
    if (failure) return {errc::io_failed, "cannot open a UDP socket: " + failure.message()};
    if (local.address.address_family() == ip_address::family::v6) socket.set_option(asio::ip::v6_only(true), failure);
    if (options.shared_broadcast) socket.set_option(asio::socket_base::reuse_address(true), failure);
    socket.set_option(asio::socket_base::broadcast(true), failure);
    // Errors are not looked at: the system may grant less, and granted_receive_buffer_bytes() tells.
    socket.set_option(asio::socket_base::receive_buffer_size(options.buffer_bytes), failure);
    socket.set_option(asio::socket_base::send_buffer_size(options.buffer_bytes), failure);
    socket.bind(where, failure);
    if (failure == asio::error::address_in_use) {
        return {errc::port_in_use, "UDP port " + local.to_string() + " is in use" + describe_port_holder(local) +
                                       ": stop that program, bind another address (--bind; in a program core.address or bind) or move the port "
                                       "block (--ports; in a program `ports`)"};
    }
    if (failure) return {errc::io_failed, "cannot bind UDP " + local.to_string() + ": " + failure.message()};
    socket.non_blocking(true, failure);
    if (failure) return {errc::io_failed, "cannot make UDP " + local.to_string() + " non-blocking: " + failure.message()};
    port->io_ = options.plain ? make_plain_udp_io() : make_quick_udp_io();
    port->io_->prepare(socket);
    return port;
}

void udp_port::start(datagram_sink sink, std::function<void()> after_batch) {
    sink_ = std::move(sink);
    after_batch_ = std::move(after_batch);
    wait_readable();
}

void udp_port::wait_readable() {
    socket_.async_wait(asio::socket_base::wait_read, [this, alive = std::weak_ptr(alive_)](std::error_code failure) {
        if (failure == asio::error::operation_aborted || alive.expired() || !socket_.is_open()) return;
        constexpr int datagrams_a_turn = 256;  // then other sockets and timers get theirs
        const auto go_on = [&] {
            if (!alive.expired() && socket_.is_open()) wait_readable();
        };
        try {
            if (!failure) io_->receive(socket_, local_, sink_, datagrams_a_turn);
            after_batch_();  // may close or destroy this port
        } catch (...) {
            go_on();
            throw;
        }
        go_on();
    });
}

void udp_port::send(send_datagram&& datagram) {
    queue_.push_back(std::move(datagram));
    if (queue_.size() > limits::udp_queue_datagrams_max) {
        queue_.pop_front();
        ++dropped_;
    }
}

void udp_port::flush() {
    if (waiting_writable_ || queue_.empty() || !socket_.is_open()) return;
    io_->send(socket_, queue_);
    if (!queue_.empty()) wait_writable();
}

void udp_port::wait_writable() {
    waiting_writable_ = true;
    socket_.async_wait(asio::socket_base::wait_write, [this, alive = std::weak_ptr(alive_)](std::error_code failure) {
        if (failure == asio::error::operation_aborted || alive.expired() || !socket_.is_open()) return;
        waiting_writable_ = false;
        flush();
    });
}

void udp_port::close() {
    std::error_code ignored;
    socket_.close(ignored);
}

int udp_port::granted_receive_buffer_bytes() const {
    asio::socket_base::receive_buffer_size granted;
    std::error_code failure;
    socket_.get_option(granted, failure);
    return failure ? 0 : granted.value();
}

}  // namespace p2pdist::net
