#pragma once
// Content bytes over each office's link to its parent (OBS-1, `links`).

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

class link_ledger {
public:
    struct amounts {
        std::uint64_t bytes_in = 0;
        std::uint64_t bytes_out = 0;
    };
    using key = std::pair<std::string, content_key>;  ///< office, content

    /// False where limits::server_links_max is reached, or by those named by an address, which are clients in no office, alone_max of them:
    /// the bytes are not counted.
    [[nodiscard]] bool takes(const key& link) const;
    /// What to forget where it does not take this one: the rows of a content that is not published any more. Nothing where there is none.
    [[nodiscard]] std::optional<content_key> in_the_way_of(const key& link) const;
    void add(const link_record& delta);
    void forget(const content_key& content);
    void on_published(const content_key& content) { removed_.erase(content); }
    void on_removed(const content_key& content);
    /// There is no room, nor can any be made.
    [[nodiscard]] bool is_full() const noexcept { return links_.size() >= limits::server_links_max && removed_.empty(); }
    /// Whether this report, or a later one of its boot, is in the sums already.
    [[nodiscard]] bool contains(const link_mark& report) const;
    void set_mark(const link_mark& report);
    void forget(const client_id& client) { marks_.erase(client); }
    [[nodiscard]] const std::map<key, amounts>& all() const noexcept { return links_; }

    /// Such a client takes a row for each content at each address that it has: they are as many as it likes, offices are not.
    static constexpr std::size_t alone_max = limits::server_links_max / 4;

private:
    std::map<key, amounts> links_;
    std::map<content_key, std::size_t> alone_of_;  // of each content that has rows, how many are named by an address
    std::set<content_key> removed_;  // of these, not published any more
    std::size_t alone_ = 0;  // of them, named by an address
    std::map<client_id, link_mark> marks_;
};

}  // namespace p2pdist
