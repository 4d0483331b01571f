#include "dtls/datagram_bio.hpp"

#include <algorithm>
#include <cstring>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

datagram_queues& queues_of(BIO* bio) { return *static_cast<datagram_queues*>(BIO_get_data(bio)); }

int on_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto* first = reinterpret_cast<const std::uint8_t*>(data);
    queues_of(bio).outgoing.emplace_back(first, first + size);
    return size;
}

int on_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    auto& queues = queues_of(bio);
    while (!queues.incoming.empty() && queues.incoming.front().empty()) queues.incoming.pop_front();   // nothing to read, but no end either
    if (queues.incoming.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const auto& datagram = queues.incoming.front();
    const auto count = std::min(datagram.size(), static_cast<std::size_t>(size));
    std::memcpy(data, datagram.data(), count);
    if (!queues.peek) queues.incoming.pop_front();
    return static_cast<int>(count);
}

long on_control(BIO* bio, int command, long number, void*) {
    constexpr long ip_and_udp_bytes = 48;
    switch (command) {
        case BIO_CTRL_FLUSH: return 1;
        case BIO_CTRL_DGRAM_SET_PEEK_MODE: queues_of(bio).peek = number != 0; return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return static_cast<long>(limits::datagram_bytes_max);
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return ip_and_udp_bytes;
        default: return 0;
    }
}

BIO_METHOD* method() {
    static BIO_METHOD* const shared = [] {
        auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram queues");
        BIO_meth_set_write(made, on_write);
        BIO_meth_set_read(made, on_read);
        BIO_meth_set_ctrl(made, on_control);
        return made;
    }();
    return shared;
}

}  // namespace

BIO* make_datagram_bio(datagram_queues& queues) {
    auto* bio = BIO_new(method());
    BIO_set_data(bio, &queues);
    BIO_set_init(bio, 1);
    return bio;
}

}  // namespace p2pdist
