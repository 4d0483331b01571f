// Rivals on a network: where they are plugged in, and how their packets travel.

#include "network_parts.hpp"

namespace p2pdist::sim {

/// A machine of the rival's own, without an address: nobody but the rival sends to it.
std::uint32_t network::place_of(const rival_end& end) {
    if (end.host) return end.host->value;
    const auto index = static_cast<std::uint32_t>(hosts_.size());
    const auto at = site_named(end.office);
    const auto name = end.office + " rival " + std::to_string(index);
    hosts_.push_back(std::make_unique<attached_host>(attached_host{nullptr, {}, {}, at, make_way(name, lan_of(at)), make_way(name, lan_of(at))}));
    hosts_.back()->plugged = true;
    return index;
}

rival_index network::add_rival(const rival_options& what) {
    if (!rivalry_) rivalry_ = std::make_unique<rivalry>(queue_, [this](const rival_transmission& each) { carry(each); });
    const auto from = place_of(what.from);
    return rivalry_->actors.add(what, from, place_of(what.to));
}

void network::stop_rival(rival_index which) { rivalry_->actors.stop(which); }
rival_report network::rival(rival_index which) const { return rivalry_->actors.report(which); }

void network::carry(const rival_transmission& what) {
    auto& origin = *hosts_[what.from];
    if (!origin.plugged || (!(blocked_hosts_.empty() && blocked_sites_.empty()) && blocked(what.from, what.to))) return;
    const auto which = take_flight();
    ++ledger_.injected;
    rivalry_->cargo.resize(flights_.size());
    rivalry_->cargo[which] = what.packet;
    auto& made = flights_[which];
    made.datagram = {};
    made.datagram.ecn = what.ecn;
    made.sender = what.from;
    made.receiver = what.to;
    made.sender_stay = origin.stay;
    made.receiver_stay = hosts_[what.to]->stay;
    made.at = origin.at;
    made.where = flight::stage::at_router;
    made.known = made.rival = true;
    made.carries = cargo::foreign;
    made.ip_bytes = what.ip_bytes;
    made.flow = what.flow;
    to_access_line(queue_.now(), which, *origin.up, what.from, air::access_point);
}

}  // namespace p2pdist::sim
