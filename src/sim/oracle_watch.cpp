#include "oracle_watch.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {
namespace {

/// A disk that is looked at has no trouble meanwhile: looking changes nothing.
class untroubled {
public:
    explicit untroubled(device_controls& device) : trouble_(*device.disk_troubles()), kept_(std::exchange(trouble_, {})) {}
    ~untroubled() { trouble_ = kept_; }
    untroubled(const untroubled&) = delete;
    untroubled& operator=(const untroubled&) = delete;

private:
    disk_trouble& trouble_;
    disk_trouble kept_;
};

}  // namespace

oracle_watch::oracle_watch(world& watched, finding told) : world_(watched), told_(std::move(told)) {
    world_.net().watch([this](const watched_datagram& seen) { on_datagram(seen); });
    world_.at(world_.now() + period, [this] { every_second(); });
}

void oracle_watch::on_datagram(const watched_datagram& seen) {
    const auto& note = seen.note;
    const auto type = frame_type_of(note.header);
    const bool data = type == frame_type::data || type == frame_type::data_strict;
    if (note.what == datagram_note::kind::delivered && data) data_delivered_ += note.payload_bytes;
    if (note.what != datagram_note::kind::sent) return;
    ++datagrams_;
    data_frames_ += data ? 1u : 0u;
    check("mtu", oracles::fits_the_path(note));
    if (data) check("hierarchy", oracles::follows_the_hierarchy(note, world_.offices(), world_.server_address()));
}

const generated_content* oracle_watch::find(const content_info& info) const {
    const auto found = std::ranges::find_if(contents_, [&](const auto* each) { return each->info() == info; });
    return found == contents_.end() ? nullptr : *found;
}

void oracle_watch::every_second() {
    look_at_fetches();
    look_at_lines();
    look_at_tables();
    world_.at(world_.now() + period, [this] { every_second(); });
}

void oracle_watch::look_at_fetches() {
    const auto& all = world_.fetches();
    judged_.resize(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (judged_[i] || !all[i].ended) continue;
        judged_[i] = true;
        const auto* content = find(all[i].content);
        if (!all[i].complete() || !content) continue;
        check("split", oracles::split_adds_up(all[i]));
        const untroubled look(world_.controls(all[i].client));
        check("bytes", oracles::only_right_bytes(world_.store(all[i].client), *content, all[i].output));
    }
}

void oracle_watch::look_at_lines() {
    check("ledger", oracles::ledger_adds_up(world_.net().ledger()));
    for (const auto& office : world_.offices().offices()) {
        if (office.parent.empty()) continue;
        for (const auto* line : {&world_.net().wan_down(office.name), &world_.net().wan_up(office.name)}) {
            check("lines", oracles::line_adds_up(line->counters()));
            check("queues", oracles::queue_is_bounded(line->settings(), line->counters()));
        }
    }
}

void oracle_watch::look_at_tables() {
    for (std::size_t i = 0; i < world_.clients(); ++i) {
        if (disks_keep_) check("again", oracles::fetched_once(world_.chunks_fetched_again({i})));
        if (world_.is_up({i})) check("tables", oracles::within_limits(world_.core({i}).status(), world_.core({i}).peers().size()));
    }
    if (world_.is_server_up()) check("tables", oracles::within_limits(world_.server_statistics()));
    check("memory", oracles::events_are_bounded(world_.pending_events(), world_.clients() + 2));
}

void oracle_watch::look_at_stores() {
    for (std::size_t i = 0; i < world_.clients(); ++i) {
        const untroubled look(world_.controls({i}));
        for (const auto* content : contents_) check("bytes", oracles::only_right_bytes(world_.store({i}), *content, {}));
    }
}

void oracle_watch::rest(duration settle, duration time, duration heartbeat, const std::function<bool(client_index)>& counts) {
    world_.run_for(settle);
    for (std::size_t i = 0; i < world_.clients(); ++i) {
        const client_index who{i};
        if (!counts(who)) continue;
        const auto left = oracles::nothing_left(world_.core(who).status());
        if (!left.empty()) check("leftovers", world_.address_of(who).to_string() + ": " + left);
    }
    const auto before = std::pair(datagrams_, data_frames_);
    world_.run_for(time);
    check("rest", oracles::at_rest(datagrams_ - before.first, data_frames_ - before.second, world_.clients(), time, heartbeat));
}

void oracle_watch::finish() {
    look_at_fetches();
    look_at_stores();
    look_at_lines();
    look_at_tables();
    std::uint64_t from_peers = 0;
    for (const auto& each : world_.fetches()) {
        if (!each.complete()) continue;
        for (const auto kind : {source_kind::office, source_kind::ancestor, source_kind::server}) from_peers += each.split[static_cast<std::size_t>(kind)];
    }
    check("accounts", oracles::came_over_the_network(from_peers, data_delivered_));
}

}  // namespace p2pdist::sim
