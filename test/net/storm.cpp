// storm record FILE                                        writes the UDP datagrams of this network namespace to FILE until it is ended
// storm send FILE ADDRESS COUNT DATAGRAMS_A_SECOND PORT... sends COUNT datagrams to each port: random ones, and truncated, bit-flipped
//                                                          and replayed ones of FILE; says what came back
// For test/net/storm_test.sh. Linux only: it records with a packet socket.

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using bytes = std::vector<std::uint8_t>;

struct recorded {
    std::uint16_t port = 0;  // that it went to
    bytes data;
};

volatile std::sig_atomic_t ended = 0;

int record(const char* file) {
    const int socket_ = ::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
    if (socket_ < 0) return perror("packet socket"), 1;
    struct sigaction act{};
    act.sa_handler = [](int) { ended = 1; };
    sigaction(SIGTERM, &act, nullptr);
    std::ofstream out(file, std::ios::binary);
    std::map<std::pair<std::uint16_t, std::uint8_t>, int> taken;
    constexpr int of_each_kind = 200;
    std::array<std::uint8_t, 65536> packet;
    while (ended == 0) {
        const auto got = recv(socket_, packet.data(), packet.size(), 0);
        if (got < static_cast<ssize_t>(sizeof(iphdr) + sizeof(udphdr))) continue;
        const auto header = static_cast<std::size_t>(packet[0] & 15) * 4;
        if (packet[9] != IPPROTO_UDP || header + sizeof(udphdr) >= static_cast<std::size_t>(got)) continue;
        udphdr udp;
        std::memcpy(&udp, packet.data() + header, sizeof udp);
        const auto begin = header + sizeof udp;
        const auto size = static_cast<std::uint16_t>(static_cast<std::size_t>(got) - begin);
        const auto port = ntohs(udp.uh_dport);
        if (++taken[{port, packet[begin]}] > of_each_kind) continue;
        out.write(reinterpret_cast<const char*>(&port), sizeof port).write(reinterpret_cast<const char*>(&size), sizeof size);
        out.write(reinterpret_cast<const char*>(packet.data() + begin), size);
    }
    return 0;
}

std::vector<recorded> read_tape(const char* file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<recorded> tape;
    std::uint16_t port = 0, size = 0;
    while (in.read(reinterpret_cast<char*>(&port), sizeof port) && in.read(reinterpret_cast<char*>(&size), sizeof size)) {
        tape.push_back({port, bytes(size)});
        in.read(reinterpret_cast<char*>(tape.back().data.data()), size);
    }
    return tape;
}

class sender {
public:
    sender(std::vector<recorded> tape, in_addr to) : tape_(std::move(tape)), to_(to) {
        for (auto& one : sockets_) {
            one.handle = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
            const int room = 4 << 20;
            setsockopt(one.handle, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        }
    }
    ~sender() {
        for (const auto& one : sockets_) close(one.handle);
    }
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;

    void send(std::uint16_t port, long count, long rate) {
        const auto begin = std::chrono::steady_clock::now();
        for (long i = 0; i < count; ++i) {
            if (i % 64 == 0) {
                listen();
                std::this_thread::sleep_until(begin + std::chrono::microseconds(i * 1'000'000 / rate));
            }
            auto& from = sockets_[random_() % sockets_.size()];
            const auto data = make(port);
            sockaddr_in where{};
            where.sin_family = AF_INET;
            where.sin_addr = to_;
            where.sin_port = htons(port);
            if (sendto(from.handle, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&where), sizeof where) >= 0) {
                from.sent += data.size();
                ++datagrams_;
            }
        }
    }
    void listen() {
        std::array<char, 65536> room;
        for (auto& one : sockets_) {
            for (ssize_t got; (got = recv(one.handle, room.data(), room.size(), 0)) >= 0 || errno == ECONNREFUSED;) {
                if (got >= 0) one.received += static_cast<std::uint64_t>(got);
                if (got >= 0) ++answers_;
            }
        }
    }
    /// Whether every source got at most what it sent.
    bool report() const {
        std::uint64_t sent = 0, received = 0;
        bool fair = true;
        for (const auto& one : sockets_) {
            sent += one.sent;
            received += one.received;
            fair = fair && one.received <= one.sent;
        }
        std::cout << "sent " << datagrams_ << " datagrams, " << sent << " B; came back " << answers_ << " datagrams, " << received
                  << " B\n";
        return fair;
    }

private:
    struct source {
        int handle = -1;
        std::uint64_t sent = 0, received = 0;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    bytes make(std::uint16_t port) {
        const auto kind = below(7);
        if (kind == 0 || tape_.empty()) {
            bytes out(below(1201));
            for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
            if (!out.empty() && below(4) != 0) out[0] = static_cast<std::uint8_t>(below(2) != 0 ? 0x40 + below(0x12) : 20 + below(44));
            return out;
        }
        const auto* from = &tape_[below(tape_.size())];
        for (int tries = 0; tries < 8 && kind > 2 && from->port != port; ++tries) from = &tape_[below(tape_.size())];
        auto data = from->data;
        if (kind == 1 || kind == 4) data.resize(below(data.size() + 1));
        if (kind == 2 || kind == 5) {
            for (auto flips = 1 + below(8); flips > 0 && !data.empty(); --flips) {
                const auto bit = below(data.size() * 8);
                data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ 1u << bit % 8);
            }
        }
        return data;
    }

    std::vector<recorded> tape_;
    in_addr to_;
    std::array<source, 32> sockets_;
    std::mt19937 random_{4711};
    std::uint64_t datagrams_ = 0, answers_ = 0;
};

int send(int count, char** words) {
    in_addr to{};
    if (inet_pton(AF_INET, words[1], &to) != 1) return 2;
    sender out(read_tape(words[0]), to);
    for (int i = 4; i < count; ++i) out.send(static_cast<std::uint16_t>(std::atoi(words[i])), std::atol(words[2]), std::atol(words[3]));
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        out.listen();
    }
    return out.report() ? 0 : 3;
}

}  // namespace

int main(int count, char** words) {
    if (count == 3 && std::string(words[1]) == "record") return record(words[2]);
    if (count >= 7 && std::string(words[1]) == "send") return send(count - 2, words + 2);
    std::cerr << "usage: storm record FILE | storm send FILE ADDRESS COUNT DATAGRAMS_A_SECOND PORT...\n";
    return 2;
}
