#include "server_node.hpp"

#include "channel_frame.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration server_clock_period = std::chrono::seconds(10);

}  // namespace

server_node::server_node(surroundings& around, server_config config, simulated_catalogue_options catalogue, disk_settings disk, std::uint64_t seed)
    : node(around, config.address, config.prefix_bits, seed),
      config_(std::move(config)),
      catalogue_(std::move(catalogue)),
      disk_(around.crypto, {}, disk, seed ^ 0x6469736b),
      chance_(seed ^ 0x63726173) {
    config_.identity = entropy_.array<32>();
    config_.signing = entropy_.array<32>();
    config_.enrolment = entropy_.array<32>();
    config_.group = entropy_.array<32>();
}

void server_node::start() {
    if (lives()) return;
    config_.jitter_seed = entropy_.u64();
    around_.note("server", "started");
    come_up(server_core(around_.crypto, entropy_, config_, here(), wall()));
    core().load(here(), catalogue_.committed());
    schedule(world_now() + server_clock_period, wall_clock);
    turn();
}

void server_node::kill() {
    if (!lives()) return;
    around_.note("server", "killed");
    go_down();
    catalogue_.crash(chance_);
    disk_.crash(chance_);
    channels_.clear();
    associations_.clear();
}

void server_node::perform(time_point, send_datagram&& datagram) { send(std::move(datagram)); }

void server_node::perform(time_point, catalogue_request&& request) { schedule(catalogue_.submit(world_now(), std::move(request)), committed); }

void server_node::perform(time_point, store_request&& request) {
    if (auto* attach = std::get_if<store_attach>(&request.operation)) attach->path = attach->content.id.text();
    const auto ticket = disk_.submit(world_now(), std::move(request));
    schedule(ticket.done, store_done, ticket.slot);
}

void server_node::perform(time_point, channel_send&& out) {
    const auto found = associations_.find(out.channel);
    if (found == associations_.end()) return;
    answer(found->second.first, encode(channel_frame::kind::record, found->second.second, out.record));
}

void server_node::perform(time_point, channel_close&& which) {
    const auto found = associations_.find(which.channel);
    if (found == associations_.end()) return;
    answer(found->second.first, encode(channel_frame::kind::closed, found->second.second));
    channels_.erase(found->second);
    associations_.erase(found);
}

void server_node::perform(time_point, server_event&& event) { around_.note("server", event.text); }

void server_node::on_work(time_point here, std::uint8_t what, std::uint64_t argument) {
    switch (what) {
        case store_done: return core().on_store_done(here, disk_.take_effect(static_cast<std::uint32_t>(argument)));
        case committed: return core().on_catalogue_done(here, catalogue_.commit_next());
        default:
            core().on_wall_clock(here, wall());
            return schedule(world_now() + server_clock_period, wall_clock);
    }
}

void server_node::answer(const endpoint& to, bytes frame) {
    send_datagram out;
    out.from_port = config_.ports[port_use::server_small_in];
    out.to = to;
    out.header = std::move(frame);
    send(std::move(out));
}

bool server_node::take(time_point here, const endpoint& from, byte_span payload) {
    const auto frame = decode_channel_frame(payload);
    if (!frame) return false;
    const association which{from, frame->nonce};
    const auto known = channels_.find(which);
    switch (frame->what) {
        case channel_frame::kind::open:
            if (known == channels_.end()) {
                const channel_id id{next_channel_++};
                channels_[which] = id;
                associations_[id] = which;
                core().on_channel_opened(here, id, from, exporter_of(around_.crypto, frame->nonce));
            }
            answer(from, encode(channel_frame::kind::opened, frame->nonce));
            break;
        case channel_frame::kind::record:
            if (known != channels_.end()) core().on_channel_record(here, known->second, frame->record);
            else answer(from, encode(channel_frame::kind::closed, frame->nonce));
            break;
        default:
            break;
    }
    return true;
}

}  // namespace p2pdist::sim
