#pragma once
// What the server keeps, and the seam to where it is kept (DB-1). The server core holds all of it in memory for reading; every
// change goes out as a catalogue_request and takes effect for others (a reply, an acknowledgement) only when its completion says
// that it is committed (SRV-6). The driver groups requests into transactions.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

/// Since when, why, and in which key epoch a client was shut out (SEC-2): no certificate of its own is of a newer one.
struct revocation_record {
    wall_time at;
    std::uint16_t key_epoch = 0;
    std::string reason;
    friend bool operator==(const revocation_record&, const revocation_record&) = default;
};

/// A member of the organisation, as it registered.
struct client_record {
    client_id id;
    std::array<std::uint8_t, 32> key{};
    ip_address address;
    std::uint8_t prefix_bits = 0;
    std::string host_name;
    std::string software_version;
    device_profile profile;
    wall_time registered;
    wall_time last_seen;
    std::optional<revocation_record> revoked;
    friend bool operator==(const client_record&, const client_record&) = default;
};

/// A published content.
struct content_record {
    content_info content;
    wall_time published;
    friend bool operator==(const content_record&, const content_record&) = default;
};

/// A client holds a content, or part of it.
struct holding_record {
    client_id client;
    holding what;
    friend bool operator==(const holding_record&, const holding_record&) = default;
};

/// The licence in force (ACT-1).
struct licence_record {
    std::string key;           ///< a digest under the server's own key: enough to tell another one
    std::uint32_t seats = 0;
    bool activated = false;
    friend bool operator==(const licence_record&, const licence_record&) = default;
};

/// The topology in force, so that a restarted server gives its version the same meaning as before.
struct topology_record {
    std::uint64_t version = 0;
    std::string spreadsheet;   ///< empty: none yet
    bool imported = false;     ///< false: the detected one (OFF-6)
    std::string unread{};      ///< an imported one that the program of that time could not read; until it can, or another is imported
    friend bool operator==(const topology_record&, const topology_record&) = default;
};

/// Of the key epoch in force (state_versions::key_epoch) and the revocation list, whose number is state_versions::revocations.
struct epoch_record {
    std::uint16_t oldest = 0;   ///< the oldest epoch that members accept; 0: as the one in force
    wall_time since;            ///< when the one in force began
    wall_time listed;           ///< when the list was made
    /// Certificates of older epochs are not renewed: the database was set back, and who was revoked in these is not known any more.
    std::uint16_t renewable_from = 0;
    friend bool operator==(const epoch_record&, const epoch_record&) = default;
};

/// Content bytes over an office's link to its parent.
struct link_record {
    std::string office;
    content_key content;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    friend bool operator==(const link_record&, const link_record&) = default;
};

/// A client says that another served bad chunks (SEC-3); the newest word of each.
struct peer_report_record {
    client_id peer;
    client_id reporter;
    content_id content;
    wall_time at;
    friend bool operator==(const peer_report_record&, const peer_report_record&) = default;
};

/// The newest report of a client that its office's link bytes contain, so that one which is repeated counts once. A boot has a number of
/// its own, and its reports count from 1; they come in order.
struct link_mark {
    client_id client;
    std::uint64_t boot = 0;
    std::uint64_t number = 0;   ///< 0: a client that does not number its reports
    friend bool operator==(const link_mark&, const link_mark&) = default;
};

/// All that a server knows when it starts. Every list is ordered by its key, which is unique in it.
struct catalogue_snapshot {
    std::vector<client_record> clients;      ///< by id
    std::vector<content_record> contents;    ///< by id
    std::vector<holding_record> holdings;    ///< by client, then content key
    std::vector<link_record> links;          ///< by office, then content key
    std::vector<peer_report_record> reports; ///< by peer, then reporter
    std::vector<content_info> removed;       ///< by id: what ids of removed contents meant, and mean for ever (CLI-6)
    std::vector<link_mark> link_marks;       ///< by client
    std::vector<std::pair<std::string, std::string>> settings;  ///< by key
    topology_record topology;
    licence_record licence;
    state_versions versions;
    epoch_record epochs;
    friend bool operator==(const catalogue_snapshot&, const catalogue_snapshot&) = default;
};

// One change each; applying the same one twice gives the same state, but for an add_link_bytes without a number.
struct put_client { client_record client; };             ///< adds or replaces
struct remove_client { client_id id; };                  ///< with its holdings and the reports by it; those of it stay
struct put_last_seen { std::vector<std::pair<client_id, wall_time>> seen; };  ///< of clients that are there; others are ignored
struct put_content { content_record content; };          ///< adds or replaces; it is not among the removed any more
struct remove_content { content_id id; };                ///< to the removed, without its holdings; the link bytes stay until others need their room
/// Adds or replaces, in the order given; holding_state::none removes. `replace_all` first removes all of the client.
struct put_holdings { client_id client; std::vector<holding> holdings; bool replace_all = false; };
/// Replaces the topology in force.
struct put_topology { topology_record topology; };
struct put_setting { std::string key; std::string value; };   ///< empty value: remove
/// Replaces the licence.
struct put_licence { licence_record licence; };
/// Replaces the counters by which clients notice what has changed.
struct put_versions { state_versions versions; };
/// Replaces what is known of key epochs.
struct put_epochs { epoch_record epochs; };
struct add_link_bytes { link_record delta; link_mark report{}; };   ///< nothing, where this report or a later one of its boot is counted
struct forget_link_bytes { content_key content; };       ///< of all offices
struct put_peer_report { peer_report_record report; };   ///< adds or replaces
struct forget_peer_reports { client_id peer; };          ///< all that is said of it

/// One of them.
using catalogue_change = std::variant<put_client, remove_client, put_last_seen, put_content, remove_content, put_holdings, put_topology,
                                      put_setting, put_licence, put_versions, put_epochs, add_link_bytes, put_peer_report,
                                      forget_peer_reports, forget_link_bytes>;

/// All of `changes` or none of them, durable before the completion. Requests take effect and complete in the order in which they
/// were given, and each completes exactly once.
struct catalogue_request {
    std::uint64_t id = 0;
    std::vector<catalogue_change> changes;
};
/// The answer to a catalogue_request.
struct catalogue_completion {
    std::uint64_t id = 0;
    result<void> outcome;   ///< errc::database_failed with the database's sentence
};

/// Applies a change to a snapshot: what a catalogue in memory does, and the meaning that every catalogue must have.
P2PDIST_API void apply(catalogue_snapshot& state, const catalogue_change& change);

}  // namespace p2pdist
