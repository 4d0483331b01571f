// The codec of flow control signals.

#include "codec.hpp"
#include "flow_control.pb.h"
#include "p2pdist/base/assert.hpp"
#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist {
namespace pb {

constexpr std::uint64_t packet_numbers = std::uint64_t{1} << 32;

// ---- open, accept, status, close

void to_pb(const flow_open& from, pb::FlowOpen& to) {
    if (const auto* message = std::get_if<message_object>(&from.object)) to.set_message_token(message->token);
    if (const auto* content = std::get_if<content_object>(&from.object)) to_pb(content->content, *to.mutable_content());
    to.set_protocol(static_cast<std::uint32_t>(from.protocol));
    to.set_strict(from.strict);
    to.set_datagram_bytes_max(from.datagram_bytes_max);
    bytes_to(from.status, *to.mutable_status());
}

bool from_pb(const pb::FlowOpen& from, flow_open& to) {
    if (from.object_case() == pb::FlowOpen::kMessageToken) {
        to.object = message_object{from.message_token()};
    } else if (from.object_case() == pb::FlowOpen::kContent) {
        content_object content;
        if (!from_pb(from.content(), content.content)) return false;
        to.object = std::move(content);
    } else {
        return false;
    }
    to.strict = from.strict();
    to.datagram_bytes_max = from.datagram_bytes_max();
    return enum_from(from.protocol(), to.protocol, transfer_protocol::foreground, transfer_protocol::background) &&
           to.datagram_bytes_max >= flow_datagram_bytes_min && to.datagram_bytes_max <= limits::datagram_bytes_receive_max &&
           bytes_from(from.status(), to.status, flow_status_bytes_max);
}

void to_pb(const flow_accept& from, pb::FlowAccept& to) {
    to.set_object_bytes(from.object_bytes);
    bytes_to(from.status, *to.mutable_status());
}

bool from_pb(const pb::FlowAccept& from, flow_accept& to) {
    to.object_bytes = from.object_bytes();
    return to.object_bytes <= flow_object_bytes_max && bytes_from(from.status(), to.status, flow_status_bytes_max);
}

void to_pb(const flow_status& from, pb::FlowStatus& to) {
    to.set_sequence(from.sequence);
    to.set_status_sequence_seen(from.status_sequence_seen);
    to.set_paused(from.paused);
    bytes_to(from.status, *to.mutable_status());
}

bool from_pb(const pb::FlowStatus& from, flow_status& to) {
    to.sequence = from.sequence();
    to.status_sequence_seen = from.status_sequence_seen();
    to.paused = from.paused();
    return bytes_from(from.status(), to.status, flow_status_bytes_max);
}

void to_pb(const flow_close& from, pb::FlowClose& to) {
    to.set_reason(static_cast<std::uint32_t>(from.reason));
    text_to(from.text, *to.mutable_text(), flow_text_bytes_max);
    to.set_retry_after_ms(from.retry_after_ms);
}

bool from_pb(const pb::FlowClose& from, flow_close& to) {
    to.reason = errc_from(from.reason());
    to.retry_after_ms = from.retry_after_ms();
    return text_from(from.text(), to.text, flow_text_bytes_max);
}

// ---- feedback

void to_pb(const flow_feedback& from, pb::FlowFeedback& to) {
    const auto newest_delay = static_cast<std::int32_t>(from.received_at_us - from.echo_sent_at_us);
    const std::array<std::uint64_t, 13> numbers{
        from.sequence,
        from.want_generation,
        from.largest_packet,
        zigzag(std::uint64_t{from.largest_packet} + 1 - from.received_packets),
        from.received_bytes,
        from.held_us,
        zigzag(static_cast<std::uint64_t>(std::int64_t{from.delay_min_us} - newest_delay)),
        zigzag(static_cast<std::uint64_t>(std::int64_t{from.delay_max_us} - from.delay_min_us)),
        from.interval_packets,
        from.status_sequence_seen,
        from.status_sequence,
        from.ce_packets,
        from.strict ? 1u : 0u,
    };
    auto count = numbers.size();
    while (count > 0 && numbers[count - 1] == 0) --count;
    to.mutable_numbers()->Add(numbers.begin(), numbers.begin() + count);

    std::uint64_t before = 0;
    std::size_t ranges = 0;
    for (const auto& range : from.wanted) {
        if (range.length == 0) continue;
        if (++ranges > flow_ranges_max) break;
        to.add_wanted(zigzag(range.first - before));
        to.add_wanted(range.length);
        before = range.end();
    }
    before = std::uint64_t{from.largest_packet} + 1;
    ranges = 0;
    for (const auto& range : from.acknowledged) {
        if (range.length == 0) continue;
        if (++ranges > flow_ranges_max) break;
        P2PDIST_ASSERT(range.end() <= before);
        to.add_acknowledged(before - range.end());
        to.add_acknowledged(range.length);
        before = range.first;
    }
    to.set_echo_sent_at_us(from.echo_sent_at_us);
    to.set_received_at_us(from.received_at_us);
    bytes_to(from.status, *to.mutable_status());
}

bool numbers_from(const pb::FlowFeedback& from, flow_feedback& to) {
    const auto number = [&from](int index) { return index < from.numbers_size() ? from.numbers(index) : 0; };
    const auto signed_number = [&number](int index) { return unzigzag(number(index)); };
    const auto newest_delay = static_cast<std::int32_t>(to.received_at_us - to.echo_sent_at_us);
    bool ok = narrow(number(0), to.sequence) && narrow(number(1), to.want_generation) && narrow(number(2), to.largest_packet);
    to.received_packets = std::uint64_t{to.largest_packet} + 1 - signed_number(3);
    to.received_bytes = number(4);
    ok = ok && narrow(number(5), to.held_us);
    // Added modulo 2^64: whatever wraps there is outside 32 bits and refused.
    ok = ok && narrow(static_cast<std::int64_t>(static_cast<std::uint64_t>(std::int64_t{newest_delay}) + signed_number(6)), to.delay_min_us);
    ok = ok && narrow(static_cast<std::int64_t>(static_cast<std::uint64_t>(std::int64_t{to.delay_min_us}) + signed_number(7)), to.delay_max_us);
    ok = ok && narrow(number(8), to.interval_packets) && narrow(number(9), to.status_sequence_seen) && narrow(number(10), to.status_sequence);
    to.ce_packets = number(11);
    to.strict = number(12) != 0;
    return ok;
}

bool wanted_from(const google::protobuf::RepeatedField<std::uint64_t>& from, std::vector<index_range>& to) {
    if (from.size() % 2 != 0 || static_cast<std::size_t>(from.size()) > 2 * flow_ranges_max) return false;
    std::uint64_t before = 0;
    for (int i = 0; i < from.size(); i += 2) {
        const index_range range{before + unzigzag(from[i]), from[i + 1]};
        if (range.length == 0 || range.length > flow_object_bytes_max || range.first > flow_object_bytes_max - range.length) return false;
        before = range.end();
        to.push_back(range);
    }
    return true;
}

bool acknowledged_from(const google::protobuf::RepeatedField<std::uint64_t>& from, std::uint64_t before, std::vector<index_range>& to) {
    if (from.size() % 2 != 0 || static_cast<std::size_t>(from.size()) > 2 * flow_ranges_max) return false;
    for (int i = 0; i < from.size(); i += 2) {
        const auto gap = from[i];
        const auto length = from[i + 1];
        if (length == 0 || gap > packet_numbers || length > packet_numbers || gap + length > before) return false;
        before -= gap + length;
        to.push_back({before, length});
    }
    return true;
}

bool from_pb(const pb::FlowFeedback& from, flow_feedback& to) {
    to.echo_sent_at_us = from.echo_sent_at_us();
    to.received_at_us = from.received_at_us();
    return numbers_from(from, to) && wanted_from(from.wanted(), to.wanted) &&
           acknowledged_from(from.acknowledged(), std::uint64_t{to.largest_packet} + 1, to.acknowledged) &&
           bytes_from(from.status(), to.status, flow_status_bytes_max);
}

/// Reads `from` as the alternative `Signal` of `to`.
template <class Signal, class Pb>
bool signal_from(const Pb& from, flow_control& to) {
    return from_pb(from, to.signal.emplace<Signal>());
}

bool from_pb(const pb::FlowControl& from, flow_control& to) {
    to.token = from.token();
    switch (from.signal_case()) {
        case pb::FlowControl::kOpen:
            to.to_sender = true;
            return signal_from<flow_open>(from.open(), to);
        case pb::FlowControl::kAccept:
            return signal_from<flow_accept>(from.accept(), to);
        case pb::FlowControl::kFeedback:
            to.to_sender = true;
            return signal_from<flow_feedback>(from.feedback(), to);
        case pb::FlowControl::kStatus:
            return signal_from<flow_status>(from.status(), to);
        case pb::FlowControl::kClose:
            to.to_sender = from.close().to_sender();
            return signal_from<flow_close>(from.close(), to);
        case pb::FlowControl::SIGNAL_NOT_SET:
            break;
    }
    return false;
}

void to_pb(const flow_control& from, pb::FlowControl& to) {
    to.set_token(from.token);
    if (const auto* open = std::get_if<flow_open>(&from.signal)) to_pb(*open, *to.mutable_open());
    if (const auto* accept = std::get_if<flow_accept>(&from.signal)) to_pb(*accept, *to.mutable_accept());
    if (const auto* feedback = std::get_if<flow_feedback>(&from.signal)) to_pb(*feedback, *to.mutable_feedback());
    if (const auto* status = std::get_if<flow_status>(&from.signal)) to_pb(*status, *to.mutable_status());
    if (const auto* close = std::get_if<flow_close>(&from.signal)) {
        to_pb(*close, *to.mutable_close());
        to.mutable_close()->set_to_sender(from.to_sender);
    }
}

}  // namespace pb

bytes encode(const flow_control& control) {
    pb::in_arena<pb::FlowControl> arena;
    auto& out = *arena;
    pb::to_pb(control, out);
    return pb::serialise(out);
}

result<flow_control> decode_flow_control(byte_span data) {
    pb::in_arena<pb::FlowControl> arena;
    auto& in = *arena;
    flow_control out;
    if (!pb::parse(data, in) || !pb::from_pb(in, out)) return {errc::malformed, "flow control: malformed"};
    return out;
}

}  // namespace p2pdist
