#include "liar_flows.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "p2pdist/envelope/data_frame.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration lie_step = std::chrono::milliseconds(10);
constexpr duration forgotten_after = std::chrono::seconds(10);
constexpr duration sent_again_after = std::chrono::milliseconds(400);
constexpr std::size_t frames_a_step = 20;   // about 20 Mbit/s
constexpr std::uint64_t payload_max = 1172;

void put_varint(bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

constexpr std::array<std::string_view, static_cast<std::size_t>(liar_flows::manner::count_)> names{
    "wrong bytes", "some wrong bytes", "wrong proofs", "silence", "a drip", "stands aside", "claims all", "another size",
    "nonsense", "refuses", "never answers", "wrong bytes unsealed", "bytes outside", "honest bytes"};

}  // namespace

liar_flows::liar_flows(const crypto_suite& crypto, envelope& seal, random_source& random) : crypto_(&crypto), seal_(&seal), random_(&random) {
    if (random_->below(4) != 0) fixed_ = static_cast<manner>(random_->below(static_cast<std::uint64_t>(manner::count_)));
}

std::string_view liar_flows::manner_text() const { return fixed_ ? names[static_cast<std::size_t>(*fixed_)] : "a new lie for each flow"; }

void liar_flows::learn(const generated_content& content) {
    known_.push_back(content.info());
    const chunk_geometry geometry(content.info().size_bytes);
    bytes object(geometry.object_bytes());
    const auto tree = make_tree(*crypto_, *content.data());
    for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
        auto at = object.begin() + static_cast<std::ptrdiff_t>(geometry.region(chunk).offset);
        for (const auto& sibling : tree.proof(chunk)) at = std::copy(sibling.begin(), sibling.end(), at);
        const auto part = geometry.chunk(chunk);
        std::copy_n(content.data()->begin() + static_cast<std::ptrdiff_t>(part.offset), part.length, at);
    }
    objects_.insert_or_assign(content.info().key(), content_object_bytes{geometry, std::move(object)});
}

void liar_flows::say(time_point now, const client_id& peer, const path& way, const flow_control& what) {
    (void)seal_->send(now, peer, way, frame_type::flow_control, encode(what));
}

void liar_flows::on_control(time_point now, const opened& frame) {
    const auto control = decode_flow_control(frame.payload);
    if (!control) return;
    if (const auto* request = std::get_if<flow_open>(&control->signal)) return on_open(now, frame, control->token, *request);
    const auto found = served_.find({frame.from, control->token});
    if (found == served_.end()) return;
    if (const auto* feedback = std::get_if<flow_feedback>(&control->signal)) {
        auto& one = found->second;
        one.heard_at = now;
        one.wanted = feedback->wanted;
        one.strict = one.strict || feedback->strict;
        one.status_seen = std::max(one.status_seen, feedback->status_sequence);
    } else if (std::holds_alternative<flow_close>(control->signal)) {
        served_.erase(found);
    }
}

void liar_flows::on_open(time_point now, const opened& frame, std::uint32_t token, const flow_open& request) {
    const auto* object = std::get_if<content_object>(&request.object);
    if (object == nullptr || served_.contains({frame.from, token}) || served_.size() > 200) return;
    const auto how = fixed_.value_or(static_cast<manner>(random_->below(static_cast<std::uint64_t>(manner::count_))));
    const auto content = objects_.find(object->content.key());
    if (how == manner::never_answers || content == objects_.end()) return;
    if (how == manner::refuses) {
        const auto retry = static_cast<std::uint32_t>(random_->below(3) == 0 ? 0 : random_->below(3000));
        return say(now, frame.from, frame.way, {token, false, flow_close{static_cast<errc>(1 + random_->below(17)), "no", retry}});
    }
    const auto key = seal_->flow_key(frame.from, frame.session, token, frame.from);
    if (!key) return;
    served one;
    one.peer = frame.from;
    one.way = frame.way;
    one.token = token;
    one.key = *key;
    one.how = how;
    one.content = object->content.key();
    one.strict = request.strict;
    one.heard_at = now;
    const auto size = how == manner::other_size ? random_->below(flow_object_bytes_max) : content->second.geometry.object_bytes();
    say(now, frame.from, frame.way, {token, false, flow_accept{size, status_of(one, content->second)}});
    if (served_.empty() && pretended_.empty()) next_ = now;
    served_.emplace(std::pair(frame.from, token), std::move(one));
}

