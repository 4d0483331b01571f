// The messages between connector and server: activation, health, licences, contents, settings.

#include "codec_bodies.hpp"

namespace p2pdist::pb {

void to_pb(const activate_request& from, ActivateRequest& to) {
    name_to(from.licence_key, *to.mutable_licence_key());
    to.set_seats(from.seats);
}

bool from_pb(const ActivateRequest& from, activate_request& to) {
    to.seats = from.seats();
    return name_from(from.licence_key(), to.licence_key);
}

void to_pb(const activate_reply& from, ActivateReply& to) {
    to.set_bought(from.bought);
    to.set_used(from.used);
    to.set_already_active(from.already_active);
}

bool from_pb(const ActivateReply& from, activate_reply& to) {
    to.bought = from.bought();
    to.used = from.used();
    to.already_active = from.already_active();
    return true;
}

static void to_pb(const health_finding& from, HealthFinding& to) {
    to.set_severity(from.severity);
    name_to(from.subject, *to.mutable_subject());
    text_to(from.text, *to.mutable_text());
}

static bool from_pb(const HealthFinding& from, health_finding& to) {
    return narrow(from.severity(), to.severity) && to.severity <= 2 && name_from(from.subject(), to.subject) && text_from(from.text(), to.text);
}

void to_pb(const health_reply& from, HealthReply& to) {
    name_to(from.software_version, *to.mutable_software_version());
    to.set_uptime_s(from.uptime_s);
    to.set_activated(from.activated);
    to.set_clients_registered(from.clients_registered);
    to.set_clients_active(from.clients_active);
    to.set_contents(from.contents);
    to.set_offices(from.offices);
    list_to(from.findings, *to.mutable_findings());
}

bool from_pb(const HealthReply& from, health_reply& to) {
    to.uptime_s = from.uptime_s();
    to.activated = from.activated();
    to.clients_registered = from.clients_registered();
    to.clients_active = from.clients_active();
    to.contents = from.contents();
    to.offices = from.offices();
    return name_from(from.software_version(), to.software_version) && list_from(from.findings(), to.findings);
}

void to_pb(const licences_reply& from, LicencesReply& to) {
    to.set_activated(from.activated);
    to.set_bought(from.bought);
    to.set_used(from.used);
    to.set_surplus(from.surplus);
}

bool from_pb(const LicencesReply& from, licences_reply& to) {
    to.activated = from.activated();
    to.bought = from.bought();
    to.used = from.used();
    to.surplus = from.surplus();
    return true;
}

void to_pb(const publish_request& from, PublishRequest& to) { list_to(from.contents, *to.mutable_contents()); }
bool from_pb(const PublishRequest& from, publish_request& to) { return list_from(from.contents(), to.contents); }

void to_pb(const publish_reply& from, PublishReply& to) {
    to.set_added(from.added);
    to.set_unchanged(from.unchanged);
}

bool from_pb(const PublishReply& from, publish_reply& to) {
    to.added = from.added();
    to.unchanged = from.unchanged();
    return true;
}

static void to_pb(const content_row& from, ContentRow& to) {
    to_pb(from.content, *to.mutable_content());
    to.set_holders_complete(from.holders_complete);
    to.set_holders_partial(from.holders_partial);
    to.set_published_s(from.published_s);
}

static bool from_pb(const ContentRow& from, content_row& to) {
    to.holders_complete = from.holders_complete();
    to.holders_partial = from.holders_partial();
    to.published_s = from.published_s();
    return from_pb(from.content(), to.content);
}

void to_pb(const contents_reply& from, ContentsReply& to) { list_to(from.rows, *to.mutable_rows()); }
bool from_pb(const ContentsReply& from, contents_reply& to) { return list_from(from.rows(), to.rows); }

void to_pb(const remove_content_request& from, RemoveContentRequest& to) { *to.mutable_id() = from.id.text(); }
bool from_pb(const RemoveContentRequest& from, remove_content_request& to) { return content_id_from(from.id(), to.id); }

void to_pb(const settings_set_request& from, SettingsSetRequest& to) {
    name_to(from.key, *to.mutable_key());
    text_to(from.value, *to.mutable_value(), limits::message_value_bytes_max);
}

bool from_pb(const SettingsSetRequest& from, settings_set_request& to) {
    return name_from(from.key(), to.key) && document_from(from.value(), to.value, limits::message_value_bytes_max);
}

// ---- revocation

void to_pb(const revoke_request& from, RevokeRequest& to) {
    bytes_to(from.id.value, *to.mutable_id());
    text_to(from.reason, *to.mutable_reason(), limits::revocation_reason_bytes_max);
    to.set_unregistered(from.unregistered);
}

bool from_pb(const RevokeRequest& from, revoke_request& to) {
    to.unregistered = from.unregistered();
    return bytes_from(from.id(), to.id.value) && text_from(from.reason(), to.reason, limits::revocation_reason_bytes_max);
}

void to_pb(const reinstate_request& from, ReinstateRequest& to) { bytes_to(from.id.value, *to.mutable_id()); }
bool from_pb(const ReinstateRequest& from, reinstate_request& to) { return bytes_from(from.id(), to.id.value); }

void to_pb(const rotate_epoch_request& from, RotateEpochRequest& to) { to.set_at_once(from.at_once); }
bool from_pb(const RotateEpochRequest& from, rotate_epoch_request& to) {
    to.at_once = from.at_once();
    return true;
}

void to_pb(const rotate_epoch_reply& from, RotateEpochReply& to) {
    to.set_key_epoch(from.key_epoch);
    to.set_oldest_accepted(from.oldest_accepted);
}

bool from_pb(const RotateEpochReply& from, rotate_epoch_reply& to) {
    to.key_epoch = from.key_epoch();
    to.oldest_accepted = from.oldest_accepted();
    return true;
}

}  // namespace p2pdist::pb
