// The simulated TCPs beside the kernel's: tcp_lab.sh makes namespaces and lets both use the same line.
//
//   tcp_lab simulate KIND MBITS RTT_MS QUEUE_BYTES SKIP SECONDS LATE_US
//                                                                the actor of that kind alone, on lines that are so late on average; prints
//                                                                "Mbit/s, mean queue in bytes"
//   tcp_lab line MBITS RTT_MS QUEUE_BYTES SKIP SECONDS            a link_model in real time between the TUN devices lineA and lineB, which it
//                                                                makes; prints "ready", then the same two figures and how late it was on
//                                                                average in microseconds, and ends
//   tcp_lab send ADDRESS KIND SECONDS                             bytes to tcp_lab sink, with the kernel's congestion control of that name
//   tcp_lab sink

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/network.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;

namespace {

constexpr std::uint16_t port = 5201;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

duration seconds(double value) { return duration(static_cast<duration::rep>(value * 1e9)); }

struct figures {
    double megabits = 0, round_trip_ms = 0;
    std::uint64_t queue_bytes = 0;
    double skip = 0, length = 0, late = 0;

    explicit figures(char** from)
        : megabits(std::atof(from[0])), round_trip_ms(std::atof(from[1])), queue_bytes(std::strtoull(from[2], nullptr, 10)), skip(std::atof(from[3])),
          length(std::atof(from[4])) {}
    [[nodiscard]] link_settings down() const {
        auto out = up();
        out.bytes_per_second = line(megabits, {}).bytes_per_second;
        out.queue_bytes = queue_bytes;
        return out;
    }
    [[nodiscard]] link_settings up() const {
        auto out = line(1000, seconds(round_trip_ms / 2e3));
        out.jitter = 2 * seconds(late);
        return out;
    }
    void print(const link_counters& before, const link_counters& after) const {
        std::printf("%.3f %.0f ", static_cast<double>(after.carried_bytes - before.carried_bytes) * 8e-6 / length,
                    (after.waited_byte_seconds - before.waited_byte_seconds) / length);
        std::fflush(stdout);
    }
};

int simulate(const char* kind, const figures& what) {
    event_queue queue;
    trace record;
    network_options options;
    options.lan = {};
    options.offices["Branch"].wan_down = what.down();
    options.offices["Branch"].wan_up = what.up();
    network net(queue, record, *parse_spreadsheet("Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\nBranch,Default,Central,10.1.0.0/24\n"), options);
    rival_options rival;
    const auto parsed = parse_rival_kind(kind);
    if (!parsed) return 2;
    rival.kind = *parsed;
    rival.from = {"Central"};
    rival.to = {"Branch"};
    net.add_rival(rival);
    const auto run_until = [&](time_point end) {
        while (queue.next_time() <= end) queue.step();
        queue.advance_to(end);
    };
    run_until(queue.now() + seconds(what.skip));
    const auto before = net.wan_down("Branch").counters();
    run_until(queue.now() + seconds(what.length));
    what.print(before, net.wan_down("Branch").counters());
    std::puts("");
    return 0;
}

time_point now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

int make_tun(const char* name) {
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) fail("TUN");
    return fd;
}

/// Before other programs: a line that is late has another delay, and a receiver that does not read delays its acknowledgements.
void come_first(int priority) {
    sched_param what{};
    what.sched_priority = priority;
    sched_setscheduler(0, SCHED_FIFO, &what);
}

/// One direction: what comes in at a device goes through the model and out at the other.
struct direction {
    link_model model;
    int in, out;
    std::deque<std::pair<time_point, std::vector<char>>> under_way{};
    time_point began{};
    duration late{};
    std::int64_t given = 0;

    void take() {
        char buffer[2048];
        for (ssize_t size; (size = read(in, buffer, sizeof buffer)) > 0;) {
            const auto at = now();
            if (size >= 1000 && began == time_point{}) began = at;
            const auto passage = model.offer(at, static_cast<std::uint64_t>(size));
            if (passage.what == link_passage::fate::carried) under_way.emplace_back(passage.arrives, std::vector<char>(buffer, buffer + size));
        }
    }
    void give() {
        for (; !under_way.empty() && under_way.front().first <= now(); under_way.pop_front()) {
            late += now() - under_way.front().first;
            ++given;
            const auto& data = under_way.front().second;
            if (write(out, data.data(), data.size()) < 0 && errno == EBADF) fail("write");
        }
    }
};

int run_line(const figures& what) {
    const int a = make_tun("lineA"), b = make_tun("lineB");
    come_first(20);
    prctl(PR_SET_TIMERSLACK, 1UL);
    direction down{link_model(what.down(), 1), a, b}, up{link_model(what.up(), 2), b, a};
    std::puts("ready");
    std::fflush(stdout);
    std::optional<link_counters> before;
    for (;;) {
        down.take();
        up.take();
        down.give();
        up.give();
        const auto at = now();
        if (down.began != time_point{} && !before && at >= down.began + seconds(what.skip)) before = down.model.counters();
        if (before && at >= down.began + seconds(what.skip + what.length)) {
            what.print(*before, down.model.counters());
            std::printf("%.0f\n", std::chrono::duration<double, std::micro>(down.late + up.late).count() / static_cast<double>(down.given + up.given));
            return 0;
        }
        auto next = at + std::chrono::milliseconds(20);
        for (const auto* each : {&down, &up}) {
            if (!each->under_way.empty()) next = std::min(next, each->under_way.front().first);
        }
        const auto wait = std::max<duration::rep>(0, (next - now()).count());
        const timespec time{static_cast<time_t>(wait / 1'000'000'000), static_cast<long>(wait % 1'000'000'000)};
        pollfd ends[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        ppoll(ends, 2, &time, nullptr);
    }
}

int send_bytes(const char* address, const char* kind, double length) {
    come_first(10);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kind, static_cast<socklen_t>(std::strlen(kind))) < 0) fail(kind);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, address, &to.sin_addr);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) fail("connect");
    const std::vector<char> zeros(256 * 1024);
    const auto end = now() + seconds(length);
    while (now() < end && send(fd, zeros.data(), zeros.size(), MSG_NOSIGNAL) > 0) {}
    return 0;
}

int sink() {
    come_first(10);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(port);
    if (bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here) < 0 || listen(fd, 1) < 0) fail("bind");
    const int from = accept(fd, nullptr, nullptr);
    std::vector<char> buffer(1 << 20);
    while (recv(from, buffer.data(), buffer.size(), 0) > 0) {}
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    if (what == "simulate" && count == 9) {
        figures line(arguments + 3);
        line.late = std::atof(arguments[8]) * 1e-6;
        return simulate(arguments[2], line);
    }
    if (what == "line" && count == 7) return run_line(figures(arguments + 2));
    if (what == "send" && count == 5) return send_bytes(arguments[2], arguments[3], std::atof(arguments[4]));
    if (what == "sink") return sink();
    std::fputs("tcp_lab is run by tcp_lab.sh\n", stderr);
    return 2;
}
