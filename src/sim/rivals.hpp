#pragma once
// The rivals of one network: their connections, pages and timers.

#include <functional>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/sim/event_queue.hpp"
#include "p2pdist/sim/rival.hpp"
#include "tcp_receiver.hpp"
#include "tcp_sender.hpp"

namespace p2pdist::sim {

/// What a rival's packet is, beside its length.
struct rival_packet {
    enum class kind : std::uint8_t { hello, hello_answer, request, data, acknowledgement, datagram };
    kind what = kind::datagram;
    std::uint32_t slot = 0;      // of the connection, or the actor of a datagram
    std::uint32_t life = 0;      // of the slot
    std::uint64_t number = 0;
    time_point sent{};
    tcp_ack ack;
};

/// A packet from one host's place to another's.
struct rival_transmission {
    std::uint32_t from = 0, to = 0;
    std::uint64_t ip_bytes = 0;
    std::uint8_t ecn = 0;
    std::uint64_t flow = 0;
    rival_packet packet;
};

class rivals final : private event_handler {
public:
    using carrier = std::function<void(const rival_transmission&)>;

    rivals(event_queue& queue, carrier carry) : queue_(queue), carry_(std::move(carry)) {}

    rival_index add(const rival_options& what, std::uint32_t from, std::uint32_t to);
    void stop(rival_index which);
    void arrive(time_point now, const rival_packet& what, std::uint8_t ecn);
    [[nodiscard]] rival_report report(rival_index which) const;

private:
    struct actor {
        rival_options options;
        std::uint32_t from = 0, to = 0;
        random_source random{1};
        rival_report report;         // of what is over, and of datagrams
        bool running = false;
        std::uint64_t next_number = 0, expected = 0;
        time_point on_until{};
    };
    struct page {
        std::size_t owner = 0;
        time_point began{};
        int open = 0;
    };
    struct connection {
        std::size_t owner = 0;
        std::optional<std::size_t> of_page;
        std::uint64_t segments = 0;
        std::optional<tcp_sender> sender;      // once it was asked
        tcp_receiver receiver;
        time_point answered_at{};
        time_point hello_due = never;
        time_point armed_for = never;
        std::uint32_t life = 0;
        bool open = false;
        bool answered = false;
    };
    enum event : std::uint8_t { begin = 0, end, next_datagram, next_page, timer };

    void on_event(time_point now, std::uint64_t what) override;
    void schedule(time_point when, event what, std::size_t which, std::uint32_t life = 0);
    void begin_actor(time_point now, std::size_t which);
    void send_datagram(time_point now, std::size_t which);
    void open_page(time_point now, std::size_t which);
    void open(time_point now, std::size_t owner, std::uint64_t bytes, std::optional<std::size_t> of_page);
    void close(time_point now, std::size_t slot);
    void greet(time_point now, std::size_t slot);
    void on_timer(time_point now, std::size_t slot);
    void serve(time_point now, std::size_t slot);
    void acknowledge(time_point now, std::size_t slot, const tcp_ack& ack);
    void pump(time_point now, std::size_t slot);
    void arm(std::size_t slot);
    void send(bool forward, std::size_t slot, std::uint64_t ip_bytes, std::uint8_t ecn, rival_packet packet);
    void take_data(time_point now, const rival_packet& what, std::uint8_t ecn);
    void take_datagram(time_point now, const rival_packet& what);

    event_queue& queue_;
    carrier carry_;
    std::vector<actor> actors_;
    std::vector<connection> connections_;
    std::vector<std::size_t> free_connections_;
    std::vector<page> pages_;
    std::vector<std::size_t> free_pages_;
};

}  // namespace p2pdist::sim
