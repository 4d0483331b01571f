// The words that several messages use, and the messages that go in any direction.

#include "codec_bodies.hpp"

namespace p2pdist::pb {
namespace {

constexpr std::uint32_t kind_preferred = 1;
constexpr std::uint32_t kind_laptop = 2;
constexpr std::uint32_t kind_workstation = 4;
constexpr auto uptime_max = std::chrono::duration_cast<std::chrono::seconds>(duration::max());

}  // namespace

void to_pb(const device_profile& from, Profile& to) {
    to.set_free_storage_bytes(from.free_storage_bytes);
    to.set_usable_storage_bytes(from.usable_storage_bytes);
    to.set_kind((from.preferred ? kind_preferred : 0) | (from.model == device_model::laptop ? kind_laptop : 0) |
                (from.os == os_kind::workstation ? kind_workstation : 0));
    to.set_uptime_s(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::max(from.uptime, duration::zero())).count()));
    to.set_version(from.version);
}

bool from_pb(const Profile& from, device_profile& to) {
    to.free_storage_bytes = from.free_storage_bytes();
    to.usable_storage_bytes = from.usable_storage_bytes();
    to.preferred = (from.kind() & kind_preferred) != 0;
    to.model = (from.kind() & kind_laptop) != 0 ? device_model::laptop : device_model::desktop;
    to.os = (from.kind() & kind_workstation) != 0 ? os_kind::workstation : os_kind::server;
    to.version = from.version();
    if (from.uptime_s() > static_cast<std::uint64_t>(uptime_max.count())) return false;
    to.uptime = std::chrono::seconds(static_cast<std::int64_t>(from.uptime_s()));
    return true;
}

void to_pb(const peer_info& from, Peer& to) {
    bytes_to(from.id.value, *to.mutable_id());
    bytes_to(from.key, *to.mutable_key());
    address_to(from.address, *to.mutable_address());
}

bool from_pb(const Peer& from, peer_info& to) {
    return bytes_from(from.id(), to.id.value) && bytes_from(from.key(), to.key) && address_from(from.address(), to.address);
}

void to_pb(const state_versions& from, Versions& to) {
    to.set_topology(from.topology);
    to.set_settings(from.settings);
    to.set_contents(from.contents);
    to.set_key_epoch(from.key_epoch);
    to.set_activated(from.activated);
    to.set_revocations(from.revocations);
}

bool from_pb(const Versions& from, state_versions& to) {
    to.topology = from.topology();
    to.settings = from.settings();
    to.contents = from.contents();
    to.activated = from.activated();
    to.revocations = from.revocations();
    return narrow(from.key_epoch(), to.key_epoch);
}

void to_pb(const held_list& from, HeldList& to) {
    to.set_number(from.number);
    to.set_oldest_epoch(from.oldest_epoch);
}

bool from_pb(const HeldList& from, held_list& to) {
    to.number = from.number();
    return narrow(from.oldest_epoch(), to.oldest_epoch);
}

void to_pb(const error_reply& from, ErrorReply& to) {
    to.set_code(static_cast<std::uint32_t>(from.code));
    text_to(from.text, *to.mutable_text());
}

bool from_pb(const ErrorReply& from, error_reply& to) {
    to.code = errc_from(from.code());
    return text_from(from.text(), to.text);
}

void to_pb(const large_offer& from, LargeOffer& to) {
    to.set_token(from.token);
    to.set_size_bytes(from.size_bytes);
    bytes_to(from.sha256, *to.mutable_sha256());
    to.set_protocol(static_cast<std::uint32_t>(from.protocol));
}

bool from_pb(const LargeOffer& from, large_offer& to) {
    to.token = from.token();
    to.size_bytes = from.size_bytes();
    return bytes_from(from.sha256(), to.sha256) &&
           enum_from(from.protocol(), to.protocol, transfer_protocol::foreground, transfer_protocol::background);
}

void to_pb(const revocations_request& from, RevocationsRequest& to) {
    if (from.list != held_list{}) to_pb(from.list, *to.mutable_list());
}
bool from_pb(const RevocationsRequest& from, revocations_request& to) { return from_pb(from.list(), to.list); }

void to_pb(const revocations_reply& from, RevocationsReply& to) { bytes_to(from.list, *to.mutable_list()); }
bool from_pb(const RevocationsReply& from, revocations_reply& to) {
    return bytes_from(from.list(), to.list, limits::revocation_list_bytes_max);
}

}  // namespace p2pdist::pb
