// The messages between connector and server that carry tables: holders, topology, clients, offices, links.

#include "codec_bodies.hpp"

namespace p2pdist::pb {

void to_pb(const holders_request& from, HoldersRequest& to) { *to.mutable_id() = from.id.text(); }
bool from_pb(const HoldersRequest& from, holders_request& to) { return content_id_from(from.id(), to.id); }

static void to_pb(const holder_row& from, HolderRow& to) {
    bytes_to(from.id.value, *to.mutable_id());
    address_to(from.address, *to.mutable_address());
    name_to(from.office, *to.mutable_office());
    name_to(from.host_name, *to.mutable_host_name());
    to.set_state(static_cast<std::uint32_t>(from.state));
}

static bool from_pb(const HolderRow& from, holder_row& to) {
    return bytes_from(from.id(), to.id.value) && address_from(from.address(), to.address) && name_from(from.office(), to.office) &&
           name_from(from.host_name(), to.host_name) && holding_state_from(from.state(), to.state);
}

void to_pb(const holders_reply& from, HoldersReply& to) { list_to(from.rows, *to.mutable_rows()); }
bool from_pb(const HoldersReply& from, holders_reply& to) { return list_from(from.rows(), to.rows); }

// ---- topology

void to_pb(const topology_export_request& from, TopologyExportRequest& to) { to.set_detected(from.detected); }

bool from_pb(const TopologyExportRequest& from, topology_export_request& to) {
    to.detected = from.detected();
    return true;
}

void to_pb(const topology_export_reply& from, TopologyExportReply& to) {
    to.set_version(from.version);
    text_to(from.spreadsheet, *to.mutable_spreadsheet(), limits::spreadsheet_bytes_max);
}

bool from_pb(const TopologyExportReply& from, topology_export_reply& to) {
    to.version = from.version();
    return document_from(from.spreadsheet(), to.spreadsheet, limits::spreadsheet_bytes_max);
}

/// A spreadsheet in another encoding still gets to the server, which tells its owner what is wrong with it (OFF-5).
void to_pb(const topology_import_request& from, TopologyImportRequest& to) {
    *to.mutable_spreadsheet() = from.spreadsheet;
    to.set_check_only(from.check_only);
}

bool from_pb(const TopologyImportRequest& from, topology_import_request& to) {
    to.spreadsheet = from.spreadsheet();
    to.check_only = from.check_only();
    return to.spreadsheet.size() <= limits::spreadsheet_bytes_max;
}

static void to_pb(const refusal_row& from, RefusalRow& to) {
    to.set_row(from.row);
    name_to(from.column, *to.mutable_column());
    text_to(from.reason, *to.mutable_reason());
}

static bool from_pb(const RefusalRow& from, refusal_row& to) {
    to.row = from.row();
    return name_from(from.column(), to.column) && text_from(from.reason(), to.reason);
}

void to_pb(const topology_import_reply& from, TopologyImportReply& to) {
    to.set_imported(from.imported);
    to.set_version(from.version);
    to.set_offices(from.offices);
    list_to(from.refusals, *to.mutable_refusals());
    list_to(from.warnings, *to.mutable_warnings());
}

bool from_pb(const TopologyImportReply& from, topology_import_reply& to) {
    to.imported = from.imported();
    to.version = from.version();
    to.offices = from.offices();
    return list_from(from.refusals(), to.refusals) && list_from(from.warnings(), to.warnings);
}

// ---- clients, offices, links

static void to_pb(const client_row& from, ClientRow& to) {
    bytes_to(from.id.value, *to.mutable_id());
    address_to(from.address, *to.mutable_address());
    name_to(from.office, *to.mutable_office());
    name_to(from.host_name, *to.mutable_host_name());
    name_to(from.software_version, *to.mutable_software_version());
    to_pb(from.profile, *to.mutable_profile());
    to.set_last_seen_s(from.last_seen_s);
    to.set_active(from.active);
    to.set_revoked_s(from.revoked.since_s);
    text_to(from.revoked.reason, *to.mutable_revocation_reason(), limits::revocation_reason_bytes_max);
}

static bool from_pb(const ClientRow& from, client_row& to) {
    to.last_seen_s = from.last_seen_s();
    to.active = from.active();
    to.revoked.since_s = from.revoked_s();
    return bytes_from(from.id(), to.id.value) && address_from(from.address(), to.address) && name_from(from.office(), to.office) &&
           name_from(from.host_name(), to.host_name) && name_from(from.software_version(), to.software_version) &&
           from_pb(from.profile(), to.profile) &&
           text_from(from.revocation_reason(), to.revoked.reason, limits::revocation_reason_bytes_max);
}

void to_pb(const clients_reply& from, ClientsReply& to) { list_to(from.rows, *to.mutable_rows()); }
bool from_pb(const ClientsReply& from, clients_reply& to) { return list_from(from.rows(), to.rows); }

static void to_pb(const office_row& from, OfficeRow& to) {
    name_to(from.name, *to.mutable_name());
    name_to(from.type, *to.mutable_type());
    name_to(from.parent, *to.mutable_parent());
    to.set_clients(from.clients);
    to.set_active(from.active);
    name_to(from.rendezvous_point, *to.mutable_rendezvous_point());
}

static bool from_pb(const OfficeRow& from, office_row& to) {
    to.clients = from.clients();
    to.active = from.active();
    return name_from(from.name(), to.name) && name_from(from.type(), to.type) && name_from(from.parent(), to.parent) &&
           name_from(from.rendezvous_point(), to.rendezvous_point);
}

void to_pb(const offices_reply& from, OfficesReply& to) { list_to(from.rows, *to.mutable_rows()); }
bool from_pb(const OfficesReply& from, offices_reply& to) { return list_from(from.rows(), to.rows); }

static void to_pb(const link_row& from, LinkRow& to) {
    name_to(from.office, *to.mutable_office());
    *to.mutable_content() = from.content.text();
    to.set_size_bytes(from.size_bytes);
    to.set_bytes_in(from.bytes_in);
    to.set_bytes_out(from.bytes_out);
}

static bool from_pb(const LinkRow& from, link_row& to) {
    to.size_bytes = from.size_bytes();
    to.bytes_in = from.bytes_in();
    to.bytes_out = from.bytes_out();
    return name_from(from.office(), to.office) && content_id_from(from.content(), to.content);
}

void to_pb(const links_reply& from, LinksReply& to) { list_to(from.rows, *to.mutable_rows()); }
bool from_pb(const LinksReply& from, links_reply& to) { return list_from(from.rows(), to.rows); }

}  // namespace p2pdist::pb
