#pragma once
// Every message of the system as a plain struct, and the codec between them and bytes. protobuf stays inside src/wire; fields keep
// their numbers for ever (src/wire/messages.proto), unknown ones are skipped.
//
// A request is answered by its own reply struct or by error_reply. Messages between clients carry no secret (CON-3).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/wire/admin_messages.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "p2pdist/wire/message_words.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

// ---- any direction

/// The other side refuses; the sentence is for people.
struct error_reply {
    errc code = errc::refused;
    std::string text;
    friend bool operator==(const error_reply&, const error_reply&) = default;
};
/// Announces a message or reply that is too large for one datagram; the receiver fetches it as message_object{token}.
struct large_offer {
    std::uint64_t token = 0;
    std::uint64_t size_bytes = 0;     ///< of encode_body() of the message that it stands for
    digest sha256{};                  ///< of the same bytes
    transfer_protocol protocol = transfer_protocol::background;  ///< names the large port pair (MSG-2, MSG-4)
    friend bool operator==(const large_offer&, const large_offer&) = default;
};
/// "Are you there?" Answered by pong; health checks and succession use it.
struct ping {
    friend bool operator==(const ping&, const ping&) = default;
};
/// The answer to ping.
struct pong {
    friend bool operator==(const pong&, const pong&) = default;
};

/// Asks server or client for the newest revocation list that it has (SEC-2). error_reply with not_found where it has none.
struct revocations_request {
    held_list list{};   ///< that the asker has
    friend bool operator==(const revocations_request&, const revocations_request&) = default;
};
/// Signed by the server, so that anyone may pass it on.
struct revocations_reply {
    bytes list;   ///< of envelope/revocation_list.hpp; at most limits::revocation_list_bytes_max
    friend bool operator==(const revocations_reply&, const revocations_reply&) = default;
};

// ---- client to server

