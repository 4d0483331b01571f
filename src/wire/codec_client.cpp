// The messages between client and server.

#include "codec_bodies.hpp"

namespace p2pdist::pb {

// ---- registration

void to_pb(const register_request& from, RegisterRequest& to) {
    to_pb(from.profile, *to.mutable_profile());
    address_to(from.address, *to.mutable_address());
    to.set_prefix_bits(from.prefix_bits);
    name_to(from.host_name, *to.mutable_host_name());
    name_to(from.software_version, *to.mutable_software_version());
    if (from.list != held_list{}) to_pb(from.list, *to.mutable_list());
}

bool from_pb(const RegisterRequest& from, register_request& to) {
    return from_pb(from.profile(), to.profile) && address_from(from.address(), to.address) && narrow(from.prefix_bits(), to.prefix_bits) &&
           to.prefix_bits <= to.address.bits() && name_from(from.host_name(), to.host_name) &&
           name_from(from.software_version(), to.software_version) && from_pb(from.list(), to.list);
}

void to_pb(const register_reply& from, RegisterReply& to) {
    to_pb(from.versions, *to.mutable_versions());
    name_to(from.office, *to.mutable_office());
    to.set_heartbeat_interval_ms(from.heartbeat_interval_ms);
    to.set_server_time_s(from.server_time_s);
}

bool from_pb(const RegisterReply& from, register_reply& to) {
    to.heartbeat_interval_ms = from.heartbeat_interval_ms();
    to.server_time_s = from.server_time_s();
    return from_pb(from.versions(), to.versions) && name_from(from.office(), to.office);
}

void to_pb(const heartbeat& from, Heartbeat& to) {
    to_pb(from.profile, *to.mutable_profile());
    if (from.list != held_list{}) to_pb(from.list, *to.mutable_list());
}
bool from_pb(const Heartbeat& from, heartbeat& to) { return from_pb(from.profile(), to.profile) && from_pb(from.list(), to.list); }

void to_pb(const heartbeat_reply& from, HeartbeatReply& to) {
    to_pb(from.versions, *to.mutable_versions());
    to.set_known(from.known);
}

bool from_pb(const HeartbeatReply& from, heartbeat_reply& to) {
    to.known = from.known();
    return from_pb(from.versions(), to.versions);
}

void to_pb(const state_changed& from, StateChanged& to) { to_pb(from.versions, *to.mutable_versions()); }
bool from_pb(const StateChanged& from, state_changed& to) { return from_pb(from.versions(), to.versions); }

// ---- certificates

void to_pb(const renew_request& from, RenewRequest& to) { bytes_to(from.ephemeral, *to.mutable_ephemeral()); }
bool from_pb(const RenewRequest& from, renew_request& to) { return bytes_from(from.ephemeral(), to.ephemeral); }

void to_pb(const renew_reply& from, RenewReply& to) { bytes_to(from.sealed, *to.mutable_sealed()); }
bool from_pb(const RenewReply& from, renew_reply& to) { return bytes_from(from.sealed(), to.sealed, limits::datagram_bytes_max); }

// ---- topology and settings

void to_pb(const topology_view& from, TopologyView& to) {
    to.set_version(from.version);
    text_to(from.spreadsheet, *to.mutable_spreadsheet(), limits::spreadsheet_bytes_max);
}

bool from_pb(const TopologyView& from, topology_view& to) {
    to.version = from.version();
    return document_from(from.spreadsheet(), to.spreadsheet, limits::spreadsheet_bytes_max);
}

static void to_pb(const std::pair<std::string, std::string>& from, Setting& to) {
    name_to(from.first, *to.mutable_key());
    text_to(from.second, *to.mutable_value(), limits::message_value_bytes_max);
}

static bool from_pb(const Setting& from, std::pair<std::string, std::string>& to) {
    return name_from(from.key(), to.first) && document_from(from.value(), to.second, limits::message_value_bytes_max);
}

void to_pb(const settings_reply& from, SettingsReply& to) {
    to.set_version(from.version);
    list_to(from.settings, *to.mutable_settings(), limits::message_settings_max);
}

bool from_pb(const SettingsReply& from, settings_reply& to) {
    to.version = from.version();
    return list_from(from.settings(), to.settings, limits::message_settings_max);
}

// ---- what the client has, and what it saw

static void to_pb(const holding& from, Holding& to) {
    to_pb(from.content, *to.mutable_content());
    to.set_state(static_cast<std::uint32_t>(from.state));
    to.set_acting(from.acting);
}

static bool from_pb(const Holding& from, holding& to) {
    to.acting = from.acting();
    return from_pb(from.content(), to.content) && holding_state_from(from.state(), to.state);
}

void to_pb(const holdings_report& from, HoldingsReport& to) {
    list_to(from.holdings, *to.mutable_holdings());
    to.set_complete_list(from.complete_list);
}

bool from_pb(const HoldingsReport& from, holdings_report& to) {
    to.complete_list = from.complete_list();
    return list_from(from.holdings(), to.holdings);
}

void to_pb(const peer_report& from, PeerReport& to) {
    bytes_to(from.peer.value, *to.mutable_peer());
    to_pb(from.content, *to.mutable_content());
    to.set_chunk(from.chunk);
    text_to(from.what, *to.mutable_what());
}

bool from_pb(const PeerReport& from, peer_report& to) {
    to.chunk = from.chunk();
    return bytes_from(from.peer(), to.peer.value) && from_pb(from.content(), to.content) && text_from(from.what(), to.what);
}

void to_pb(const link_report& from, LinkReport& to) {
    to_pb(from.content, *to.mutable_content());
    to.set_bytes_in_from_parent(from.bytes_in_from_parent);
    to.set_bytes_out_to_child(from.bytes_out_to_child);
    name_to(from.child_office, *to.mutable_child_office());
    to.set_boot(from.boot);
    to.set_number(from.number);
}

bool from_pb(const LinkReport& from, link_report& to) {
    to.bytes_in_from_parent = from.bytes_in_from_parent();
    to.bytes_out_to_child = from.bytes_out_to_child();
    to.boot = from.boot();
    to.number = from.number();
    return from_pb(from.content(), to.content) && name_from(from.child_office(), to.child_office);
}

}  // namespace p2pdist::pb