/// As docs/wire-format.md describes it.
bytes liar_flows::status_of(const served& one, const content_object_bytes& content) {
    bytes out{1};
    const auto chunks = content.geometry.chunk_count();
    if (one.how == manner::nonsense) {
        for (auto left = random_->below(60); left > 0; --left) out.push_back(static_cast<std::uint8_t>((*random_)()));
        return out;
    }
    const bool claims = one.how == manner::claims;
    out.push_back(claims ? 0 : 1);
    put_varint(out, 0);
    put_varint(out, claims ? 0 : chunks);
    put_varint(out, 0);
    put_varint(out, claims && chunks > 0 ? 1 : 0);
    if (claims && chunks > 0) {
        put_varint(out, 0);
        put_varint(out, chunks);
    }
    return out;
}

void liar_flows::on_timer(time_point now) {
    if (now < next_) return;
    next_ = now + lie_step;
    std::erase_if(served_, [now](const auto& entry) { return now > entry.second.heard_at + forgotten_after; });
    std::erase_if(pretended_, [now](const auto& one) { return now > one.until; });
    for (auto& [name, one] : served_) serve(now, one);
    for (auto& one : pretended_) lie_of_reception(now, one);
}

void liar_flows::serve(time_point now, served& one) {
    const auto& content = objects_.at(one.content);
    const bool wants_status = one.how == manner::aside || one.how == manner::claims || one.how == manner::nonsense;
    if (now >= one.status_at + std::chrono::seconds(1)) {
        one.status_at = now;
        if (wants_status) ++one.status;
        say(now, one.peer, one.way, {one.token, false, flow_status{one.status, one.status_seen, one.how == manner::aside, status_of(one, content)}});
    }
    switch (one.how) {
        case manner::wrong_bytes:
        case manner::some_wrong:
        case manner::wrong_proof:
        case manner::unsealed:
        case manner::honest: return send_frames(now, one);
        case manner::drip:
            if (!one.wanted.empty() && random_->below(100) == 0) {
                const auto offset = one.wanted.front().first + one.next_number;
                send_frame(now, one, offset, payload_for(one, offset, 1), one.strict);
            }
            return;
        case manner::outside:
            if (random_->below(4) == 0) {
                const auto offset = random_->below(2) == 0 ? random_->below(content.right.size() + 1) : random_->below(flow_object_bytes_max);
                send_frame(now, one, offset, bytes(random_->below(payload_max), 0x55), one.strict);
            }
            return;
        default: return;
    }
}

void liar_flows::send_frames(time_point now, served& one) {
    const auto size = objects_.at(one.content).right.size();
    std::erase_if(one.sent, [now](const auto& entry) { return now > entry.second + sent_again_after; });
    std::size_t left = frames_a_step;
    for (const auto& range : one.wanted) {
        for (auto offset = range.first; offset < range.end() && offset < size && left > 0; offset += payload_max) {
            if (!one.sent.try_emplace(offset, now).second) continue;
            const auto length = std::min({payload_max, range.end() - offset, size - offset});
            send_frame(now, one, offset, payload_for(one, offset, length), one.how != manner::unsealed && one.strict);
            --left;
        }
    }
}

bytes liar_flows::payload_for(const served& one, std::uint64_t offset, std::uint64_t length) {
    const auto& content = objects_.at(one.content);
    bytes out(length);
    for (std::uint64_t i = 0; i < length && offset + i < content.right.size(); ++i) {
        const auto at = offset + i;
        const auto chunk = content.geometry.chunk_at_object_offset(at);
        out[i] = content.right[at];
        const auto within = at - content.geometry.region(chunk).offset;
        const bool in_proof = within < content.geometry.proof_bytes(chunk);
        const bool wrong = one.how == manner::wrong_bytes || one.how == manner::unsealed || (one.how == manner::some_wrong && chunk % 8 == 0) ||
                           (one.how == manner::wrong_proof && in_proof);
        if (!wrong) continue;
        out[i] ^= 0x5a;
        ++wrong_in_payload_;
    }
    return out;
}