/// A client tells the server that it is there, and where (CLI-5). Answered by register_reply.
struct register_request {
    device_profile profile;
    ip_address address;
    std::uint8_t prefix_bits = 0;   ///< of the interface, at most address.bits(); OFF-6
    std::string host_name;
    std::string software_version;
    held_list list{};
    friend bool operator==(const register_request&, const register_request&) = default;
};
/// The client is known.
struct register_reply {
    state_versions versions;
    std::string office;                        ///< own office's name; empty: in no office (OFF-1)
    std::uint32_t heartbeat_interval_ms = 0;
    std::int64_t server_time_s = 0;
    friend bool operator==(const register_reply&, const register_reply&) = default;
};
/// "I am still there", every heartbeat_interval_ms. Answered by heartbeat_reply.
struct heartbeat {
    device_profile profile;
    held_list list{};
    friend bool operator==(const heartbeat&, const heartbeat&) = default;
};
/// What is new.
struct heartbeat_reply {
    state_versions versions;
    bool known = false;   ///< false: register again
    friend bool operator==(const heartbeat_reply&, const heartbeat_reply&) = default;
};
/// Frees the licence at uninstallation (INS-3).
struct unregister {
    friend bool operator==(const unregister&, const unregister&) = default;
};
/// Answered by topology_view.
struct topology_request {
    friend bool operator==(const topology_request&, const topology_request&) = default;
};
/// The part of the topology that the asking client needs: its ancestors, its office and everything below (spreadsheet text).
struct topology_view {
    std::uint64_t version = 0;
    std::string spreadsheet;
    friend bool operator==(const topology_view&, const topology_view&) = default;
};
/// Answered by settings_reply.
struct settings_request {
    friend bool operator==(const settings_request&, const settings_request&) = default;
};
/// The settings that clients may know, by key.
struct settings_reply {
    std::uint64_t version = 0;
    std::vector<std::pair<std::string, std::string>> settings;
    friend bool operator==(const settings_reply&, const settings_reply&) = default;
};
/// What is this id? Answered by content_reply, or errc::not_found.
struct content_request {
    content_id id;
    friend bool operator==(const content_request&, const content_request&) = default;
};
/// Size and hash of a published content.
struct content_reply {
    content_info content;
    bool server_has_it = false;   ///< the server can send it to clients of the central office (SRV-5)
    friend bool operator==(const content_reply&, const content_reply&) = default;
};
/// Where is this content, as seen from my office upwards?
struct locate_request {
    content_key content;
    friend bool operator==(const locate_request&, const locate_request&) = default;
};
/// A client at its place in an office's ranking.
struct ranked_peer {
    peer_info peer;
    device_profile profile;   ///< the snapshot that the ranking used, frozen for this content (RANK-7)
    friend bool operator==(const ranked_peer&, const ranked_peer&) = default;
};
/// One office of the path: who could be its rendezvous point, best first, and who holds the content.
struct office_sources {
    std::string office;                       ///< empty: the office of its own of a client that is in none
    std::vector<ranked_peer> roster;          ///< acting rendezvous point and succession, best first; at most locate_roster_max
    std::vector<peer_info> holders;           ///< complete holders, best first; at most locate_holders_max
    std::uint32_t holders_elsewhere = 0;
    friend bool operator==(const office_sources&, const office_sources&) = default;
};
/// Who could have the content, office by office.
struct locate_reply {
    content_info content;
    std::vector<office_sources> path;         ///< own office first, then parent, ..., central office
    bool server_has_it = false;
    std::uint32_t holders_outside = 0;        ///< holders that are neither here nor above, for `explain` (OFF-2)
    friend bool operator==(const locate_reply&, const locate_reply&) = default;
};
/// What a client holds of one content.
struct holding {
    content_key content;
    holding_state state = holding_state::none;
    bool acting = false;                      ///< this client is the acting rendezvous point for it
    friend bool operator==(const holding&, const holding&) = default;
};
/// What this client has now. `complete_list` replaces all that the server knew of the client.
struct holdings_report {
    std::vector<holding> holdings;
    bool complete_list = false;
    friend bool operator==(const holdings_report&, const holdings_report&) = default;
};
/// Sent after the database committed (SRV-6).
struct holdings_reply {
    friend bool operator==(const holdings_reply&, const holdings_reply&) = default;
};
/// A peer served bad chunks (SEC-3), proven by authenticated bytes.
struct peer_report {
    client_id peer;
    content_key content;
    std::uint64_t chunk = 0;
    std::string what;
    friend bool operator==(const peer_report&, const peer_report&) = default;
};
/// Content bytes that crossed this client's office link since the last report, for `links` and OBS-1.
struct link_report {
    content_key content;
    std::uint64_t bytes_in_from_parent = 0;
    std::uint64_t bytes_out_to_child = 0;
    std::string child_office;                 ///< of bytes_out_to_child
    std::uint64_t boot = 0;                   ///< of this run of the client, by chance
    std::uint64_t number = 0;                 ///< of its reports, from 1, in order: one that is repeated counts once
    friend bool operator==(const link_report&, const link_report&) = default;
};
/// A new certificate, and what belongs to it, without the enrolment key: the one request that a member may make whose key epoch is
/// no longer accepted. envelope/renewal.hpp makes and reads both.
struct renew_request {
    std::array<std::uint8_t, 32> ephemeral{};   ///< X25519 public key, fresh for this request
    friend bool operator==(const renew_request&, const renew_request&) = default;
};
/// Only the asker can read it.
struct renew_reply {
    bytes sealed;   ///< the grant, encrypted, since messages are not (CON-3)
    friend bool operator==(const renew_reply&, const renew_reply&) = default;
};
/// The answer to peer_report, link_report and unregister.
struct accepted {
    friend bool operator==(const accepted&, const accepted&) = default;
};

// ---- server to client

/// Something changed; the client asks for what it does not have. Also pushed when activation happens.
struct state_changed {
    state_versions versions;
    friend bool operator==(const state_changed&, const state_changed&) = default;
};

// ---- client to client

