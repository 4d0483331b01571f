#pragma once
// All message bodies, for the codec's dispatch. A new message is: its struct and its place in message_body (messages.hpp), its pb
// message and its field in pb::Body, named like the struct (messages.proto), a line here, a pair of overloads, and a golden file.

#include "codec.hpp"
#include "messages.pb.h"
#include "p2pdist/wire/messages.hpp"

// struct (also the field's name in pb::Body), pb message
#define P2PDIST_BODIES_WITH_FIELDS(X)                        \
    X(error_reply, ErrorReply)                               \
    X(large_offer, LargeOffer)                               \
    X(revocations_request, RevocationsRequest)               \
    X(revocations_reply, RevocationsReply)                   \
    X(register_request, RegisterRequest)                     \
    X(register_reply, RegisterReply)                         \
    X(heartbeat, Heartbeat)                                  \
    X(heartbeat_reply, HeartbeatReply)                       \
    X(topology_view, TopologyView)                           \
    X(settings_reply, SettingsReply)                         \
    X(content_request, ContentRequest)                       \
    X(content_reply, ContentReply)                           \
    X(locate_request, LocateRequest)                         \
    X(locate_reply, LocateReply)                             \
    X(holdings_report, HoldingsReport)                       \
    X(peer_report, PeerReport)                               \
    X(link_report, LinkReport)                               \
    X(renew_request, RenewRequest)                           \
    X(renew_reply, RenewReply)                               \
    X(state_changed, StateChanged)                           \
    X(want_request, WantRequest)                             \
    X(want_reply, WantReply)                                 \
    X(discovery_request, DiscoveryRequest)                   \
    X(discovery_reply, DiscoveryReply)                       \
    X(activate_request, ActivateRequest)                     \
    X(activate_reply, ActivateReply)                         \
    X(health_reply, HealthReply)                             \
    X(licences_reply, LicencesReply)                         \
    X(publish_request, PublishRequest)                       \
    X(publish_reply, PublishReply)                           \
    X(contents_reply, ContentsReply)                         \
    X(remove_content_request, RemoveContentRequest)          \
    X(holders_request, HoldersRequest)                       \
    X(holders_reply, HoldersReply)                           \
    X(topology_export_request, TopologyExportRequest)        \
    X(topology_export_reply, TopologyExportReply)            \
    X(topology_import_request, TopologyImportRequest)        \
    X(topology_import_reply, TopologyImportReply)            \
    X(clients_reply, ClientsReply)                           \
    X(offices_reply, OfficesReply)                           \
    X(links_reply, LinksReply)                               \
    X(settings_set_request, SettingsSetRequest)              \
    X(revoke_request, RevokeRequest)                         \
    X(reinstate_request, ReinstateRequest)                   \
    X(rotate_epoch_request, RotateEpochRequest)              \
    X(rotate_epoch_reply, RotateEpochReply)

#define P2PDIST_BODIES_EMPTY(X)                              \
    X(ping, Ping)                                            \
    X(pong, Pong)                                            \
    X(accepted, Accepted)                                    \
    X(unregister, Unregister)                                \
    X(topology_request, TopologyRequest)                     \
    X(settings_request, SettingsRequest)                     \
    X(holdings_reply, HoldingsReply)                         \
    X(health_request, HealthRequest)                         \
    X(licences_request, LicencesRequest)                     \
    X(contents_request, ContentsRequest)                     \
    X(clients_request, ClientsRequest)                       \
    X(offices_request, OfficesRequest)                       \
    X(links_request, LinksRequest)                           \
    X(settings_show_request, SettingsShowRequest)

namespace p2pdist::pb {

#define P2PDIST_DECLARE(name, Pb)            \
    void to_pb(const name& from, Pb& to);    \
    [[nodiscard]] bool from_pb(const Pb& from, name& to);
P2PDIST_BODIES_WITH_FIELDS(P2PDIST_DECLARE)
#undef P2PDIST_DECLARE

/// Whether parsing an encoded Body takes memory in proportion to what its lists may hold, whatever its bytes say. True says nothing of
/// their sense.
[[nodiscard]] bool is_bounded(byte_span body) noexcept;

// Words that several themes use.
void to_pb(const device_profile& from, Profile& to);
[[nodiscard]] bool from_pb(const Profile& from, device_profile& to);
void to_pb(const peer_info& from, Peer& to);
[[nodiscard]] bool from_pb(const Peer& from, peer_info& to);
void to_pb(const state_versions& from, Versions& to);
[[nodiscard]] bool from_pb(const Versions& from, state_versions& to);
void to_pb(const held_list& from, HeldList& to);
[[nodiscard]] bool from_pb(const HeldList& from, held_list& to);

[[nodiscard]] inline bool holding_state_from(std::uint32_t from, holding_state& to) noexcept {
    return enum_from(from, to, holding_state::none, holding_state::complete);
}

}  // namespace p2pdist::pb
