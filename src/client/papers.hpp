#pragma once
// What keeps a member a member (SEC-2): renews its certificate in good time and with each key epoch, and follows the revocation
// lists, whoever has a newer one: the server, or a peer that reached it.

#include <functional>
#include <map>
#include <optional>

#include "backoff.hpp"
#include "node.hpp"
#include "p2pdist/envelope/renewal.hpp"

namespace p2pdist::client_room {

class papers {
public:
    struct hooks {
        std::function<message_peer()> server;                                   ///< where it is now
        std::function<public_key()> server_key;
        std::function<void(time_point, const enrolment_grant&)> renewed;        ///< to be adopted and kept
        std::function<void(time_point, const std::string& why)> cannot_renew;   ///< the server won't: enrolment is what is left
        std::function<void(time_point)> list_taken;                             ///< a newer list is in force: to be kept
        std::function<void(time_point)> revoked;                                ///< the server says that this client is
    };

    papers(node& shared, hooks called);

    /// New credentials, or those of the last run. `fresh`: given just now, so that their lifetime is known.
    void adopted(bool fresh);
    /// Somebody showed this key epoch: the server, or a member's certificate.
    void on_epoch(time_point now, std::uint16_t epoch);
    /// The server, or a peer, has the list of this number.
    void on_list_heard(time_point now, const message_peer& from, std::uint64_t number);
    /// What the server is told of the own list: its database may have lost it.
    [[nodiscard]] held_list held() const;
    /// Whether a newer epoch than the own is known to be in force.
    [[nodiscard]] bool behind() const;
    /// Renews at once, where it is not being done.
    void renew(time_point now);
    /// The server is reached: looks whether the certificate ends soon.
    void on_server_reached(time_point now);
    /// What was asked before belongs to a former self (a resumed snapshot) or to a former server.
    void forget_requests();

    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return renew_at_; }

private:
    void schedule(time_point at) { renew_at_ = std::min(renew_at_, at); }
    void renew_soon(time_point now);
    [[nodiscard]] duration some_of(duration most);
    void on_renewal(time_point now, const answer& got);
    [[nodiscard]] bool may_ask(time_point now, const client_id& peer);
    [[nodiscard]] bool on_list(time_point now, const client_id& from, std::uint64_t number, const answer& got);
    [[nodiscard]] bool ends_soon() const;

    node* node_;
    hooks hooks_;
    open_requests requests_;
    std::optional<renewal> asked_;          // the renewal under way
    time_point renew_at_ = never;
    backoff pause_;
    std::uint16_t newest_epoch_ = 0;
    std::int64_t spare_s_ = 0;              // renew so long before the end
    bool list_of_server_asked_ = false;     // apart from the peers, so that none of them can keep us from asking the server
    std::map<client_id, time_point> peers_asked_;         // when, that have not answered yet
    std::map<client_id, time_point> peer_paused_until_;   // who was asked and did not give what it said, or has not yet
};

}  // namespace p2pdist::client_room
