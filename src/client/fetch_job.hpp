#pragma once
// One content that this client fetches, for itself or as rendezvous point for others: from the question where it is to the last chunk.
// It decides which sources the transfer engine may use; the engine decides which chunk comes from which.
//
//   fetch_job.cpp           its life: lookup, timers, what it says of itself
//   fetch_job_office.cpp    the own office: follow the acting rendezvous point, or act; what others are answered
//   fetch_job_upstream.cpp  the offices above, the server, the fallback sources

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backoff.hpp"
#include "content_shelf.hpp"
#include "discovery.hpp"
#include "distrust.hpp"
#include "fallback_reader.hpp"
#include "holdings_reporter.hpp"
#include "link_ledger.hpp"
#include "membership.hpp"
#include "office_round.hpp"
#include "upstream_walk.hpp"
#include "want_askers.hpp"

namespace p2pdist::client_room {

/// What fetch jobs work with. All of it outlives them.
struct client_parts {
    node& shared;
    office_view& offices;
    peer_book& peers;
    membership& member;
    content_shelf& shelf;
    holdings_reporter& reporter;
    link_ledger& ledger;
    fallback_reader& fallback;
    discovery& broadcast;
};

/// To somebody who asks for a content by a size that it does not have.
inline constexpr std::string_view other_size_text = "it knows this content with another size";

class fetch_job {
public:
    enum class standing {
        looking,     ///< who brings it into the office?
        following,   ///< `acting_peer` does
        acting,      ///< this client does (RVP-1)
        direct,      ///< VPN: every client for itself (OFF-3)
    };

    /// `asked_by`: who asked this client as rendezvous point; nobody where a command of this device wants it.
    fetch_job(client_parts& parts, content_info content, std::optional<client_id> asked_by, time_point now);
    ~fetch_job();

    void begin(time_point now);
    /// A command of this device wants it as well.
    void take_up(time_point now);
    /// No command wants it any more.
    void release(time_point now);
    /// It makes room for a command of this device: over.
    void give_way();
    /// The engine has finished with it; deferred questions are answered.
    void ended(time_point now, const std::optional<error>& failure);
    /// Nobody needs it: its owner cancels it.
    [[nodiscard]] bool over() const noexcept { return over_; }
    /// The download itself failed before it began: the catalogue does not know the content any more.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

    // Inputs.
    void on_state_changed(time_point now);
    void on_found(time_point now, const discovery::found& found);
    void on_source_lost(time_point now, const source_lost& lost);
    void on_sources_wanted(time_point now);
    void on_paused(time_point now, bool paused);
    /// The server knows now where this device stands.
    void on_registered(time_point now);
    /// A neighbour or a child office asks. Answered now or within `deferral`.
    void on_want(time_point now, message_handle handle, const peer_info& asker, relation where, const want_request& request);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;

    // Views.
    [[nodiscard]] const content_info& content() const noexcept { return content_; }
    /// Whether a request for this one is its business: until the server has said which size is right, every size is.
    [[nodiscard]] bool takes(const content_info& content) const { return content == content_ || !size_known(); }
    [[nodiscard]] standing state() const noexcept { return standing_; }
    [[nodiscard]] bool for_us() const noexcept { return for_us_; }
    /// Whether it exists only because this client asked first.
    [[nodiscard]] bool only_for(const client_id& peer) const noexcept { return !for_us_ && asked_by_ == peer; }
    [[nodiscard]] bool downloading() const noexcept { return downloading_; }
    [[nodiscard]] const std::optional<peer_info>& acting_peer() const noexcept { return acting_peer_; }
    [[nodiscard]] const std::optional<locate_reply>& located() const noexcept { return located_; }
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
    /// Why it waits, for people.
    [[nodiscard]] std::string reason() const;

private:
    struct deferred_want {
        message_handle handle;
        time_point until;
        peer_info asker;
        relation where;
        std::uint64_t size_bytes;   ///< that the asker said
    };

    /// Somebody above said that he gives it.
    struct promise {
        time_point since;
        std::uint64_t bytes;   ///< that were here then
    };

