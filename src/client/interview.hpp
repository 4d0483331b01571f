#pragma once
// Asks clients of an office for a content (want_request): one after another until one has it or is getting it, or all at once
// whether one of them acts already.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node.hpp"
#include "peer_book.hpp"

namespace p2pdist::client_room {

/// A peer with what it said.
struct heard_peer {
    peer_info peer;
    want_reply reply;
};

/// What a round of questions brought.
struct interview_outcome {
    std::optional<heard_peer> found;       ///< a holder, or the acting rendezvous point
    std::optional<client_id> told_by;      ///< who spoke for `found`, where it did not itself
    std::vector<heard_peer> partial;       ///< have some of it
    std::vector<client_id> silent;         ///< did not answer
    bool any_answer = false;
    bool any_cannot = false;
    bool undecided = false;                ///< somebody lives who neither has it nor declines: ask again soon
    std::vector<std::string> remarks;      ///< why not, in words
};

/// One after another, best first; follows "not me, ask that one".
class interview {
public:
    using done = std::function<void(time_point, const interview_outcome&)>;

    interview(node& shared, peer_book& peers) : node_(&shared), peers_(&peers), requests_(shared) {}

    /// Replaces a running one. `then` may come at once, where there is nobody to ask.
    /// `skip`: not to be asked, not even where another names them.
    void start(time_point now, want_request question, std::vector<peer_info> candidates, const std::set<client_id>& skip, done then);
    void stop();
    [[nodiscard]] bool running() const noexcept { return static_cast<bool>(then_); }

private:
    void next(time_point now);
    void ask(time_point now, const peer_info& peer);
    void heard(time_point now, const peer_info& peer, const answer& got);
    void end(time_point now);

    node* node_;
    peer_book* peers_;
    open_requests requests_;
    want_request question_;
    std::vector<peer_info> candidates_;
    std::size_t position_ = 0;
    std::size_t referrals_ = 0;
    std::set<client_id> asked_;
    interview_outcome outcome_;
    done then_;
};

/// All at once (at most polled_peers_max), for at most a second; ends with the first that acts or holds.
class poll_round {
public:
    using done = interview::done;

    poll_round(node& shared, peer_book& peers) : node_(&shared), peers_(&peers), requests_(shared) {}

    void start(time_point now, want_request question, const std::vector<peer_info>& candidates, done then);
    void stop();
    [[nodiscard]] bool running() const noexcept { return static_cast<bool>(then_); }
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return until_; }

private:
    void heard(time_point now, const peer_info& peer, const answer& got);
    void end(time_point now);

    node* node_;
    peer_book* peers_;
    open_requests requests_;
    std::size_t waiting_ = 0;
    time_point until_ = never;
    interview_outcome outcome_;
    done then_;
};

/// How a want_request is sent: a dead peer is passed in about three seconds.
[[nodiscard]] message_options want_options();

}  // namespace p2pdist::client_room
