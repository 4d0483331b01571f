// The messages by which a content is found: at the server, at other clients, by broadcast.

#include "codec_bodies.hpp"

namespace p2pdist::pb {

// ---- at the server

void to_pb(const content_request& from, ContentRequest& to) { *to.mutable_id() = from.id.text(); }
bool from_pb(const ContentRequest& from, content_request& to) { return content_id_from(from.id(), to.id); }

void to_pb(const content_reply& from, ContentReply& to) {
    to_pb(from.content, *to.mutable_content());
    to.set_server_has_it(from.server_has_it);
}

bool from_pb(const ContentReply& from, content_reply& to) {
    to.server_has_it = from.server_has_it();
    return from_pb(from.content(), to.content);
}

void to_pb(const locate_request& from, LocateRequest& to) { to_pb(from.content, *to.mutable_content()); }
bool from_pb(const LocateRequest& from, locate_request& to) { return from_pb(from.content(), to.content); }

static void to_pb(const ranked_peer& from, RankedPeer& to) {
    to_pb(from.peer, *to.mutable_peer());
    to_pb(from.profile, *to.mutable_profile());
}

static bool from_pb(const RankedPeer& from, ranked_peer& to) {
    return from_pb(from.peer(), to.peer) && from_pb(from.profile(), to.profile);
}

/// Holders are often in the roster as well; those travel as their place in it, which keeps a locate_reply near one datagram.
static void to_pb(const office_sources& from, OfficeSources& to) {
    name_to(from.office, *to.mutable_office());
    list_to(from.roster, *to.mutable_roster(), limits::locate_roster_max);
    const auto roster_end = from.roster.begin() + to.roster_size();
    const auto holders = std::min(from.holders.size(), limits::locate_holders_max);
    for (std::size_t i = 0; i < holders; ++i) {
        const auto& holder = from.holders[i];
        const auto place = std::find_if(from.roster.begin(), roster_end, [&holder](const ranked_peer& entry) { return entry.peer == holder; });
        if (place == roster_end)
            to_pb(holder, *to.add_holders()->mutable_peer());
        else
            to.add_holders()->set_roster_place(static_cast<std::uint32_t>(place - from.roster.begin()) + 1);
    }
    to.set_holders_elsewhere(from.holders_elsewhere);
}

static bool from_pb(const OfficeSources& from, office_sources& to) {
    to.holders_elsewhere = from.holders_elsewhere();
    if (!name_from(from.office(), to.office) || !list_from(from.roster(), to.roster, limits::locate_roster_max)) return false;
    if (static_cast<std::size_t>(from.holders_size()) > limits::locate_holders_max) return false;
    for (const auto& holder : from.holders()) {
        peer_info peer;
        if (const auto place = holder.roster_place(); place > 0) {
            if (place > to.roster.size()) return false;
            peer = to.roster[place - 1].peer;
        } else if (!from_pb(holder.peer(), peer)) {
            return false;
        }
        to.holders.push_back(std::move(peer));
    }
    return true;
}

void to_pb(const locate_reply& from, LocateReply& to) {
    to_pb(from.content, *to.mutable_content());
    list_to(from.path, *to.mutable_path(), limits::locate_path_max);
    to.set_server_has_it(from.server_has_it);
    to.set_holders_outside(from.holders_outside);
}

bool from_pb(const LocateReply& from, locate_reply& to) {
    to.server_has_it = from.server_has_it();
    to.holders_outside = from.holders_outside();
    return from_pb(from.content(), to.content) && list_from(from.path(), to.path, limits::locate_path_max);
}

// ---- at other clients

void to_pb(const want_request& from, WantRequest& to) {
    to_pb(from.content, *to.mutable_content());
    name_to(from.office, *to.mutable_office());
    to.set_as_rendezvous_point(from.as_rendezvous_point);
    to.set_revocations(from.revocations);
}

bool from_pb(const WantRequest& from, want_request& to) {
    to.as_rendezvous_point = from.as_rendezvous_point();
    to.revocations = from.revocations();
    return from_pb(from.content(), to.content) && name_from(from.office(), to.office);
}

void to_pb(const want_reply& from, WantReply& to) {
    to.set_verdict(static_cast<std::uint32_t>(from.verdict));
    if (from.acting_peer) to_pb(*from.acting_peer, *to.mutable_acting_peer());
    list_to(from.others, *to.mutable_others(), limits::want_others_max);
    text_to(from.text, *to.mutable_text());
    to.set_revocations(from.revocations);
}

bool from_pb(const WantReply& from, want_reply& to) {
    to.revocations = from.revocations();
    if (from.has_acting_peer() && !from_pb(from.acting_peer(), to.acting_peer.emplace())) return false;
    return enum_from(from.verdict(), to.verdict, want_verdict::holder, want_verdict::unknown) &&
           list_from(from.others(), to.others, limits::want_others_max) && text_from(from.text(), to.text);
}

void to_pb(const discovery_request& from, DiscoveryRequest& to) { to_pb(from.content, *to.mutable_content()); }
bool from_pb(const DiscoveryRequest& from, discovery_request& to) { return from_pb(from.content(), to.content); }

void to_pb(const discovery_reply& from, DiscoveryReply& to) {
    to_pb(from.content, *to.mutable_content());
    to.set_state(static_cast<std::uint32_t>(from.state));
    to.set_acting(from.acting);
    to.set_revocations(from.revocations);
    to_pb(from.profile, *to.mutable_profile());
}

bool from_pb(const DiscoveryReply& from, discovery_reply& to) {
    to.acting = from.acting();
    to.revocations = from.revocations();
    return from_pb(from.content(), to.content) && holding_state_from(from.state(), to.state) && from_pb(from.profile(), to.profile);
}

}  // namespace p2pdist::pb
