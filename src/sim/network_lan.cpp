// The inside of an office: access lines, broadcasts, and the air of a Wi-Fi.

#include "network_parts.hpp"
#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {

void network::add_air(std::uint32_t at) {
    const auto& office = topology_.offices()[at];
    if (office.type != office_type::wifi) return;
    const auto found = options_.offices.find(office.name);
    const bool own = found != options_.offices.end();
    if (own && found->second.wired) return;
    const auto& settings = own && found->second.wifi ? found->second.wifi : options_.wifi;
    if (settings) sites_[at]->wireless = std::make_unique<air>(*settings, options_.seed ^ (at + 0x616972));
}

const air_counters& network::air_of(const std::string& office) const {
    const auto& wireless = sites_[site_named(office)]->wireless;
    P2PDIST_ASSERT(wireless);
    return wireless->counters();
}

/// Over the access line of a host, and in a Wi-Fi through the air first.
void network::to_access_line(time_point now, std::uint32_t which, way& over, std::uint32_t station, std::uint32_t receiver) {
    auto& what = flights_[which];
    const auto at = what.at;
    auto* wireless = sites_[at]->wireless.get();
    if (!wireless) return pass(now, which, over);
    auto due = never;
    if (wireless->offer(now, station, {which, what.ip_bytes, receiver}, due)) return queue_.at(due, *this, air_event | at);
    drop(now, what, over.name, to_string(link_passage::fate::queue_full));
    release(which);
}

void network::air_is_free(time_point now, std::uint32_t at) {
    std::vector<std::uint32_t> done;
    const auto next = sites_[at]->wireless->finish(now, done);
    queue_.at(next, *this, air_event | at);
    for (const auto each : done) land(now, each);
}

/// It has come through the air: the rest of its way is what an access line has beside a rate.
void network::land(time_point now, std::uint32_t which) {
    const auto& what = flights_[which];
    switch (what.where) {
        case flight::stage::broadcast: return fan_out(now, which);
        case flight::stage::at_host: return pass(now, which, *hosts_[what.receiver]->down);
        case flight::stage::at_router: return pass(now, which, *hosts_[what.sender]->up);
    }
}

/// At the office's switch or access point.
void network::broadcast(time_point now, std::uint32_t which) {
    auto& what = flights_[which];
    what.where = flight::stage::broadcast;
    if (!sites_[what.at]->wireless) return fan_out(now, which);
    to_access_line(now, which, *hosts_[what.sender]->down, air::access_point, air::everybody);
}

/// A broadcast to everybody in the LAN that it is meant for.
void network::fan_out(time_point now, std::uint32_t which) {
    const auto origin = flights_[which].sender;
    const auto net = hosts_[origin]->net;
    const bool moved = hosts_[origin]->stay != flights_[which].sender_stay;   // while it was on its access line
    for (const auto other : sites_[flights_[which].at]->hosts) {
        if (moved || other == origin || hosts_[other]->net != net || flights_[which].datagram.to.address != net.broadcast()) continue;
        if (blocked_hosts_.contains({origin, other})) continue;
        const auto copy = copy_flight(which);
        flights_[copy].where = flight::stage::at_host;
        flights_[copy].receiver = other;
        flights_[copy].receiver_stay = hosts_[other]->stay;
        flights_[copy].known = true;
        ++ledger_.copied;
        pass(now, copy, *hosts_[other]->down);
    }
    ++ledger_.spread;
    release(which);
}

}  // namespace p2pdist::sim
