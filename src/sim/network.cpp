#include "p2pdist/sim/network.hpp"

#include <utility>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {
namespace {

bool carries_data(const send_datagram& datagram) {
    const auto type = frame_type_of(datagram.header);
    return type == frame_type::data || type == frame_type::data_strict;
}

}  // namespace

/// An office, or a client that is in none: a router with a LAN, and a line to the parent's router.
struct network::site {
    std::string name, down_name, up_name;
    std::optional<std::uint32_t> parent;
    std::vector<std::uint32_t> path;   // from the central office to here, both included
    std::vector<std::uint32_t> hosts;
    link_model down, up;
};

struct network::attached_host {
    host* who;
    ip_address address;
    subnet net;
    std::uint32_t at;
    std::string name;
    link_model up, down;
};

/// A datagram on its way.
struct network::flight {
    enum class stage : std::uint8_t { waiting, at_router, at_host };
    send_datagram datagram;
    endpoint from;
    std::uint32_t sender = 0;
    std::uint32_t receiver = 0;
    std::uint32_t at = 0;   // the site whose router it comes to
    stage where = stage::waiting;
    bool known = false;     // the receiver is
};

network::network(event_queue& queue, trace& record, topology offices, network_options options)
    : queue_(queue), trace_(record), topology_(std::move(offices)), options_(std::move(options)), link_seed_(options_.seed) {
    for (const auto& each : topology_.offices()) site_names_.emplace(each.name, static_cast<std::uint32_t>(site_names_.size()));
    std::vector<std::uint32_t> order(topology_.size());
    for (std::uint32_t i = 0; i < topology_.size(); ++i) {
        const auto above = topology_.parent(office_index{i});
        site_names_[topology_.offices()[i].name] = add_site(topology_.offices()[i].name, above ? std::optional(above->value) : std::nullopt);
    }
    // Rows come in any order: paths are made when all parents are there.
    for (std::uint32_t i = 0; i < topology_.size(); ++i) {
        const auto path = topology_.path_to_central(office_index{i});
        for (auto step = path.rbegin(); step != path.rend(); ++step) sites_[i]->path.push_back(step->value);
    }
}

network::~network() = default;

std::uint32_t network::add_site(std::string name, std::optional<std::uint32_t> parent) {
    const auto found = options_.offices.find(name);
    const auto lines = found == options_.offices.end() ? office_lines{} : found->second;
    const auto index = static_cast<std::uint32_t>(sites_.size());
    auto down_name = name + " down";
    auto up_name = name + " up";
    sites_.push_back(std::make_unique<site>(site{std::move(name), std::move(down_name), std::move(up_name), parent, {}, {},
                                                 link_model(lines.wan_down.value_or(options_.wan_down), ++link_seed_),
                                                 link_model(lines.wan_up.value_or(options_.wan_up), ++link_seed_)}));
    return index;
}

std::uint32_t network::site_of(const ip_address& address) {
    if (const auto office = topology_.office_of(address)) return office->value;
    const auto central = topology_.central().value;
    const auto index = add_site(address.to_string(), central);
    sites_[index]->path = {central, index};
    site_names_[sites_[index]->name] = index;
    return index;
}

result<host_index> network::attach(host& who, const ip_address& address, int prefix_bits) {
    if (addresses_.contains(address)) return {errc::already_exists, "the address " + address.to_string() + " is taken"};
    const auto index = static_cast<std::uint32_t>(hosts_.size());
    const auto at = site_of(address);
    const auto found = options_.offices.find(sites_[at]->name);
    const auto lan = found != options_.offices.end() && found->second.lan ? *found->second.lan : options_.lan;
    hosts_.push_back(std::make_unique<attached_host>(attached_host{&who, address, subnet::of(address, prefix_bits), at, address.to_string(),
                                                                   link_model(lan, ++link_seed_), link_model(lan, ++link_seed_)}));
    sites_[at]->hosts.push_back(index);
    addresses_[address] = index;
    return host_index{index};
}

link_model& network::lan_up(host_index which) { return hosts_[which.value]->up; }
link_model& network::lan_down(host_index which) { return hosts_[which.value]->down; }
const std::string& network::office_of(host_index which) const { return sites_[hosts_[which.value]->at]->name; }

link_model& network::wan_down(const std::string& office) {
    const auto found = site_names_.find(office);
    P2PDIST_ASSERT(found != site_names_.end());
    return sites_[found->second]->down;
}
link_model& network::wan_up(const std::string& office) {
    const auto found = site_names_.find(office);
    P2PDIST_ASSERT(found != site_names_.end());
    return sites_[found->second]->up;
}

std::optional<host_index> network::find(const ip_address& address) const {
    const auto found = addresses_.find(address);
    return found == addresses_.end() ? std::nullopt : std::optional(host_index{found->second});
}

std::uint32_t network::take_flight() {
    if (free_flights_.empty()) {
        flights_.emplace_back();
        return static_cast<std::uint32_t>(flights_.size() - 1);
    }
    const auto which = free_flights_.back();
    free_flights_.pop_back();
    return which;
}

std::uint32_t network::copy_flight(std::uint32_t which) {
    const auto copy = take_flight();
    flights_[copy] = flights_[which];
    return copy;
}

void network::release(std::uint32_t which) noexcept {
    flights_[which].datagram.payload = {};
    free_flights_.push_back(which);
}

