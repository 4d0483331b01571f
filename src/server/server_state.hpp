#pragma once
// Everything that the server knows, as committed: changed only by apply(), after the catalogue said so (SRV-6), and by what is never
// stored (who was heard, frozen rankings).

#include <string>

#include "blame_book.hpp"
#include "content_catalogue.hpp"
#include "holdings_index.hpp"
#include "licence.hpp"
#include "link_ledger.hpp"
#include "p2pdist/ranking/ranking.hpp"
#include "p2pdist/server/server_core.hpp"
#include "registry.hpp"
#include "roster_service.hpp"
#include "settings_book.hpp"
#include "topology_service.hpp"

namespace p2pdist {

struct server_state {
    explicit server_state(const server_config& config)
        : clients(config.heartbeat_interval), topology(config.address, config.prefix_bits), order(ranking::standard()) {}

    /// All of a snapshot. Clients last seen within three heartbeats count as heard then: they go on being active. False where the stored
    /// topology makes no sense.
    bool load(time_point now, wall_time wall, duration heartbeat_interval, const catalogue_snapshot& snapshot);
    /// A committed change.
    void apply(const catalogue_change& change);

    [[nodiscard]] const p2pdist::topology& offices() const noexcept { return topology.in_force(); }
    /// The office's name; empty for a client in none.
    [[nodiscard]] std::string office_name(office_slot office) const { return office ? offices()[*office].name : std::string(); }
    [[nodiscard]] bool in_central_office(const client_id& id) const;
    /// A registered client that may ask; nothing for unknown and revoked ones.
    [[nodiscard]] const registered_client* member(const client_id& id) const;

    registry clients;
    content_catalogue contents;
    holdings_index holdings;
    topology_service topology;
    settings_book settings;
    licence_record licence;
    link_ledger links;
    blame_book blamed;
    state_versions versions;
    epoch_record epochs;
    ranking order;
    roster_service rosters;

private:
    void enter(const link_record& delta);
    void place_all();
};

}  // namespace p2pdist
