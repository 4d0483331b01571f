#include "p2pdist/sim/world.hpp"

#include <algorithm>
#include <stdexcept>

#include "p2pdist/office/spreadsheet.hpp"
#include "world_implementation.hpp"

namespace p2pdist::sim {

world::world(world_options options) : self_(std::make_unique<implementation>(std::move(options))) {}
world::~world() = default;

client_index world::add_client(const device& what) { return self_->add_client(what); }

generated_content world::make_content(std::string_view id, std::uint64_t size_bytes, hash_kind kind) {
    return {*self_->crypto, id, size_bytes, self_->random(), kind};
}

void world::start() { self_->start(); }

void world::activate() {
    const auto answer = ask(activate_request{"SIMULATED-LICENCE", static_cast<std::uint32_t>(std::max<std::size_t>(1, clients()))});
    if (!answer) throw std::runtime_error("activating failed: " + answer.error().message);
}

void world::import_topology() {
    const auto answer = ask(topology_import_request{to_spreadsheet(self_->options.offices), false});
    if (!answer) throw std::runtime_error("importing the topology failed: " + answer.error().message);
    const auto* reply = std::get_if<topology_import_reply>(&*answer);
    if (reply && reply->imported) return;
    throw std::runtime_error("the topology was refused" + (reply && !reply->refusals.empty() ? ": " + reply->refusals.front().reason : std::string()));
}

void world::set_up() {
    start();
    activate();
    import_topology();
    constexpr int looks = 3000;   // a look at every client takes long: ten in a simulated second
    for (int i = 0; i < looks && !self_->everybody_registered(); ++i) run_for(std::chrono::milliseconds(100));
    if (!self_->everybody_registered()) throw std::runtime_error("not every client registered, activated and in its office, within five minutes");
}

void world::place(const generated_content& content, const placement_choice& where) {
    if (where.server_file_store && self_->options.server_file_store) self_->server->file_store()[content.info().id.text()] = *content.data();
    self_->know(content);
    self_->library.contents.insert_or_assign(content.info().key(), fallback_library::entry{content, where.cdn, where.file_store, where.tree_file});
    for (auto& each : self_->liars) {
        if (each->lives()) each->core().learn(content);
    }
}

void world::publish(const generated_content& content, const placement_choice& where) {
    place(content, where);
    const auto answer = ask(publish_request{{content.info()}});
    if (!answer) throw std::runtime_error("publishing failed: " + answer.error().message);
}

result<message_body> world::ask(message_body request, duration limit) { return self_->ask(std::move(request), limit); }

void world::fetch(client_index who, const generated_content& content, std::string output) {
    const auto record = self_->fetches.size();
    self_->fetches.push_back({who, content.info(), std::move(output), now()});
    self_->node_of(who).fetch(record);
}

void world::import(client_index who, const generated_content& content) { self_->node_of(who).import(content); }
void world::kill(client_index who) { self_->node_of(who).kill(); }
void world::restart(client_index who) { self_->node_of(who).restart(); }
void world::kill_server() { self_->server->kill(); }
void world::restart_server() { self_->server->start(); }
void world::restore_server(catalogue_snapshot backup) {
    self_->server->kill();
    self_->server->catalogue().preload(std::move(backup));
    self_->server->start();
}
void world::move(client_index who, const std::string& office) { self_->move(who, office); }
device_controls& world::controls(client_index who) { return self_->node_of(who); }
device_controls& world::server_controls() { return *self_->server; }
void world::at(time_point when, std::function<void()> what) { self_->queue.at(when, std::move(what)); }

bool world::run_until(const std::function<bool()>& done, duration limit) { return self_->run_until(done, limit); }
void world::run_for(duration time) {
    self_->run_until([] { return false; }, time);
}
time_point world::now() const noexcept { return self_->queue.now(); }
bool world::livelocked() const noexcept { return self_->livelocked; }
std::uint64_t world::events() const noexcept { return self_->queue.processed(); }
std::size_t world::pending_events() const noexcept { return self_->queue.size(); }

std::size_t world::clients() const noexcept { return self_->clients.size(); }
const std::vector<fetch_record>& world::fetches() const noexcept { return self_->fetches; }

const fetch_record* world::fetch_of(client_index who, const content_info& content) const {
    const auto& all = self_->fetches;
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const auto& each) { return each.client == who && each.content == content; });
    return found == all.rend() ? nullptr : &*found;
}