void network::send(host_index sender, send_datagram&& datagram) {
    const auto which = take_flight();
    auto& what = flights_[which];
    const auto& origin = *hosts_[sender.value];
    what.from = {origin.address, datagram.from_port};
    what.sender = sender.value;
    what.at = origin.at;
    const auto found = addresses_.find(datagram.to.address);
    what.known = !datagram.broadcast && found != addresses_.end();
    what.receiver = what.known ? found->second : 0;
    what.where = flight::stage::waiting;
    what.datagram = std::move(datagram);
    if (what.datagram.not_before > queue_.now()) queue_.at(what.datagram.not_before, *this, which);
    else depart(queue_.now(), which);
}

void network::inject(const endpoint& from, const endpoint& to, bytes payload) {
    const auto found = addresses_.find(to.address);
    if (found == addresses_.end()) return;
    const auto which = take_flight();
    auto& what = flights_[which];
    what.from = from;
    what.sender = what.receiver = found->second;
    what.at = hosts_[found->second]->at;
    what.known = true;
    what.where = flight::stage::at_host;
    what.datagram = {};
    what.datagram.from_port = from.port;
    what.datagram.to = to;
    what.datagram.header = std::move(payload);
    queue_.at(queue_.now(), *this, which);
}

void network::on_event(time_point now, std::uint64_t what) {
    const auto which = static_cast<std::uint32_t>(what);
    switch (flights_[which].where) {
        case flight::stage::waiting: return depart(now, which);
        case flight::stage::at_router: return at_router(now, which);
        case flight::stage::at_host: return arrive(now, which);
    }
}

datagram_note network::note_of(const flight& what, datagram_note::kind kind, time_point now) const {
    return {kind, now, what.from, what.datagram.to, what.datagram.size(), what.datagram.header, {}, {}, what.datagram.broadcast};
}

void network::tell(const datagram_note& note, const flight& what) {
    trace_.add(note);
    if (watcher_) watcher_({note, host_index{what.sender}, what.known ? std::optional(host_index{what.receiver}) : std::nullopt});
}

void network::drop(time_point now, const flight& what, std::string_view where, std::string_view why) {
    auto note = note_of(what, datagram_note::kind::dropped, now);
    note.where = where;
    note.why = why;
    tell(note, what);
}

/// Offers it to a line, and schedules its arrival at the stage that the flight says already.
void network::pass(time_point now, std::uint32_t which, link_model& over, const std::string& name) {
    auto& what = flights_[which];
    const auto passage = over.offer(now, what.datagram.size() + ip_overhead_bytes, carries_data(what.datagram));
    if (passage.what != link_passage::fate::carried) {
        drop(now, what, name, to_string(passage.what));
        return release(which);
    }
    if (passage.copy_arrives) queue_.at(*passage.copy_arrives, *this, copy_flight(which));
    queue_.at(passage.arrives, *this, which);
}

void network::depart(time_point now, std::uint32_t which) {
    auto& what = flights_[which];
    auto& origin = *hosts_[what.sender];
    if (!origin.who->is_up()) return release(which);   // its process died before the pacer's time came
    const auto note = note_of(what, datagram_note::kind::sent, now);
    tell(note, what);
    if (filter_ && !filter_(now, note)) {
        drop(now, what, origin.name, "filtered");
        return release(which);
    }
    what.where = flight::stage::at_router;
    pass(now, which, origin.up, origin.name);
}

void network::at_router(time_point now, std::uint32_t which) {
    auto& what = flights_[which];
    if (what.datagram.broadcast) return broadcast(now, which);
    const auto& here = *sites_[what.at];
    if (!what.known) {
        drop(now, what, here.name, "no such host");
        return release(which);
    }
    auto& target = *hosts_[what.receiver];
    if (target.at == what.at) {
        what.where = flight::stage::at_host;
        return pass(now, which, target.down, target.name);
    }
    const auto& way = sites_[target.at]->path;
    const auto depth = here.path.size();
    if (way.size() > depth && way[depth - 1] == what.at) {
        what.at = way[depth];
        return pass(now, which, sites_[what.at]->down, sites_[what.at]->down_name);
    }
    auto& from = *sites_[what.at];
    what.at = *from.parent;   // the central office is above everything, so there is one
    pass(now, which, from.up, from.up_name);
}

void network::broadcast(time_point now, std::uint32_t which) {
    const auto origin = flights_[which].sender;
    const auto net = hosts_[origin]->net;
    for (const auto other : sites_[hosts_[origin]->at]->hosts) {
        if (other == origin || hosts_[other]->net != net || flights_[which].datagram.to.address != net.broadcast()) continue;
        const auto copy = copy_flight(which);
        flights_[copy].where = flight::stage::at_host;
        flights_[copy].receiver = other;
        flights_[copy].known = true;
        pass(now, copy, hosts_[other]->down, hosts_[other]->name);
    }
    release(which);
}

void network::arrive(time_point now, std::uint32_t which) {
    auto& target = *hosts_[flights_[which].receiver];
    if (!target.who->is_up()) {
        drop(now, flights_[which], target.name, "host down");
        return release(which);
    }
    tell(note_of(flights_[which], datagram_note::kind::delivered, now), flights_[which]);
    auto& what = flights_[which];
    const auto& payload = what.datagram.payload.view;
    scratch_.assign(what.datagram.header.begin(), what.datagram.header.end());
    scratch_.insert(scratch_.end(), payload.begin(), payload.end());
    const auto from = what.from;
    const auto local = what.datagram.to;
    const auto ecn = what.datagram.ecn;
    release(which);   // the receiver sends at once, and reuses it
    target.who->on_arrival(now, from, local, scratch_, ecn);
}

}  // namespace p2pdist::sim