    // life
    void download(time_point now);
    void locate(time_point now);
    void on_located(time_point now, const answer& got);
    [[nodiscard]] std::vector<std::string> place() const;
    void begin_anew(time_point now);
    void settle_size(time_point now, const content_info& right);
    [[nodiscard]] bool size_known() const noexcept { return for_us_ || downloading_ || located_; }
    void ask_subnet(time_point now);
    void note(std::string text);
    void log(std::string_view event, const std::string& rest = {}) const;
    void mark_dead(time_point now, const client_id& peer);
    [[nodiscard]] std::set<client_id> dead(time_point now) const;
    [[nodiscard]] bool usable(time_point now, const client_id& peer) const;
    void watch_progress(time_point now);
    [[nodiscard]] bool fruitless(time_point now, bool whole);
    void expect_progress(time_point now);
    void give_up_waiting(time_point now);

    // the own office
    void decide(time_point now);
    void decide_alone(time_point now);
    void on_decision(time_point now, const office_round::outcome& got);
    void follow(time_point now, const peer_info& peer, bool holder);
    void act(time_point now);
    void yield_to(time_point now, const peer_info& peer, bool holder);
    void add_office_source(time_point now, const peer_info& peer);
    [[nodiscard]] bool leave_misplaced(time_point now);
    void refresh(time_point now);
    void on_refreshed(time_point now, const peer_info& peer, const answer& got);
    void lost_acting(time_point now);
    void distrust_acting(time_point now);
    void look_for_rivals(time_point now);
    [[nodiscard]] bool ranks_before(const client_id& left, const client_id& right) const;
    [[nodiscard]] std::optional<want_reply> verdict(time_point now, const client_id& asker, relation where, bool poll);
    void answer_deferred(time_point now);

    // above
    void climb(time_point now);
    void on_walked(time_point now, const upstream_walk::outcome& got);
    void use_server(time_point now);
    void start_fallback(time_point now, const std::string& why);
    void check_upstream(time_point now);
    void drop_upstream(time_point now);
    void pass_over(time_point now, const client_id& peer);
    void stand_aside(const client_id& peer);

    client_parts* parts_;
    node* node_;
    content_info content_;
    content_key key_;
    std::optional<client_id> asked_by_;
    bool for_us_;
    bool downloading_ = false;
    bool over_ = false;
    std::optional<error> failure_;

    standing standing_ = standing::looking;
    std::optional<locate_reply> located_;
    bool locating_ = false;
    bool locate_again_ = false;            // this device may stand elsewhere than when it asked
    std::vector<std::string> place_;       // where all this was found out
    std::optional<peer_info> acting_peer_;
    bool acting_peer_holds_ = false;
    time_point acting_heard_{};            // when the acting peer last said that it acts
    bool refreshing_ = false;
    bool checking_upstream_ = false;
    std::optional<transfer_source> upstream_;
    std::string upstream_office_;
    std::string upstream_trouble_;
    std::map<client_id, time_point> dead_until_;
    distrust distrust_;
    std::optional<client_id> vouched_by_;  // who spoke for the acting peer, where it did not itself
    std::set<client_id> passed_over_;      // live sources above that are busy, or by which nothing came: others are tried first
    std::uint64_t progress_bytes_ = 0;
    time_point progress_at_{};             // when something last came, or began to be expected
    std::optional<promise> promised_;      // of the offices above, whichever of their clients gave it
    bool promises_fail_ = false;           // so little came for so long that a fallback source is read beside what is promised above
    time_point whole_since_{};             // when who was asked first said that it has all of a plain content
    std::map<client_id, std::pair<peer_info, time_point>> again_;   // busy sources, and when to name them again
    want_askers askers_;
    std::vector<deferred_want> deferred_;
    int undecided_rounds_ = 0;
    int fruitless_walks_ = 0;
    time_point last_wanted_;
    std::optional<time_point> from_below_;  // since when a child office has asked here, though another acts

    open_requests requests_;
    office_round round_;
    upstream_walk walk_;
    poll_round rivals_;

    time_point next_locate_ = never;
    time_point next_decision_ = never;
    time_point next_refresh_ = never;
    time_point next_rivals_ = never;
    time_point next_climb_ = never;
    time_point next_check_ = never;
    time_point next_care_;                 // slow housekeeping
    time_point last_broadcast_ = time_point::min();
    backoff locate_pause_;
    backoff climb_pause_;
    std::vector<std::string> notes_;
};

[[nodiscard]] std::string_view to_string(fetch_job::standing state) noexcept;

}  // namespace p2pdist::client_room
