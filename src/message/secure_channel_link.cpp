#include "p2pdist/message/secure_channel_link.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

/// Both ends derive it from the channel's key material, so that flow keys name the session that they belong to.
session_number session_of(const crypto_suite& crypto, const secret_key& exporter) {
    const auto hash = crypto.hmac_sha256(exporter, {as_bytes("p2pdist channel session")});
    byte_reader reader(hash);
    return reader.u32();
}

}  // namespace

secure_channel_link::secure_channel_link(const crypto_suite& crypto, const client_id& self, role own_role, std::uint16_t own_port,
                                         const version_range& versions)
    : crypto_(&crypto), self_(self), own_role_(own_role), own_port_(own_port), versions_(versions) {}

void secure_channel_link::open(std::uint64_t channel, const endpoint& remote, const secret_key& exporter) {
    auto& entry = channels_[channel];
    entry.remote = remote;
    entry.exporter = exporter;
    entry.session = session_of(*crypto_, exporter);
    entry.peer.reset();
    entry.version = versions_.max;
    if (own_role_ == role::connector) entry.peer = secure_channel_server;
}

void secure_channel_link::close(std::uint64_t channel) {
    channels_.erase(channel);
    std::erase_if(output_, [channel](const secure_channel_record& record) { return record.channel == channel; });
}

std::optional<secure_channel_link::incoming> secure_channel_link::on_record(time_point now, std::uint64_t channel, byte_span record) {
    const auto found = channels_.find(channel);
    if (found == channels_.end() || record.size() < 2) {
        ++dropped_;
        return std::nullopt;
    }
    auto& entry = found->second;
    const auto version = record.front();
    record = record.subspan(1);
    const auto type = frame_type_of(record);
    if (type == frame_type::version_refused && record.size() >= 3 && record[1] <= record[2]) return on_refusal(entry, {record[1], record[2]});
    if (version < versions_.min || version > versions_.max) return on_other_version(channel, version);
    entry.version = version;
    if (!type) {
        ++dropped_;
        return std::nullopt;
    }
    if (*type == frame_type::data || *type == frame_type::data_strict) {
        received_datagram datagram;
        datagram.local.port = own_port_;
        datagram.from = entry.remote;
        datagram.received_at = now;
        datagram.payload = record;
        return datagram;
    }
    opened frame;
    byte_reader reader(record.subspan(1));
    const auto sender = reader.raw(frame.from.value.size());
    if (!reader.ok() || (*type != frame_type::message && *type != frame_type::flow_control)) {
        ++dropped_;
        return std::nullopt;
    }
    std::copy(sender.begin(), sender.end(), frame.from.value.begin());
    if (frame.from == self_ || (entry.peer && *entry.peer != frame.from)) {
        ++dropped_;
        return std::nullopt;
    }
    entry.peer = frame.from;
    frame.type = *type;
    frame.way = {own_port_, entry.remote};
    frame.session = entry.session;
    frame.sender_role = own_role_ == role::connector ? role::server : role::connector;
    frame.payload = reader.rest();
    return frame;
}

/// What was said in the refused version counts as lost: the layers above say it again.
std::optional<secure_channel_link::incoming> secure_channel_link::on_refusal(open_channel& entry, const version_range& theirs) {
    if (own_role_ == role::server) return std::nullopt;  // it refuses, and is never refused
    if (const auto common = common_version(versions_, theirs)) {
        entry.version = *common;
        return std::nullopt;
    }
    return secure_channel_mismatch{theirs};
}

std::optional<secure_channel_link::incoming> secure_channel_link::on_other_version(std::uint64_t channel, std::uint8_t theirs) {
    ++dropped_;
    if (own_role_ != role::server) return secure_channel_mismatch{{theirs, theirs}};
    put(channel, {versions_.max, static_cast<std::uint8_t>(frame_type::version_refused), versions_.min, versions_.max});
    return std::nullopt;
}

void secure_channel_link::carry(const send_datagram& datagram) {
    const auto to_remote = [&](const auto& entry) { return entry.second.remote == datagram.to; };
    const auto found = std::find_if(channels_.rbegin(), channels_.rend(), to_remote);
    if (found == channels_.rend()) {
        ++dropped_;
        return;
    }
    bytes record{found->second.version};
    record.insert(record.end(), datagram.header.begin(), datagram.header.end());
    record.insert(record.end(), datagram.payload.view.begin(), datagram.payload.view.end());
    put(found->first, std::move(record));
}

std::optional<secure_channel_record> secure_channel_link::poll() {
    if (output_.empty()) return std::nullopt;
    auto out = std::move(output_.front());
    output_.pop_front();
    return out;
}

send_status secure_channel_link::send(time_point, const client_id& peer, const path&, frame_type type, byte_span payload) {
    if (payload.size() > frame_payload_max()) return send_status::too_large;
    const auto found = newest_to(peer);
    if (found == channels_.end()) return send_status::full;
    bytes record;
    record.reserve(secure_channel_header_bytes + payload.size());
    byte_writer writer(record);
    writer.u8(found->second.version);
    writer.u8(static_cast<std::uint8_t>(type));
    writer.raw(self_.value);
    writer.raw(payload);
    put(found->first, std::move(record));
    return send_status::sealed;
}

void secure_channel_link::put(std::uint64_t channel, bytes record) {
    if (output_.size() >= limits::secure_channel_output_records_max || record.size() > secure_channel_record_bytes_max) {
        ++dropped_;
        return;
    }
    output_.push_back({channel, std::move(record)});
}

std::optional<session_number> secure_channel_link::current_session(const client_id& peer) const noexcept {
    const auto found = newest_to(peer);
    if (found == channels_.end()) return std::nullopt;
    return found->second.session;
}

bool secure_channel_link::receives_at(const client_id& peer, const ip_address& address) const noexcept {
    const auto found = newest_to(peer);
    return found != channels_.end() && found->second.remote.address == address;
}

std::optional<short_key> secure_channel_link::flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                                       const client_id& flow_receiver) const {
    for (const auto& [channel, entry] : channels_) {
        if (entry.peer != peer || entry.session != session) continue;
        bytes named;
        byte_writer(named).u32(token);
        const auto hash = crypto_->hmac_sha256(entry.exporter, {as_bytes("p2pdist channel flow"), named, flow_receiver.value});
        short_key key;
        std::copy_n(hash.begin(), key.size(), key.begin());
        return key;
    }
    return std::nullopt;
}

secure_channel_link::channel_map::const_iterator secure_channel_link::newest_to(const client_id& peer) const noexcept {
    const auto found = std::find_if(channels_.rbegin(), channels_.rend(), [&](const auto& entry) { return entry.second.peer == peer; });
    return found == channels_.rend() ? channels_.end() : std::prev(found.base());
}

}  // namespace p2pdist
