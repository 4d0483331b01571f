#pragma once
// A database that was set back to an older state, by a backup or a snapshot (SEC-2): clients have revocation lists and certificates that
// this server made and does not know of any more. It hears of the lists by their numbers, which are anybody's word, and asks for the list
// itself, which only it can have signed: whoever that names is revoked again, and its epochs count again.

#include <map>

#include "p2pdist/message/message_layer.hpp"
#include "revocation_desk.hpp"
#include "server_context.hpp"

namespace p2pdist {

class lost_lists {
public:
    /// Asks a client for its list.
    using question = std::function<message_handle(time_point now, const client_id& whom, const ip_address& where)>;
    lost_lists(server_context& shared, revocation_desk& desk, question ask) : shared_(&shared), desk_(&desk), ask_(std::move(ask)) {}

    /// A client says which list it has. True while the server waits for that list, or for its turn to: a newer one would take its place.
    bool on_held(time_point now, const client_id& who, const ip_address& where, const held_list& list);
    void on_answer(time_point now, const message_answered& got);
    void on_failure(const message_failed& got) { asked_.erase(got.request); }
    /// Somebody showed a certificate of an epoch that has not begun here; the signature is good.
    void on_epoch(time_point now, std::uint16_t epoch);
    /// Lists say more than certificates, so that these count only where no list has come.
    void on_wall_clock(time_point now);

private:
    server_context* shared_;
    revocation_desk* desk_;
    question ask_;
    std::map<message_handle, client_id> asked_;    // and has not answered
    std::map<client_id, time_point> asked_at_;     // within lost_list_pause: none is asked twice in it
    std::uint16_t epoch_ = 0;                      // newest that a certificate showed
    time_point epoch_due_ = never;
};

}  // namespace p2pdist
