#pragma once
// What a network is made of.

#include "air.hpp"
#include "p2pdist/sim/network.hpp"
#include "rivals.hpp"

namespace p2pdist::sim {

/// One direction of a line, its name in the trace, and its number in lines_.
struct network::way {
    link_model model;
    std::string name;
    std::uint32_t number;
};

/// An office, or a client that is in none: a router with a LAN, and a line to the parent's router.
struct network::site {
    std::string name;
    std::optional<std::uint32_t> parent;
    std::vector<std::uint32_t> path;   // from the central office to here, both included
    std::vector<std::uint32_t> hosts;
    std::unique_ptr<way> down, up;
    std::unique_ptr<air> wireless;     // of a Wi-Fi office
};

struct network::attached_host {
    host* who;
    ip_address address;
    subnet net;
    std::uint32_t at = 0;
    std::unique_ptr<way> up, down;   // both of the name of its address
    std::uint32_t stay = 0;          // counts the places it was plugged in
    bool plugged = false;
};

/// A datagram on its way.
struct network::flight {
    enum class stage : std::uint8_t { at_router, broadcast, at_host };
    send_datagram datagram;
    endpoint from;
    std::uint32_t sender = 0;
    std::uint32_t receiver = 0;
    std::uint32_t sender_stay = 0, receiver_stay = 0;   // where they were when it was sent
    std::uint32_t at = 0;   // the site whose router it comes to
    stage where = stage::at_router;
    bool known = false;     // the receiver is
    bool rival = false;     // no datagram, but rivalry::cargo of the same number
    cargo carries = cargo::control;
    std::uint64_t ip_bytes = 0;
    std::uint64_t flow = 0;   // of a rival's
};

// Of on_event's argument: the rest is a line's number or a site's, else a flight's.
inline constexpr std::uint64_t line_event = std::uint64_t{1} << 32, air_event = std::uint64_t{1} << 33;

/// The rivals, and what of theirs is under way, by the number of its flight.
struct network::rivalry {
    rivalry(event_queue& queue, rivals::carrier carry) : actors(queue, std::move(carry)) {}

    rivals actors;
    std::vector<rival_packet> cargo;
};

}  // namespace p2pdist::sim