/// "I want this content; I ask you as rendezvous point of `office` (or as a holder)."
struct want_request {
    content_info content;
    std::string office;            ///< the office whose rendezvous point is meant
    bool as_rendezvous_point = false;  ///< the asker acts for its own office: it will relay
    std::uint64_t revocations = 0;     ///< number of the asker's revocation list: whoever has an older one asks him for it
    friend bool operator==(const want_request&, const want_request&) = default;
};
/// What a client says to a want_request.
enum class want_verdict : std::uint8_t {
    holder = 1,      ///< all of it is here: fetch
    acting = 2,      ///< acting rendezvous point, and downloading: fetch what is here, more will come
    partial = 3,     ///< some of it is here, from another rendezvous point
    not_me = 4,      ///< another one acts: see `acting_peer`
    cannot = 5,      ///< no space, paused by its user, or not sharing (VPN); ask the next in rank
    unknown = 6,     ///< nothing of it is here and nobody is known to act
};
/// Where to fetch from.
struct want_reply {
    want_verdict verdict = want_verdict::cannot;
    std::optional<peer_info> acting_peer;
    std::vector<peer_info> others;   ///< of the same office, that fetch or hold it too: further sources; at most want_others_max
    std::string text;
    std::uint64_t revocations = 0;   ///< number of the answerer's revocation list
    friend bool operator==(const want_reply&, const want_reply&) = default;
};
/// Broadcast (MSG-3): who in my subnet has or fetches this? Answered by holders only.
struct discovery_request {
    content_key content;
    friend bool operator==(const discovery_request&, const discovery_request&) = default;
};
/// A holder in the same subnet.
struct discovery_reply {
    content_key content;
    holding_state state = holding_state::none;
    bool acting = false;
    device_profile profile;
    std::uint64_t revocations = 0;   ///< number of the answerer's revocation list
    friend bool operator==(const discovery_reply&, const discovery_reply&) = default;
};

/// Every message; monostate stands for none.
using message_body = std::variant<
    std::monostate, error_reply, large_offer, ping, pong, revocations_request, revocations_reply,
    register_request, register_reply, heartbeat, heartbeat_reply, unregister, topology_request, topology_view, settings_request, settings_reply,
    content_request, content_reply, locate_request, locate_reply, holdings_report, holdings_reply, peer_report, link_report, renew_request, renew_reply, accepted,
    state_changed, want_request, want_reply, discovery_request, discovery_reply,
    activate_request, activate_reply, health_request, health_reply, licences_request, licences_reply, publish_request, publish_reply,
    contents_request, contents_reply, remove_content_request, holders_request, holders_reply, topology_export_request, topology_export_reply,
    topology_import_request, topology_import_reply, clients_request, clients_reply, offices_request, offices_reply, links_request, links_reply,
    settings_set_request, settings_show_request, revoke_request, reinstate_request, rotate_epoch_request, rotate_epoch_reply>;

/// What one sealed frame of frame_type::message carries.
struct message {
    std::uint64_t id = 0;         ///< of the sender, never reused; 0 in a pure acknowledgement
    std::uint64_t reply_to = 0;   ///< the request that this answers or acknowledges; 0: none
    bool acknowledge = false;     ///< the receiver is asked to acknowledge this message itself (it is a request or an offered reply)
    message_body body;            ///< monostate: a pure acknowledgement of `reply_to`; where `id` is not 0: a body of a newer program
    friend bool operator==(const message&, const message&) = default;
};

/// Sentences longer than limits::message_text_bytes_max, names longer than message_name_bytes_max and the short lists of locate_reply
/// and want_reply are cut to their limits, uptimes to whole seconds.
[[nodiscard]] P2PDIST_API bytes encode(const message& value);
/// The body alone, as large messages and broadcasts carry it. `body` is not monostate.
[[nodiscard]] P2PDIST_API bytes encode_body(const message_body& body);
/// errc::malformed for bytes that do not parse or values outside their documented ranges; an errc that this program doesn't know reads
/// as errc::refused. A message without a body is an acknowledgement: id 0, reply_to something; any other has an id. A body that this
/// program does not know reads as monostate, so that it can be refused and nobody waits for an answer (MSG-6).
[[nodiscard]] P2PDIST_API result<message> decode_message(byte_span data);
/// The same; never gives monostate.
[[nodiscard]] P2PDIST_API result<message_body> decode_body(byte_span data);
/// The name of the body's struct ("register_request"), for logs and counters; "acknowledgement" for monostate.
[[nodiscard]] P2PDIST_API const char* name_of(const message_body& body) noexcept;

}  // namespace p2pdist
