#pragma once
// Content bytes over each office's link to its parent (OBS-1, `links`).

#include <map>
#include <string>
#include <utility>

#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

class link_ledger {
public:
    struct amounts {
        std::uint64_t bytes_in = 0;
        std::uint64_t bytes_out = 0;
    };
    using key = std::pair<std::string, content_key>;  ///< office, content

    /// False where limits::server_links_max is reached: the bytes are not counted.
    [[nodiscard]] bool takes(const key& link) const;
    void add(const link_record& delta);
    /// Whether this report, or a later one of its boot, is in the sums already.
    [[nodiscard]] bool contains(const link_mark& report) const;
    void set_mark(const link_mark& report);
    void forget(const client_id& client) { marks_.erase(client); }
    [[nodiscard]] const std::map<key, amounts>& all() const noexcept { return links_; }

private:
    std::map<key, amounts> links_;
    std::map<client_id, link_mark> marks_;
};

}  // namespace p2pdist
