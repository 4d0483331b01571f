#pragma once
// Who is a member no longer (SEC-2): revokes and reinstates clients, keeps the signed list of them, leads from one key epoch to the
// next, and renews certificates.
//
// Of key epochs there are two at most that count: the one in force and, for the grace period, the one before. A revocation begins a new
// one unless the grace of the last has not passed; then the next begins when it has. The id is in the list from the first moment on,
// and leaves it when the grace has ended for an epoch that began after it: no certificate of its own is accepted then. So the list holds
// what was revoked within about two grace periods, however long the organisation lives, and no member has to renew more often than
// once in a grace period, however many are revoked.

#include <map>

#include "enrolment_desk.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "server_context.hpp"

namespace p2pdist {

class revocation_desk {
public:
    /// `in_force` is called after each change: the own certificate and the envelope have to follow.
    revocation_desk(server_context& shared, const certificate_office& papers, entropy& random_bytes, const envelope& seal,
                    std::function<void()> in_force)
        : shared_(&shared), papers_(&papers), random_(&random_bytes), seal_(&seal), in_force_(std::move(in_force)) {}

    // For connectors.
    void revoke(time_point now, const revoke_request& request, const reply_function& reply);
    void reinstate(time_point now, const reinstate_request& request, const reply_function& reply);
    void rotate(time_point now, const rotate_epoch_request& request, const reply_function& reply);

    // For clients.
    /// renew_reply, or error_reply with limit_reached: come back in some seconds; or with not_authorised: it has to enrol. `epoch` is that
    /// of the certificate that it has.
    [[nodiscard]] message_body renew(time_point now, const client_id& id, const public_key& key, std::uint16_t epoch, const renew_request& request);
    /// revocations_reply, or error_reply with not_found.
    [[nodiscard]] message_body list_reply();

    // Of a database that was set back (lost_lists.hpp).
    /// The catalogue is loaded; or this process may have been set back, and the catalogue with it.
    void begin() {
        known_number_ = shared_->state.versions.revocations;
        first_made_ = 0;
    }
    /// Whether a list of this kind would be one that this server made and has lost. Numbers follow the clock, so that none of this
    /// database's lists has a number between that of the last one loaded and that of the first one made since.
    [[nodiscard]] bool lacks(const held_list& list) const;
    [[nodiscard]] bool is_own(const revocation_list& list) const { return papers_->is_own(list); }
    /// A lost list of this server's own: whoever it names is revoked, and the epochs go on behind its.
    void adopt(time_point now, const revocation_list& list);
    /// A lost epoch of this server's own.
    void catch_up(time_point now, std::uint16_t epoch);

    /// The signed list in force; empty where none was ever made.
    [[nodiscard]] const bytes& list();
    /// The grace may have ended, or a new epoch be due: call it when the wall clock was read.
    void on_wall_clock(time_point now);

private:
    [[nodiscard]] std::uint16_t oldest() const;
    [[nodiscard]] bool in_grace() const { return oldest() < shared_->state.versions.key_epoch; }
    [[nodiscard]] bool grace_is_over() const;
    [[nodiscard]] std::size_t listed(std::uint16_t oldest_epoch) const;
    [[nodiscard]] std::vector<catalogue_change> changes(std::uint16_t epoch, std::uint16_t oldest_epoch, std::uint64_t number_above = 0) const;
    [[nodiscard]] std::vector<catalogue_change> adoption(const revocation_list& list) const;
    void put_in_force(time_point now, std::optional<office_slot> first = {});
    void move_on(time_point now);
    void date_back(time_point now);

    server_context* shared_;
    const certificate_office* papers_;
    entropy* random_;
    const envelope* seal_;
    std::function<void()> in_force_;
    bytes list_;
    std::uint64_t list_number_ = 0;   // of list_
    std::uint64_t known_number_ = 0;  // of the newest list before first_made_
    std::uint64_t first_made_ = 0;    // number of the first list that was made since begin(); 0: none
    bool moving_ = false;             // a change of epoch, or of its date, waits for its commit
    std::int64_t looked_s_ = 0;       // when on_wall_clock() looked at all clients
    std::optional<time_point> ahead_since_;   // since then each look found that the epoch begins in the future
    time_point renewals_since_{};     // the second in which renewals_ were given
    std::uint32_t renewals_ = 0;
    time_point window_since_{};                       // the renewal_window in which renewals_of_ were given, all of window_epoch_
    std::uint16_t window_epoch_ = 0;
    std::map<client_id, std::uint32_t> renewals_of_;  // how many; at most what is given in a window
};

}  // namespace p2pdist
