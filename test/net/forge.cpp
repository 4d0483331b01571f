// forge SEEN_IN GIVEN_IN DATAGRAMS_A_SECOND   watches the data frames that pass through the network namespaces SEEN_IN and GIVEN_IN, and
//                                             puts forged ones into GIVEN_IN under their senders' addresses, until it is ended; says
//                                             how many
// For test/net/forgery_test.sh. A forger who sees everything has each frame's header and tag, and alters what they don't cover. Linux only.

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
#include <string>

namespace {

constexpr std::uint8_t data_frame = 0x50, strict_data_frame = 0x51;   // docs/wire-format.md
constexpr std::size_t proven_bytes = 28;    // header and tag

volatile std::sig_atomic_t ended = 0;

void enter(const std::string& space) {
    const int file = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || setns(file, CLONE_NEWNET) != 0) {
        perror(space.c_str());
        std::exit(1);
    }
    close(file);
}

/// A socket that sees all frames of the present namespace.
int watcher() {
    const int out = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    if (out < 0) {
        perror("packet socket");
        std::exit(1);
    }
    const int room = 8 << 20;
    setsockopt(out, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return out;
}

class forger {
public:
    forger(int out, double a_second) : out_(out), a_second_(a_second), last_(std::chrono::steady_clock::now()) {}

    void see(std::uint8_t* packet, std::size_t size) {
        const auto header = static_cast<std::size_t>(packet[0] & 15) * 4;
        if (size < header + sizeof(udphdr) + proven_bytes + 1 || packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP) return;
        auto* const frame = packet + header + sizeof(udphdr);
        if ((frame[0] != data_frame && frame[0] != strict_data_frame) || !allowed()) return;
        for (auto* byte = frame + proven_bytes; byte < packet + size; ++byte) *byte = static_cast<std::uint8_t>(random_());
        packet[header + 6] = packet[header + 7] = 0;   // no UDP checksum
        sockaddr_in to{};
        to.sin_family = AF_INET;
        std::memcpy(&to.sin_addr, packet + 16, sizeof to.sin_addr);
        if (sendto(out_, packet, size, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) > 0) ++forged_;
    }
    [[nodiscard]] std::uint64_t forged() const { return forged_; }

private:
    bool allowed() {
        const auto now = std::chrono::steady_clock::now();
        allowance_ = std::min(20.0, allowance_ + a_second_ * std::chrono::duration<double>(now - last_).count());
        last_ = now;
        if (allowance_ < 1) return false;
        allowance_ -= 1;
        return true;
    }

    int out_;
    double a_second_, allowance_ = 0;
    std::chrono::steady_clock::time_point last_;
    std::mt19937_64 random_{1};
    std::uint64_t forged_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: forge SEEN_IN GIVEN_IN DATAGRAMS_A_SECOND\n";
        return 2;
    }
    struct sigaction act {};
    act.sa_handler = [](int) { ended = 1; };
    sigaction(SIGTERM, &act, nullptr);
    enter(argv[1]);
    const int far = watcher();
    enter(argv[2]);
    const int near = watcher();
    const int out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);   // with our own IP header
    if (out < 0) return perror("raw socket"), 1;
    forger attacker(out, std::atof(argv[3]));
    std::array<pollfd, 2> doors{pollfd{far, POLLIN, 0}, pollfd{near, POLLIN, 0}};
    std::array<std::uint8_t, 65536> packet;
    while (ended == 0) {
        if (poll(doors.data(), doors.size(), 100) <= 0) continue;
        for (const auto& each : doors) {
            if ((each.revents & POLLIN) == 0) continue;
            const auto got = recv(each.fd, packet.data(), packet.size(), MSG_DONTWAIT);
            if (got > static_cast<ssize_t>(sizeof(iphdr))) attacker.see(packet.data(), static_cast<std::size_t>(got));
        }
    }
    std::cout << attacker.forged() << '\n';
    return 0;
}
