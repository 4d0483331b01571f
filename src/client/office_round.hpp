#pragma once
// Who brings a content into the own office (RVP-1)? This client acts if and only if everyone ranked before it is silent or declines,
// and nobody in the roster acts already (so that a rendezvous point that comes back does not displace its successor).

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "interview.hpp"

namespace p2pdist::client_room {

class office_round {
public:
    enum class decision {
        follow,      ///< `peer` acts or holds it
        act,         ///< this client does
        look_again,  ///< somebody ranked before this client lives and has not decided
    };
    struct outcome {
        decision what = decision::look_again;
        peer_info peer;
        bool peer_is_holder = false;
        std::optional<client_id> told_by;   ///< who spoke for `peer`, where it did not itself
        std::vector<peer_info> sources;     ///< of the own office, beside `peer`
        std::vector<client_id> silent;
        std::vector<std::string> remarks;
    };
    using done = std::function<void(time_point, const outcome&)>;

    office_round(node& shared, peer_book& peers) : node_(&shared), interview_(shared, peers), poll_(shared, peers) {}

    /// `patience` false: undecided peers count as declining.
    void start(time_point now, const content_info& content, const office_sources& own, std::set<client_id> dead, bool patience, done then);
    void stop();
    [[nodiscard]] bool running() const noexcept { return static_cast<bool>(then_); }
    /// It asks those ranked behind it, and will act unless one of them does.
    [[nodiscard]] bool claiming() const noexcept { return claiming_; }
    void on_timer(time_point now) { poll_.on_timer(now); }
    [[nodiscard]] time_point deadline() const noexcept { return poll_.deadline(); }

private:
    void ask_better(time_point now);
    void claim(time_point now);
    void gather(const interview_outcome& got);
    void end(time_point now, decision what);
    [[nodiscard]] bool usable(const interview_outcome& got) const;

    node* node_;
    interview interview_;
    poll_round poll_;
    want_request question_;
    std::vector<peer_info> before_;    // ranked before this client
    std::vector<peer_info> behind_;
    bool in_roster_ = false;
    std::set<client_id> dead_;
    bool patience_ = true;
    bool claiming_ = false;
    outcome outcome_;
    done then_;
};

}  // namespace p2pdist::client_room
