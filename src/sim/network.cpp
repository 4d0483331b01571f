#include "p2pdist/sim/network.hpp"

#include <algorithm>
#include <utility>

#include "network_parts.hpp"
#include "p2pdist/base/assert.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {
namespace {

cargo cargo_of(const send_datagram& datagram) {
    const auto type = frame_type_of(datagram.header);
    return type == frame_type::data || type == frame_type::data_strict ? cargo::data : cargo::control;
}

/// A flow as fq_codel tells them apart.
std::uint64_t flow_of(const endpoint& from, const endpoint& to) {
    const std::hash<ip_address> address;
    return random_source(address(from.address) * 31 + address(to.address) + (std::uint64_t{from.port} << 48 | std::uint64_t{to.port} << 32))();
}

}  // namespace

network::network(event_queue& queue, trace& record, topology offices, network_options options)
    : queue_(queue), trace_(record), topology_(std::move(offices)), options_(std::move(options)), link_seed_(options_.seed) {
    for (const auto& each : topology_.offices()) site_names_.emplace(each.name, static_cast<std::uint32_t>(site_names_.size()));
    for (std::uint32_t i = 0; i < topology_.size(); ++i) {
        const auto above = topology_.parent(office_index{i});
        site_names_[topology_.offices()[i].name] = add_site(topology_.offices()[i].name, above ? std::optional(above->value) : std::nullopt);
    }
    for (std::uint32_t i = 0; i < topology_.size(); ++i) add_air(i);
    rebuild_paths();   // rows come in any order: paths are made when all parents are there
}

network::~network() = default;

std::uint32_t network::add_site(std::string name, std::optional<std::uint32_t> parent) {
    const auto found = options_.offices.find(name);
    const auto lines = found == options_.offices.end() ? office_lines{} : found->second;
    const auto index = static_cast<std::uint32_t>(sites_.size());
    auto down = make_way(name + " down", lines.wan_down.value_or(options_.wan_down));
    auto up = make_way(name + " up", lines.wan_up.value_or(options_.wan_up));
    sites_.push_back(std::make_unique<site>(site{std::move(name), parent, {}, {}, std::move(down), std::move(up), nullptr}));
    return index;
}

std::unique_ptr<network::way> network::make_way(std::string name, const link_settings& settings) {
    auto out = std::make_unique<way>(way{link_model(settings, ++link_seed_), std::move(name), static_cast<std::uint32_t>(lines_.size())});
    lines_.push_back(out.get());
    return out;
}

std::uint32_t network::site_of(const ip_address& address) {
    if (const auto office = topology_.office_of(address)) return office->value;
    if (const auto known = site_names_.find(address.to_string()); known != site_names_.end()) return known->second;
    const auto central = topology_.central().value;
    const auto index = add_site(address.to_string(), central);
    sites_[index]->path = {central, index};
    site_names_[sites_[index]->name] = index;
    return index;
}

void network::rebuild_paths() {
    for (std::uint32_t i = 0; i < sites_.size(); ++i) {
        auto& path = sites_[i]->path;
        path.clear();
        for (std::optional<std::uint32_t> step = i; step; step = sites_[*step]->parent) path.push_back(*step);
        std::reverse(path.begin(), path.end());
    }
}

link_settings network::lan_of(std::uint32_t at) const {
    const auto found = options_.offices.find(sites_[at]->name);
    auto out = found != options_.offices.end() && found->second.lan ? *found->second.lan : options_.lan;
    if (sites_[at]->wireless) out.bytes_per_second = 0;   // the air has it
    return out;
}

void network::plug(std::uint32_t which, const ip_address& address, int prefix_bits) {
    auto& host = *hosts_[which];
    host.at = site_of(address);
    const auto lan = lan_of(host.at);
    host.address = address;
    host.net = subnet::of(address, prefix_bits);
    host.plugged = true;
    for (auto* each : {&host.up, &host.down}) {
        if (*each) put(**each, lan);
        else *each = make_way({}, lan);
        (*each)->name = address.to_string();
    }
    sites_[host.at]->hosts.push_back(which);
    addresses_[address] = which;
}

result<host_index> network::attach(host& who, const ip_address& address, int prefix_bits) {
    if (addresses_.contains(address)) return {errc::already_exists, "the address " + address.to_string() + " is taken"};
    const auto index = static_cast<std::uint32_t>(hosts_.size());
    hosts_.push_back(std::make_unique<attached_host>(attached_host{&who, address, subnet::of(address, prefix_bits), 0, {}, {}}));
    plug(index, address, prefix_bits);
    return host_index{index};
}

