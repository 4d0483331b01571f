#pragma once
// What a connector asks the server, inside the encrypted channel, and the answers (CON-1). Part of messages.hpp.

#include <cstdint>
#include <string>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/wire/message_words.hpp"

namespace p2pdist {

/// A licence (ACT-1). Answered by activate_reply.
struct activate_request {
    std::string licence_key;
    std::uint32_t seats = 0;
    friend bool operator==(const activate_request&, const activate_request&) = default;
};
/// Seats bought and used.
struct activate_reply {
    std::uint32_t bought = 0;
    std::uint32_t used = 0;
    bool already_active = false;
    friend bool operator==(const activate_reply&, const activate_reply&) = default;
};
/// Answered by health_reply.
struct health_request {
    friend bool operator==(const health_request&, const health_request&) = default;
};
/// One thing that is well, or is not.
struct health_finding {
    std::uint8_t severity = 0;   ///< 0 good, 1 warning, 2 error
    std::string subject;         ///< "database", "topology", "central office", ...
    std::string text;            ///< what is wrong and how to mend it
    friend bool operator==(const health_finding&, const health_finding&) = default;
};
/// How the server is.
struct health_reply {
    std::string software_version;
    std::uint64_t uptime_s = 0;
    bool activated = false;
    std::uint32_t clients_registered = 0;
    std::uint32_t clients_active = 0;
    std::uint32_t contents = 0;
    std::uint32_t offices = 0;
    std::vector<health_finding> findings;
    friend bool operator==(const health_reply&, const health_reply&) = default;
};
/// Answered by licences_reply.
struct licences_request {
    friend bool operator==(const licences_request&, const licences_request&) = default;
};
/// Seats bought, used and above what was bought.
struct licences_reply {
    bool activated = false;
    std::uint32_t bought = 0;
    std::uint32_t used = 0;
    std::uint32_t surplus = 0;   ///< ACT-3: counted and billed, never refused
    friend bool operator==(const licences_reply&, const licences_reply&) = default;
};
/// Makes contents known, all or none (CLI-6). Answered by publish_reply.
struct publish_request {
    std::vector<content_info> contents;
    friend bool operator==(const publish_request&, const publish_request&) = default;
};
/// How many were new, and how many known alike.
struct publish_reply {
    std::uint32_t added = 0;
    std::uint32_t unchanged = 0;
    friend bool operator==(const publish_reply&, const publish_reply&) = default;
};
/// Answered by contents_reply.
struct contents_request {
    friend bool operator==(const contents_request&, const contents_request&) = default;
};
/// A published content and how many hold it.
struct content_row {
    content_info content;
    std::uint32_t holders_complete = 0;
    std::uint32_t holders_partial = 0;
    std::int64_t published_s = 0;
    friend bool operator==(const content_row&, const content_row&) = default;
};
/// All that is published, by id.
struct contents_reply {
    std::vector<content_row> rows;
    friend bool operator==(const contents_reply&, const contents_reply&) = default;
};
/// Takes a content out of the catalogue. Answered by `accepted`, or errc::not_found.
struct remove_content_request {
    content_id id;
    friend bool operator==(const remove_content_request&, const remove_content_request&) = default;
};
/// Answered by holders_reply.
struct holders_request {
    content_id id;
    friend bool operator==(const holders_request&, const holders_request&) = default;
};
/// A client that holds a content, or part of it.
struct holder_row {
    client_id id;
    ip_address address;
    std::string office;
    std::string host_name;
    holding_state state = holding_state::none;
    friend bool operator==(const holder_row&, const holder_row&) = default;
};
/// All holders of a content.
struct holders_reply {
    std::vector<holder_row> rows;
    friend bool operator==(const holders_reply&, const holders_reply&) = default;
};
/// Answered by topology_export_reply.
struct topology_export_request {
    bool detected = false;   ///< the one that the system detected (OFF-6) instead of the one in force
    friend bool operator==(const topology_export_request&, const topology_export_request&) = default;
};
/// The topology as CSV (OFF-5).
struct topology_export_reply {
    std::uint64_t version = 0;
    std::string spreadsheet;
    friend bool operator==(const topology_export_reply&, const topology_export_reply&) = default;
};
/// A new topology as CSV (OFF-5), or only its check. Answered by topology_import_reply.
struct topology_import_request {
    std::string spreadsheet;
    bool check_only = false;
    friend bool operator==(const topology_import_request&, const topology_import_request&) = default;
};
/// What is wrong with a topology, and where.
struct refusal_row {
    std::uint32_t row = 0;   ///< 1-based, the header is row 1; 0: the file as a whole
    std::string column;
    std::string reason;
    friend bool operator==(const refusal_row&, const refusal_row&) = default;
};
/// Whether it is in force.
struct topology_import_reply {
    bool imported = false;
    std::uint64_t version = 0;
    std::uint32_t offices = 0;
    std::vector<refusal_row> refusals;   ///< with any of these nothing was changed (OFF-5)
    std::vector<refusal_row> warnings;
    friend bool operator==(const topology_import_reply&, const topology_import_reply&) = default;
};
/// Answered by clients_reply.
struct clients_request {
    friend bool operator==(const clients_request&, const clients_request&) = default;
};
/// Whether and why a client was revoked.
struct revocation_mark {
    std::int64_t since_s = 0;   ///< wall-clock seconds; 0: it is not revoked
    std::string reason;
    friend bool operator==(const revocation_mark&, const revocation_mark&) = default;
};
/// A registered client.
struct client_row {
    client_id id;
    ip_address address;
    std::string office;
    std::string host_name;
    std::string software_version;
    device_profile profile;
    std::int64_t last_seen_s = 0;
    bool active = false;
    revocation_mark revoked;
    friend bool operator==(const client_row&, const client_row&) = default;
};
/// All registered clients, by id.
struct clients_reply {
    std::vector<client_row> rows;
    friend bool operator==(const clients_reply&, const clients_reply&) = default;
};
/// Answered by offices_reply.
struct offices_request {
    friend bool operator==(const offices_request&, const offices_request&) = default;
};
/// An office and how many of its clients there are.
struct office_row {
    std::string name;
    std::string type;
    std::string parent;
    std::uint32_t clients = 0;
    std::uint32_t active = 0;
    std::string rendezvous_point;   ///< best in rank now: id and address; empty where there is none
    friend bool operator==(const office_row&, const office_row&) = default;
};
/// All offices of the topology in force, in its order.
struct offices_reply {
    std::vector<office_row> rows;
    friend bool operator==(const offices_reply&, const offices_reply&) = default;
};
/// Answered by links_reply.
struct links_request {
    friend bool operator==(const links_request&, const links_request&) = default;
};
/// Bytes of a content over an office's link to its parent (OBS-1).
struct link_row {
    std::string office;
    content_id content;
    std::uint64_t size_bytes = 0;
    std::uint64_t bytes_in = 0;    ///< content bytes that entered over the link to the parent
    std::uint64_t bytes_out = 0;   ///< content bytes that left over it, towards the parent: 0 as long as content only travels down (OFF-2)
    friend bool operator==(const link_row&, const link_row&) = default;
};
/// By office, then content.
struct links_reply {
    std::vector<link_row> rows;
    friend bool operator==(const links_reply&, const links_reply&) = default;
};
/// Changes one setting. Answered by settings_reply, or by errc::not_found or errc::invalid_argument with what may be.
struct settings_set_request {
    std::string key;
    std::string value;   ///< empty: back to the default
    friend bool operator==(const settings_set_request&, const settings_set_request&) = default;
};
/// Shows all settings to the connector (the clients' settings_reply holds only what clients may know).
struct settings_show_request {
    friend bool operator==(const settings_show_request&, const settings_show_request&) = default;
};
/// Shuts a client out (SEC-2), at once where the server is reached, and for good by the next key epoch. Answered by `accepted`, also
/// where it was revoked before. Its record stays, so that it cannot enrol again.
struct revoke_request {
    client_id id;
    std::string reason;   ///< shown in `clients`; at most limits::revocation_reason_bytes_max
    bool unregistered = false;   ///< also one that is not registered, whose certificate may count all the same; otherwise that is not_found
    friend bool operator==(const revoke_request&, const revoke_request&) = default;
};
/// Lets a revoked client in again: it renews its certificate by itself. Answered by `accepted`.
struct reinstate_request {
    client_id id;
    friend bool operator==(const reinstate_request&, const reinstate_request&) = default;
};
/// A new key epoch without a revocation.
struct rotate_epoch_request {
    bool at_once = false;   ///< refuse the former epoch now instead of after the grace period: members that don't reach the server stand alone
    friend bool operator==(const rotate_epoch_request&, const rotate_epoch_request&) = default;
};
/// The epoch in force, and the oldest that is still accepted.
struct rotate_epoch_reply {
    std::uint32_t key_epoch = 0;
    std::uint32_t oldest_accepted = 0;
    friend bool operator==(const rotate_epoch_reply&, const rotate_epoch_reply&) = default;
};

}  // namespace p2pdist
