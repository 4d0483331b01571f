#pragma once
// A network of five subnets in four offices, and hosts that keep what they get.

#include <memory>
#include <string>
#include <vector>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/network.hpp"

namespace small_network {

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

/// Keeps what comes, and answers a datagram that starts with '?'.
struct dummy final : host {
    struct arrival {
        time_point at;
        endpoint from;
        std::string text;
    };
    void on_arrival(time_point now, const endpoint& from, const endpoint& local, byte_span payload, std::uint8_t) override {
        got.push_back({now, from, std::string(as_text(payload))});
        if (payload.empty() || payload[0] != '?') return;
        send_datagram answer;
        answer.from_port = local.port;
        answer.to = from;
        answer.header = to_bytes(as_bytes("!"));
        net->send(self, std::move(answer));
    }
    bool is_up() const noexcept override { return up; }

    network* net = nullptr;
    host_index self;
    bool up = true;
    std::vector<arrival> got;
};

inline topology offices() {
    return *parse_spreadsheet(
        "Office,Type,Parent,Subnet\n"
        "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/24\n"
        "Central,Default,,10.0.0.0/24\n"
        "Boston,Default,Central,10.1.0.0/24\n"
        "Boston,,,10.1.1.0/24\n"
        "Delft,Default,Central,10.2.0.0/24\n");
}

struct fixture {
    explicit fixture(network_options options = {}) : net(queue, record, offices(), std::move(options)) {}

    dummy& add(const char* address) {
        hosts.push_back(std::make_unique<dummy>());
        auto& made = *hosts.back();
        made.net = &net;
        made.self = net.attach(made, ip_address::parse(address).value(), 24).value();
        return made;
    }
    void send(const dummy& from, const char* to, const std::string& text, bool broadcast = false) {
        send_datagram out;
        out.from_port = 1000;
        out.to = {ip_address::parse(to).value(), 2000};
        out.header = to_bytes(as_bytes(text.substr(0, 1)));
        const auto rest = std::make_shared<const bytes>(to_bytes(as_bytes(std::string_view(text).substr(1))));
        out.payload = rest;
        out.broadcast = broadcast;
        net.send(from.self, std::move(out));
    }
    void run() { while (queue.step()) {} }

    event_queue queue;
    trace record;
    network net;
    std::vector<std::unique_ptr<dummy>> hosts;
};

inline network_options exact() {
    network_options options;
    options.wifi.reset();
    options.lan = {};
    options.lan.bytes_per_second = 1'000'000;
    options.lan.delay = 10us;
    options.wan_down = options.wan_up = {};
    options.wan_down.bytes_per_second = 100'000;
    options.wan_down.delay = 5ms;
    options.wan_up.bytes_per_second = 50'000;
    options.wan_up.delay = 7ms;
    return options;
}

}  // namespace small_network