void liar_flows::send_frame(time_point now, served& one, std::uint64_t offset, bytes payload, bool strict) {
    data_header header;
    header.type = strict ? frame_type::data_strict : frame_type::data;
    header.token = one.token;
    header.packet_number = one.next_number++;
    header.sent_at_us = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
    header.offset = offset;
    const auto wrong = std::exchange(wrong_in_payload_, 0);
    if (strict) wrong_bytes_ += wrong;
    send_datagram out;
    out.from_port = one.way.local_port;
    out.to = one.way.remote;
    seal_data(*crypto_, one.key, header, payload, out.header);
    out.payload = shared_bytes(std::make_shared<const bytes>(std::move(payload)));
    out_.push_back(std::move(out));
}

std::optional<send_datagram> liar_flows::poll() {
    if (out_.empty()) return std::nullopt;
    auto first = std::move(out_.front());
    out_.pop_front();
    return first;
}

// ---- what it pretends to receive

void liar_flows::pretend_to_fetch(time_point now, const peer_info& from, const content_info& content) {
    if (pretended_.size() >= 40) return;
    if (!seal_->knows(from.id) && !seal_->add_peer(from.id, from.key)) return;
    const bool background = random_->below(4) == 0;
    pretended one;
    one.peer = from.id;
    one.way = {ports_[background ? port_use::content_bg : port_use::content_fg], {from.address, ports_[port_use::client_control]}};
    one.token = static_cast<std::uint32_t>((*random_)());
    one.object_bytes = chunk_geometry(content.size_bytes).object_bytes();
    one.until = now + std::chrono::seconds(1 + random_->below(30));
    flow_open request;
    request.object = content_object{content};
    request.protocol = background ? transfer_protocol::background : transfer_protocol::foreground;
    request.datagram_bytes_max = static_cast<std::uint32_t>(flow_datagram_bytes_min + random_->below(70'000));
    request.status = {1, static_cast<std::uint8_t>(random_->below(128))};
    say(now, one.peer, one.way, {one.token, true, request});
    if (served_.empty() && pretended_.empty()) next_ = now;
    pretended_.push_back(one);
}

/// All of it arrived, and more than was sent; or none, for ever; in no time, or before it was sent.
void liar_flows::lie_of_reception(time_point now, pretended& one) {
    if (random_->below(3) != 0) return;
    flow_feedback feedback;
    feedback.sequence = random_->below(20) == 0 ? static_cast<std::uint32_t>((*random_)()) : ++one.sequence;
    feedback.want_generation = static_cast<std::uint32_t>(random_->below(5));
    for (auto count = random_->below(4); count > 0; --count) {
        const auto first = random_->below(std::max<std::uint64_t>(one.object_bytes, 1));
        feedback.wanted.push_back({first, 1 + random_->below(one.object_bytes + 1000)});
    }
    feedback.largest_packet = static_cast<std::uint32_t>(random_->below(2) == 0 ? random_->below(100'000) : one.sequence * 40);
    feedback.received_packets = std::uint64_t{feedback.largest_packet} + random_->below(2) * random_->below(1000);
    feedback.received_bytes = feedback.received_packets * 1200;
    if (random_->below(8) != 0) feedback.acknowledged = {{0, std::uint64_t{feedback.largest_packet} + 1}};
    feedback.echo_sent_at_us = static_cast<std::uint32_t>((*random_)());
    feedback.received_at_us = static_cast<std::uint32_t>((*random_)());
    feedback.held_us = static_cast<std::uint32_t>(random_->below(2) == 0 ? 0 : (*random_)());
    feedback.delay_min_us = static_cast<std::int32_t>((*random_)());
    feedback.delay_max_us = feedback.delay_min_us;
    feedback.interval_packets = static_cast<std::uint32_t>(random_->below(1000));
    feedback.ce_packets = random_->below(1000);
    feedback.strict = random_->below(2) == 0;
    say(now, one.peer, one.way, {one.token, true, feedback});
}

}  // namespace p2pdist::sim