/// Another line in the place of this one.
void network::put(way& where, const link_settings& line) {
    where.model.replace(line, gone_);
    settle(queue_.now(), where);
}

network_ledger network::ledger() const noexcept {
    auto out = ledger_;
    out.under_way = flights_.size() - free_flights_.size();
    return out;
}

link_model& network::lan_up(host_index which) { return hosts_[which.value]->up->model; }
link_model& network::lan_down(host_index which) { return hosts_[which.value]->down->model; }
const std::string& network::office_of(host_index which) const { return sites_[hosts_[which.value]->at]->name; }

std::uint32_t network::site_named(const std::string& office) const {
    const auto found = site_names_.find(office);
    P2PDIST_ASSERT(found != site_names_.end());
    return found->second;
}
link_model& network::wan_down(const std::string& office) { return sites_[site_named(office)]->down->model; }
link_model& network::wan_up(const std::string& office) { return sites_[site_named(office)]->up->model; }
const std::string& network::parent_of(const std::string& office) const {
    const auto& parent = sites_[site_named(office)]->parent;
    P2PDIST_ASSERT(parent.has_value());
    return sites_[*parent]->name;
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
    if (rivalry_) rivalry_->cargo.resize(flights_.size());
    flights_[copy] = flights_[which];
    if (flights_[copy].rival) rivalry_->cargo[copy] = rivalry_->cargo[which];
    return copy;
}

void network::release(std::uint32_t which) noexcept {
    flights_[which].datagram.payload = {};
    free_flights_.push_back(which);
}

void network::send(host_index sender, send_datagram&& datagram) {
    const auto now = queue_.now();
    const auto which = take_flight();
    auto& what = flights_[which];
    const auto& origin = *hosts_[sender.value];
    what.from = {origin.address, datagram.from_port};
    what.sender = sender.value;
    what.at = origin.at;
    const auto found = addresses_.find(datagram.to.address);
    what.known = !datagram.broadcast && found != addresses_.end();
    what.receiver = what.known ? found->second : 0;
    what.receiver_stay = hosts_[what.receiver]->stay;
    what.sender_stay = origin.stay;
    what.where = flight::stage::at_router;
    what.rival = false;
    what.datagram = std::move(datagram);
    what.ip_bytes = what.datagram.size() + ip_overhead_bytes;
    what.carries = cargo_of(what.datagram);
    const auto note = note_of(what, datagram_note::kind::sent, now);
    tell(note, what);   // who watches may send, and move `what` by that
    const auto refuse = [&](std::string_view why) {
        drop(now, flights_[which], origin.up->name, why);
        release(which);
    };
    if (!origin.plugged) return refuse("detached");
    if (filter_ && !filter_(now, note)) return refuse("filtered");
    if (!(blocked_hosts_.empty() && blocked_sites_.empty()) && flights_[which].known && blocked(sender.value, flights_[which].receiver))
        return refuse("blocked");
    to_access_line(now, which, *origin.up, sender.value, air::access_point);
}

void network::inject(const endpoint& from, const endpoint& to, bytes payload) {
    const auto found = addresses_.find(to.address);
    if (found == addresses_.end()) return;
    const auto which = take_flight();
    auto& what = flights_[which];
    what.from = from;
    what.sender = what.receiver = found->second;
    what.sender_stay = what.receiver_stay = hosts_[found->second]->stay;
    what.at = hosts_[found->second]->at;
    what.known = true;
    what.rival = false;
    what.where = flight::stage::at_host;
    what.datagram = {};
    what.datagram.from_port = from.port;
    what.datagram.to = to;
    what.datagram.header = std::move(payload);
    what.ip_bytes = what.datagram.size() + ip_overhead_bytes;
    what.carries = cargo_of(what.datagram);
    ++ledger_.injected;
    queue_.at(queue_.now(), *this, which);
}

void network::on_event(time_point now, std::uint64_t what) {
    const auto which = static_cast<std::uint32_t>(what);
    if (what & line_event) return line_is_free(now, *lines_[which]);
    if (what & air_event) return air_is_free(now, which);
    switch (flights_[which].where) {
        case flight::stage::at_router: return at_router(now, which);
        case flight::stage::broadcast: return fan_out(now, which);
        case flight::stage::at_host: return arrive(now, which);
    }
}

datagram_note network::note_of(const flight& what, datagram_note::kind kind, time_point now) const {
    return {kind, now, what.from, what.datagram.to, what.datagram.size(), what.datagram.header, {}, {}, what.datagram.broadcast};
}

