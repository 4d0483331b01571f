#pragma once
// The clients: who is registered, from where, when heard, and in which office.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2pdist/base/time.hpp"
#include "p2pdist/office/topology.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

/// An office by its index, or none: the client is an office of its own (OFF-1).
using office_slot = std::optional<office_index>;

struct registered_client {
    client_record record;
    office_slot office;
    std::optional<time_point> heard;  ///< since this server started, or about then
    bool stored = true;               ///< the catalogue has this record, but for when it was last seen
};

class registry {
public:
    explicit registry(duration heartbeat_interval) : active_for_(3 * heartbeat_interval) {}

    /// Adds or replaces; keeps when it was heard.
    void put(client_record record, office_slot office);
    void remove(const client_id& id);
    /// Places everybody anew.
    void place_all(const topology& offices);

    /// A client has spoken: changes memory only (SRV-2). False where it is not registered.
    bool hear(const client_id& id, time_point now, wall_time wall);
    void set_profile(const client_id& id, const device_profile& profile);
    /// Who was heard since the last call, for the catalogue.
    [[nodiscard]] std::vector<std::pair<client_id, wall_time>> take_heard();

    [[nodiscard]] const registered_client* find(const client_id& id) const;
    [[nodiscard]] bool active(const registered_client& client, time_point now) const {
        return client.heard && now - *client.heard <= active_for_ && !client.record.revoked;
    }
    /// Grows when a client comes, goes, moves, or is heard after it was not active: who is present in an office may be others then.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    [[nodiscard]] std::size_t active_count(time_point now) const;
    [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
    /// Without the revoked ones, whose records stay so that they cannot enrol again: these use licences.
    [[nodiscard]] std::size_t members() const noexcept { return clients_.size() - revoked_; }
    [[nodiscard]] const std::map<client_id, registered_client>& all() const noexcept { return clients_; }
    /// The ids of an office's clients, ordered; of those in no office for an empty slot.
    [[nodiscard]] const std::set<client_id>& in_office(office_slot office) const;
    [[nodiscard]] std::size_t active_in_office(office_slot office, time_point now) const;

private:
    duration active_for_;  // three heartbeats
    std::map<client_id, registered_client> clients_;
    std::map<office_slot, std::set<client_id>> by_office_;
    std::set<client_id> heard_;  // since take_heard()
    std::size_t revoked_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace p2pdist
