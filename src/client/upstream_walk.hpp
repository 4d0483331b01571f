#pragma once
// Looks for a content in the offices above, the parent first (SRC-1): complete holders by rank, then whoever is or becomes the
// office's rendezvous point. An office without a living client that can give it is passed over.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "interview.hpp"

namespace p2pdist::client_room {

class upstream_walk {
public:
    struct outcome {
        std::optional<peer_info> peer;
        std::string office;                ///< of `peer`
        bool undecided = false;            ///< an office above is still making up its mind: come back soon
        bool any_answer = false;           ///< not cut off
        std::vector<client_id> silent;
        std::vector<std::string> remarks;
    };
    using done = std::function<void(time_point, const outcome&)>;

    upstream_walk(node& shared, peer_book& peers) : interview_(shared, peers) {}

    /// `above`: parent, ..., central office. `patience` false: offices that are undecided are passed over too.
    void start(time_point now, const content_info& content, std::vector<office_sources> above, bool as_rendezvous_point,
               std::set<client_id> dead, bool patience, done then);
    void stop();
    [[nodiscard]] bool running() const noexcept { return static_cast<bool>(then_); }

private:
    void next(time_point now);
    void end(time_point now);

    interview interview_;
    content_info content_;
    bool as_rendezvous_point_ = false;
    std::vector<office_sources> above_;
    std::size_t level_ = 0;
    std::set<client_id> dead_;
    bool patience_ = true;
    outcome outcome_;
    done then_;
};

}  // namespace p2pdist::client_room
