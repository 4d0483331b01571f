// Linux: many datagrams a system call (recvmmsg, sendmmsg), the kernel's receive time, the ECN bits in and the DSCP out.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/udp_port.hpp"

namespace p2pdist::net {
namespace {

constexpr std::size_t batch_max = 64;
constexpr std::size_t slot_bytes = 2048;  // larger datagrams are none of ours: they arrive truncated and are dropped

std::int64_t nanoseconds(const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; }

std::int64_t clock_ns(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return nanoseconds(t);
}

endpoint from_sockaddr(const sockaddr_storage& raw) {
    if (raw.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &raw, sizeof in);
        return {ip_address::v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
    }
    sockaddr_in6 in{};
    std::memcpy(&in, &raw, sizeof in);
    std::array<std::uint8_t, 16> value;
    std::memcpy(value.data(), &in.sin6_addr, value.size());
    return {ip_address::v6(value), ntohs(in.sin6_port)};
}

class linux_udp_io final : public udp_io {
public:
    linux_udp_io() : memory_(batch_max * slot_bytes), control_(batch_max * control_bytes) {}

    void prepare(asio::ip::udp::socket& socket) override {
        const int on = 1;
        const auto fd = socket.native_handle();
        ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        ::setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
    }

    bool receive(asio::ip::udp::socket& socket, const endpoint& local, const datagram_sink& sink, int max) override {
        while (max > 0) {
            std::array<mmsghdr, batch_max> messages{};
            std::array<iovec, batch_max> parts{};
            std::array<sockaddr_storage, batch_max> senders{};
            for (std::size_t i = 0; i < batch_max; ++i) {
                parts[i] = {memory_.data() + i * slot_bytes, slot_bytes};
                messages[i].msg_hdr = {&senders[i], sizeof senders[i], &parts[i], 1, control_.data() + i * control_bytes, control_bytes, 0};
            }
            const auto wanted = static_cast<unsigned>(std::min<std::size_t>(batch_max, static_cast<std::size_t>(max)));
            const int count = ::recvmmsg(socket.native_handle(), messages.data(), wanted, MSG_DONTWAIT, nullptr);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
                --max;  // an ICMP error of an earlier send was reported and is now cleared
                continue;
            }
            if (count <= 0) return true;
            const auto real_to_monotonic = clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_REALTIME);
            for (int i = 0; i < count; ++i) {
                const auto& message = messages[static_cast<std::size_t>(i)];
                if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
                received_datagram datagram{local, from_sockaddr(senders[static_cast<std::size_t>(i)]), monotonic_now(), 0,
                                           byte_span(memory_).subspan(static_cast<std::size_t>(i) * slot_bytes, message.msg_len)};
                read_control(message.msg_hdr, real_to_monotonic, datagram);
                sink(datagram);
            }
            max -= count;
            if (static_cast<unsigned>(count) < wanted) return true;
        }
        return false;
    }

    void send(asio::ip::udp::socket& socket, std::deque<send_datagram>& queue) override {
        while (!queue.empty()) {
            const auto tos = traffic_class(queue.front());
            set_traffic_class(socket, tos);
            std::array<mmsghdr, batch_max> messages{};
            std::array<std::array<iovec, 2>, batch_max> parts{};
            std::array<asio::ip::udp::endpoint, batch_max> targets;
            std::size_t count = 0;
            for (; count < std::min(batch_max, queue.size()) && traffic_class(queue[count]) == tos; ++count) {
                auto& datagram = queue[count];
                targets[count] = to_asio(datagram.to);
                parts[count][0] = {datagram.header.data(), datagram.header.size()};
                parts[count][1] = {const_cast<std::uint8_t*>(datagram.payload.view.data()), datagram.payload.view.size()};
                auto& header = messages[count].msg_hdr;
                header.msg_name = targets[count].data();
                header.msg_namelen = static_cast<socklen_t>(targets[count].size());
                header.msg_iov = parts[count].data();
                header.msg_iovlen = 2;
            }
            int sent = ::sendmmsg(socket.native_handle(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            if (sent <= 0) sent = 1;  // refused for good (no route, an ICMP error): drop the first, as a network would
            queue.erase(queue.begin(), queue.begin() + sent);
        }
    }

private:
    static constexpr std::size_t control_bytes = 128;

    static int traffic_class(const send_datagram& datagram) { return datagram.dscp << 2 | datagram.ecn; }

    void set_traffic_class(asio::ip::udp::socket& socket, int tos) {
        if (tos == tos_) return;
        const bool v4 = socket.local_endpoint().address().is_v4();
        ::setsockopt(socket.native_handle(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos);
        tos_ = tos;
    }

    static void read_control(const msghdr& header, std::int64_t real_to_monotonic, received_datagram& datagram) {
        for (auto* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(const_cast<msghdr*>(&header), item)) {
            if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
                timespec stamp{};
                std::memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
                // The wall clock may be set between the two readings; a receive time in the future would be nonsense.
                const time_point at{duration{nanoseconds(stamp) + real_to_monotonic}};
                if (at < datagram.received_at) datagram.received_at = at;
            } else if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) {
                datagram.ecn = *CMSG_DATA(item) & 3;
            } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_TCLASS) {
                int value = 0;
                std::memcpy(&value, CMSG_DATA(item), sizeof value);
                datagram.ecn = static_cast<std::uint8_t>(value & 3);
            }
        }
    }

    std::vector<std::uint8_t> memory_;
    std::vector<std::uint8_t> control_;
    int tos_ = 0;
};

}  // namespace

std::unique_ptr<udp_io> make_quick_udp_io() { return std::make_unique<linux_udp_io>(); }

}  // namespace p2pdist::net
