#include "connector_node.hpp"

#include "channel_frame.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration open_retry = std::chrono::seconds(1);

}  // namespace

connector_node::connector_node(surroundings& around, const ip_address& address, int prefix_bits, endpoint server, port_plan ports, std::uint64_t seed)
    : node(around, address, prefix_bits, seed), server_(server), ports_(ports) {}

void connector_node::start() {
    around_.note("connector", "started");
    come_up(connector_driver(connector_core(around_.crypto, entropy_, entropy_.u64())));
    open();
    turn();
}

connector_handle connector_node::request(message_body body) {
    const auto handle = (*core()).request(here(), std::move(body));
    turn();
    return handle;
}

std::optional<result<message_body>> connector_node::take_outcome(connector_handle which) {
    auto found = outcomes_.extract(which);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
}

void connector_node::open() {
    opened_ = false;
    nonce_ = entropy_.u64();
    send_frame(encode(channel_frame::kind::open, nonce_));
    schedule(world_now() + open_retry, open_again, nonce_);
}

void connector_node::send_frame(bytes frame) {
    send_datagram out;
    out.from_port = ports_[port_use::connector_reply];
    out.to = server_;
    out.header = std::move(frame);
    send(std::move(out));
}

void connector_node::perform(time_point, connector_record&& record) { send_frame(encode(channel_frame::kind::record, nonce_, record.record)); }

void connector_node::perform(time_point, connector_answer&& answer) {
    around_.note("connector", name_of(answer.body));
    if (const auto* refused = std::get_if<error_reply>(&answer.body)) outcomes_.emplace(answer.request, error{refused->code, refused->text});
    else outcomes_.emplace(answer.request, std::move(answer.body));
}

void connector_node::perform(time_point, connector_failure&& failed) {
    around_.note("connector", failed.why.message);
    outcomes_.emplace(failed.request, std::move(failed.why));
}

void connector_node::on_work(time_point, std::uint8_t, std::uint64_t) {
    if (opened_) return;
    send_frame(encode(channel_frame::kind::open, nonce_));
    schedule(world_now() + open_retry, open_again);
}

bool connector_node::take(time_point here, const endpoint& from, byte_span payload) {
    const auto frame = decode_channel_frame(payload);
    if (!frame || from != server_ || frame->nonce != nonce_) return true;
    switch (frame->what) {
        case channel_frame::kind::opened:
            if (!std::exchange(opened_, true)) (*core()).on_channel_opened(here, exporter_of(around_.crypto, nonce_));
            break;
        case channel_frame::kind::record: (*core()).on_record(here, frame->record); break;
        case channel_frame::kind::closed:
            if (!opened_) break;
            (*core()).on_channel_closed(here);
            open();
            break;
        case channel_frame::kind::open: break;
    }
    return true;
}

}  // namespace p2pdist::sim