bool world::all_fetched() const { return self_->all_fetched(); }

bool world::has_right_bytes(client_index who, const generated_content& content) const {
    auto& store = self_->node_of(who).store();
    constexpr auto probe = "p2pdist-sim probe";   // no content id: it has a blank
    const auto exported = store.execute({0, store_export{content.info().key(), probe}});
    const bool right = exported.ok() && store.files()[probe] == *content.data();
    store.files().erase(probe);
    const auto* record = fetch_of(who, content.info());
    if (!right || !record || record->output.empty()) return right;
    const auto file = store.files().find(record->output);
    return file != store.files().end() && file->second == *content.data();
}

const std::string& world::office_of(client_index who) const { return self_->net.office_of(self_->node_of(who).where()); }
ip_address world::address_of(client_index who) const { return self_->node_of(who).address(); }
bool world::is_up(client_index who) const { return self_->node_of(who).lives(); }
bool world::is_server_up() const { return self_->server->lives(); }
p2pdist::server_statistics world::server_statistics() const { return self_->server->core().statistics(); }
bool world::speaks_with_server(client_index who) const { return self_->speaks_with_server(self_->node_of(who)); }
client_core& world::core(client_index who) { return self_->node_of(who).core(); }
memory_store& world::store(client_index who) { return self_->node_of(who).store(); }
std::uint64_t world::chunks_written(client_index who, const content_key& content) const { return self_->node_of(who).chunks_written(content); }

bool world::was_registered(client_index who) const { return self_->node_of(who).was_registered(); }
bool world::imported(client_index who, const content_key& content) const { return self_->node_of(who).imported(content); }
bool world::acknowledged(client_index who, const content_key& content, chunk_index chunk) const {
    return self_->node_of(who).acknowledged(content, chunk);
}
std::uint64_t world::chunks_fetched_again(client_index who) const { return self_->node_of(who).chunks_fetched_again(); }

std::optional<client_index> world::client_at(const ip_address& address) const {
    const auto found = self_->client_addresses.find(address);
    return found == self_->client_addresses.end() ? std::nullopt : std::optional(found->second);
}

const catalogue_snapshot& world::catalogue() const { return self_->server->catalogue().committed(); }

wan_traffic world::wan(const std::string& office) {
    return {office, self_->net.wan_down(office).counters(), self_->net.wan_up(office).counters()};
}

std::vector<wan_traffic> world::wans() {
    std::vector<wan_traffic> out;
    for (const auto& each : self_->options.offices.offices()) {
        if (!each.parent.empty()) out.push_back(wan(each.name));
    }
    return out;
}

std::uint64_t world::fallback_bytes(source_kind from) const { return self_->library.read_bytes[static_cast<std::size_t>(from)]; }
void world::add_liar(const device& what, std::uint64_t seed) { self_->add_liar(what, seed); }

std::vector<liar_view> world::liars() {
    std::vector<liar_view> out;
    for (auto& each : self_->liars) {
        if (!each->lives()) continue;
        const auto& core = each->core();
        out.push_back({core.id(), core.manner(), core.flows().wrong_bytes_sent(), core.flows().always_wrong()});
    }
    return out;
}

network& world::net() noexcept { return self_->net; }
ip_address world::server_address() const noexcept { return self_->server->address(); }
const topology& world::offices() const noexcept { return self_->options.offices; }
const crypto_suite& world::crypto() const noexcept { return *self_->crypto; }
std::uint64_t world::trace_hash() const noexcept { return self_->record.hash(); }

}  // namespace p2pdist::sim