void network::tell(const datagram_note& note, const flight& what) {
    trace_.add(note);
    switch (note.what) {
        case datagram_note::kind::sent: ++ledger_.sent; break;
        case datagram_note::kind::delivered: ++ledger_.delivered; break;
        case datagram_note::kind::dropped: ++ledger_.dropped; break;
    }
    if (watcher_) watcher_({note, host_index{what.sender}, what.known ? std::optional(host_index{what.receiver}) : std::nullopt});
}

void network::drop(time_point now, const flight& what, std::string_view where, std::string_view why) {
    if (what.rival) {   // the line has counted it
        ++ledger_.dropped;
        return;
    }
    auto note = note_of(what, datagram_note::kind::dropped, now);
    note.where = where;
    note.why = why;
    tell(note, what);
}

/// Offers it to a line, and schedules its arrival at the stage that the flight says already.
void network::pass(time_point now, std::uint32_t which, way& over) {
    auto& what = flights_[which];
    offered_datagram offered{what.ip_bytes, what.carries, what.datagram.ecn, what.flow, which};
    if (!what.rival && over.model.settings().queue.kind == queue_kind::fq_codel) offered.flow = flow_of(what.from, what.datagram.to);
    const auto passage = over.model.offer(now, offered, gone_);
    if (passage.what == link_passage::fate::waiting) {
        if (passage.arrives != never) queue_.at(passage.arrives, *this, line_event | over.number);
    } else {
        follow(now, which, passage, over);
    }
    if (!gone_.empty()) settle(now, over);
}

/// What a line has decided about a datagram.
void network::follow(time_point now, std::uint32_t which, const link_passage& passage, const way& over) {
    if (passage.what != link_passage::fate::carried) {
        drop(now, flights_[which], over.name, to_string(passage.what));
        return release(which);
    }
    if (passage.copy_arrives) {
        queue_.at(*passage.copy_arrives, *this, copy_flight(which));
        ++ledger_.copied;
    }
    queue_.at(passage.arrives, *this, which);
}

/// Those that left a line's queue, one way or another. Who watches a drop may send.
void network::settle(time_point now, const way& from) {
    for (const auto& each : std::exchange(gone_, {})) {
        flights_[each.id].datagram.ecn = each.ecn;
        follow(now, each.id, each.passage, from);
    }
}

void network::line_is_free(time_point now, way& which) {
    const auto next = which.model.depart(now, gone_);
    settle(now, which);
    queue_.at(next, *this, line_event | which.number);
}

/// Who has the address now, where the host that had it has left. False: nobody.
bool network::resolve(flight& what) const {
    if (what.known && hosts_[what.receiver]->stay == what.receiver_stay) return true;
    const auto found = addresses_.find(what.datagram.to.address);
    what.known = found != addresses_.end();
    if (!what.known) return false;
    what.receiver = found->second;
    what.receiver_stay = hosts_[found->second]->stay;
    return true;
}

void network::at_router(time_point now, std::uint32_t which) {
    auto& what = flights_[which];
    if (what.datagram.broadcast) return broadcast(now, which);
    const auto& here = *sites_[what.at];
    if (!resolve(what)) {
        drop(now, what, here.name, "no such host");
        return release(which);
    }
    auto& target = *hosts_[what.receiver];
    if (target.at == what.at) {
        what.where = flight::stage::at_host;
        return to_access_line(now, which, *target.down, air::access_point, what.receiver);
    }
    const auto& path = sites_[target.at]->path;
    const auto depth = here.path.size();
    if (path.size() > depth && path[depth - 1] == what.at) {
        what.at = path[depth];
        return pass(now, which, *sites_[what.at]->down);
    }
    auto& from = *sites_[what.at];
    what.at = *from.parent;   // the central office is above everything, so there is one
    pass(now, which, *from.up);
}

void network::arrive(time_point now, std::uint32_t which) {
    auto& target = *hosts_[flights_[which].receiver];
    if (target.stay != flights_[which].receiver_stay) {
        drop(now, flights_[which], target.down->name, "detached");
        return release(which);
    }
    if (flights_[which].rival) {
        const auto packet = rivalry_->cargo[which];
        const auto ecn = flights_[which].datagram.ecn;
        ++ledger_.delivered;
        release(which);
        return rivalry_->actors.arrive(now, packet, ecn);
    }
    if (!target.who->is_up()) {
        drop(now, flights_[which], target.down->name, "host down");
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
