#pragma once
// Which content is on which client (SRV-2), both ways, and by office for those who ask where to fetch.

#include <map>
#include <set>
#include <vector>

#include "p2pdist/server/catalogue.hpp"
#include "registry.hpp"

namespace p2pdist {

class holdings_index {
public:
    /// The meaning of put_holdings. `office` is the client's own.
    void put(const client_id& client, office_slot office, const std::vector<holding>& holdings, bool replace_all);
    void remove_client(const client_id& client);
    void remove_content(const content_id& id);
    /// A client's office changed.
    void move_client(const client_id& client, office_slot office);
    /// Every client's office may have changed.
    void place_all(const registry& clients);

    /// Complete holders of an office, ordered by id.
    [[nodiscard]] const std::set<client_id>& complete(const content_key& content, office_slot office) const;
    [[nodiscard]] std::size_t complete_count(const content_key& content) const;
    /// Everybody who has something of it.
    [[nodiscard]] std::vector<std::pair<client_id, holding>> holders(const content_key& content) const;
    /// Who has a part of it: it is on its way there.
    [[nodiscard]] const std::set<client_id>& partial(const content_key& content) const;
    /// What a client has, by content.
    [[nodiscard]] const std::map<content_key, holding>& of_client(const client_id& client) const;
    /// In all.
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    struct content_entry {
        std::map<office_slot, std::set<client_id>> complete;
        std::size_t complete_count = 0;
        std::set<client_id> partial;
    };
    struct client_entry {
        office_slot office;
        std::map<content_key, holding> holdings;
    };

    void link(const client_id& client, office_slot office, const holding& what);
    void unlink(const client_id& client, office_slot office, const holding& what);

    std::map<content_key, content_entry> contents_;
    std::map<client_id, client_entry> clients_;
    std::size_t count_ = 0;
};

}  // namespace p2pdist
