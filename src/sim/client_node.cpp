#include "client_node.hpp"

#include <utility>

namespace p2pdist::sim {
namespace {

constexpr duration wall_clock_period = std::chrono::seconds(30);

}  // namespace

client_node::client_node(surroundings& around, client_config config, memory_store_options store, disk_settings disk, fallback_library& library,
                         std::vector<fetch_record>& records, client_index self, std::uint64_t seed)
    : node(around, config.address, config.prefix_bits, seed),
      config_(std::move(config)),
      disk_(around.crypto, std::move(store), disk, seed ^ 0x6469736b),
      fallback_(library),
      records_(records),
      self_(self),
      chance_(seed ^ 0x63726173),
      name_(config_.address.to_string()) {
    config_.identity = entropy_.array<32>();
}

void client_node::start() {
    config_.jitter_seed = entropy_.u64();
    around_.note(name_, "started");
    come_up(client_core(around_.crypto, entropy_, config_, here(), wall()));
    schedule(world_now() + wall_clock_period, wall_clock);
    turn();
}

void client_node::kill() {
    if (!lives()) return;
    around_.note(name_, "killed");
    go_down();
    disk_.crash(chance_);
    writing_.clear();
    imports_.clear();
    fallback_.clear();
    commands_.clear();
}

void client_node::restart() {
    if (lives()) return;
    start();
    for (const auto record : unfinished_) {
        ++records_[record].attempts;
        ask(record);
    }
    turn();
}

void client_node::fetch(std::size_t record) {
    unfinished_.insert(record);
    if (!lives()) return;   // its user asks when it runs again
    ask(record);
    turn();
}

void client_node::ask(std::size_t record) {
    commands_[core().fetch(here(), records_[record].content.id, records_[record].output)] = record;
}

void client_node::import(const generated_content& content) {
    const auto& id = content.info().id;
    store().files()[id.text()] = *content.data();
    imports_[core().import(here(), id.text(), id)] = content.info().key();
    turn();
}

void client_node::move(const ip_address& address, int prefix_bits) {
    around_.note(name_, "moves to " + address.to_string());
    move_to(address, prefix_bits);
    name_ = address.to_string();
    config_.address = address;
    config_.prefix_bits = static_cast<std::uint8_t>(prefix_bits);
    config_.broadcast = address.is_v4() ? std::optional(subnet::of(address, prefix_bits).broadcast()) : std::nullopt;
    if (!lives()) return;
    core().set_address(here(), address, config_.prefix_bits, config_.broadcast);
    turn();
}

bool client_node::imported(const content_key& content) const { return imported_.contains(content); }

bool client_node::acknowledged(const content_key& content, chunk_index chunk) const {
    const auto found = acknowledged_.find(content);
    return found != acknowledged_.end() && found->second.contains(chunk);
}

/// What the store answers is a promise, kept by whoever comes after a crash.
void client_node::note_answer(const store_completion& done) {
    for (const auto& gone : done.evicted) acknowledged_.erase(gone);
    auto asked = writing_.extract(done.id);
    if (asked.empty() || !done.ok()) return;
    if (const auto* written = std::get_if<store_written>(&done.value)) acknowledged_[asked.mapped()].insert(written->chunk);
}

std::uint64_t client_node::chunks_written(const content_key& content) const {
    const auto found = written_.find(content);
    return found == written_.end() ? 0 : found->second;
}

void client_node::perform(time_point, send_datagram&& datagram) { send(std::move(datagram)); }

void client_node::perform(time_point, store_request&& request) {
    if (const auto* write = std::get_if<store_write_chunk>(&request.operation)) {
        ++written_[write->key];
        if (acknowledged(write->key, write->chunk)) ++chunks_fetched_again_;
        writing_.emplace(request.id, write->key);
    }
    const auto ticket = disk_.submit(world_now(), std::move(request));
    schedule(ticket.done, store_done, ticket.slot);
}

void client_node::perform(time_point, fallback_request&& request) {
    const auto started = fallback_.start(world_now(), std::move(request));
    schedule(started.first_due, fallback_piece, started.slot);
}

void client_node::perform(time_point, fallback_cancel&& request) { fallback_.cancel(request.id); }

void client_node::perform(time_point, client_event&& event) {
    std::visit([this](const auto& what) { on(what); }, event);
}

void client_node::on_work(time_point here, std::uint8_t what, std::uint64_t argument) {
    switch (what) {
        case store_done: {
            auto done = disk_.take_effect(static_cast<std::uint32_t>(argument));
            note_answer(done);
            return core().on_store_done(here, std::move(done));
        }
        case fallback_piece: return read_on(here, argument);
        default:
            core().on_wall_clock(here, wall());
            return schedule(world_now() + wall_clock_period, wall_clock);
    }
}

void client_node::read_on(time_point here, std::uint64_t slot) {
    auto piece = fallback_.next(world_now(), slot);
    if (!piece) return;
    if (piece->last) return core().on_fallback_done(here, piece->request, std::move(piece->failure));
    core().on_fallback_data(here, piece->request, piece->offset, std::move(piece->data));
    schedule(piece->next_due, fallback_piece, slot);
}

void client_node::on(const client_enrolled& event) {
    config_.saved_credentials = event.credentials;
    around_.note(name_, "enrolled");
}
void client_node::on(const client_registered& event) {
    was_registered_ = true;
    around_.note(name_, "registered in '" + event.office + (event.activated ? "', activated" : "', not activated"));
}
void client_node::on(const client_piece&) {}     // nobody reads here
void client_node::on(const client_stopped&) {}   // nor does a world stop its clients: they crash
void client_node::on(const client_progress&) { ++around_.activity; }
void client_node::on(const client_notice& event) { around_.note(name_, event.text); }
void client_node::on(const command_done& event) {
    around_.note(name_, event.failure ? "command failed: " + event.failure->message : "command done: " + event.content.id.text());
    if (const auto import = imports_.extract(event.command); !import.empty() && !event.failure) imported_.insert(import.mapped());
    const auto found = commands_.find(event.command);
    if (found == commands_.end()) return;
    auto& record = records_[found->second];
    record.ended = around_.queue.now();
    record.failure = event.failure;
    record.split = event.split;
    unfinished_.erase(found->second);
    commands_.erase(found);
}

}  // namespace p2pdist::sim
