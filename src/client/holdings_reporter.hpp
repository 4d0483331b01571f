#pragma once
// Tells the server what this client holds (SRV-2): everything after a registration, then what changes. Says it again until the server
// has committed it (SRV-6).

#include <map>

#include "backoff.hpp"
#include "membership.hpp"
#include "node.hpp"

namespace p2pdist::client_room {

class holdings_reporter {
public:
    holdings_reporter(node& shared, membership& member, office_view& offices);

    /// `complete` is told at once, anything else within a few seconds together with other changes.
    void set(time_point now, const content_key& content, holding_state state);
    void set_acting(time_point now, const content_key& content, bool acting);
    [[nodiscard]] holding state_of(const content_key& content) const;

    /// The store's contents are known from here on; before, nothing is reported.
    void on_store_read(time_point now);
    /// The server has acknowledged it all.
    [[nodiscard]] bool all_reported() const noexcept { return store_read_ && !sending_ && !everything_ && unreported_.empty(); }
    void on_registered(time_point now);
    /// What lies here since before it was published is news to the server.
    void on_contents_changed(time_point now);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return next_; }

private:
    void changed(time_point now, const content_key& content, bool at_once);
    void send(time_point now);
    void schedule(time_point at) noexcept {
        if (at < next_) next_ = at;
    }

    node* node_;
    membership* member_;
    office_view* offices_;
    open_requests requests_;
    std::map<content_key, holding> held_;      // with state none only as long as that is unreported or it acts
    std::map<content_key, bool> unreported_;
    bool store_read_ = false;
    bool everything_ = false;                  // the next report is the complete list
    bool sending_ = false;
    time_point next_ = never;
    backoff pause_;
};

}  // namespace p2pdist::client_room
