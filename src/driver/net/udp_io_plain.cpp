// The plain path: one datagram a call, by Asio alone. Works on every system; no kernel timestamps, no ECN.

#include <array>

#include <asio/buffer.hpp>
#include <asio/error.hpp>

#include "net/udp_port.hpp"

namespace p2pdist::net {
namespace {

class plain_udp_io final : public udp_io {
public:
    void prepare(asio::ip::udp::socket&) override {}

    bool receive(asio::ip::udp::socket& socket, const endpoint& local, const datagram_sink& sink, int max) override {
        for (int i = 0; i < max; ++i) {
            asio::ip::udp::endpoint from;
            std::error_code failure;
            const auto size = socket.receive_from(asio::buffer(buffer_), from, 0, failure);
            if (failure == asio::error::would_block || failure == asio::error::try_again) return true;
            if (failure) continue;  // e.g. an ICMP error of an earlier send
            sink({local, from_asio(from), monotonic_now(), 0, byte_span(buffer_).first(size)});
        }
        return false;
    }

    void send(asio::ip::udp::socket& socket, std::deque<send_datagram>& queue) override {
        while (!queue.empty()) {
            const auto& datagram = queue.front();
            const std::array parts{asio::buffer(datagram.header), asio::buffer(datagram.payload.view.data(), datagram.payload.view.size())};
            std::error_code failure;
            socket.send_to(parts, to_asio(datagram.to), 0, failure);
            if (failure == asio::error::would_block || failure == asio::error::try_again) return;
            queue.pop_front();
        }
    }

private:
    std::array<std::uint8_t, limits::datagram_bytes_receive_max> buffer_;
};

}  // namespace

std::unique_ptr<udp_io> make_plain_udp_io() { return std::make_unique<plain_udp_io>(); }

#ifndef __linux__
std::unique_ptr<udp_io> make_quick_udp_io() { return make_plain_udp_io(); }
#endif

}  // namespace p2pdist::net
