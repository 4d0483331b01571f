#pragma once
// What the server's services share: the committed state, the way to change it, and those who are told about it.

#include <deque>
#include <functional>
#include <string>

#include "clone_watch.hpp"
#include "commit_desk.hpp"
#include "content_feeder.hpp"
#include "p2pdist/server/server_core.hpp"
#include "push_desk.hpp"
#include "server_state.hpp"

namespace p2pdist {

/// The database turned out to be older than what clients have of this server: what was taken over from them.
struct restoration {
    wall_time at;
    std::size_t revocations = 0;
    std::uint16_t key_epoch = 0;
};
/// For people, with what is left to do.
[[nodiscard]] std::string describe(const restoration& what);

/// Answers one request, once; may be called long after the request came, when its changes are committed.
using reply_function = std::function<void(time_point now, message_body body)>;

struct server_context {
    server_context(const server_config& settings, time_point now, wall_time at)
        : config(settings), state(settings), commits(state), started(now), wall(at) {}
    server_context(const server_context&) = delete;
    server_context& operator=(const server_context&) = delete;

    const server_config config;
    server_state state;
    commit_desk commits;
    change_queue changes;
    push_desk pushes;
    std::deque<server_event> events;
    const time_point started;
    wall_time wall;
    clone_watch clones;
    std::optional<restoration> restored;   ///< since the start
    std::multiset<client_id> being_revoked;  ///< whose revocation waits for its commit: once for each that does

    /// Of what was recorded: this clock is no more where it was then.
    [[nodiscard]] bool is_ahead(wall_time recorded) const { return recorded.seconds - wall.seconds > clock_slack_s; }
    static constexpr std::int64_t clock_slack_s = 60;

    void tell(server_event::kind what, std::string text) {
        if (config.log.wants(log_level::info)) config.log(log_level::info, text);
        if (events.size() < limits::server_output_max) events.push_back({what, std::move(text)});
    }
    /// Tells the clients that the state's versions changed, those of one office first where it concerns them most.
    void push(time_point now, std::optional<office_slot> first = {}) { pushes.begin(now, state.clients, first); }

    /// A change of the organisation's state, one after another. `plan` looks at the committed state and either answers itself (and gives
    /// no changes) or gives the changes; `then` runs after their commit. A failure is answered with the database's sentence.
    using planner = std::function<std::vector<catalogue_change>(time_point now)>;
    void change(time_point now, reply_function reply, planner plan, std::function<void(time_point now)> then);

    /// The detected topology may have changed: commits and announces it soon, many registrations at once (OFF-6). Everybody is told of
    /// each change, and fetches it: a few are quick, and where one follows the other all the time there is one in growth_interval.
    void note_growth(time_point now);
    void on_growth_timer(time_point now);
    static constexpr duration growth_interval = std::chrono::minutes(5);
    static constexpr int growth_burst = 12;   ///< changes that are quick: more branches than somebody opens by hand in an hour
    [[nodiscard]] time_point growth_deadline() const noexcept { return growth_at_; }

private:
    [[nodiscard]] time_point next_growth(time_point now) const;

    time_point growth_at_ = never;
    time_point growth_paid_{};  // each change moves it on by growth_interval
};

[[nodiscard]] inline error_reply to_reply(const error& failure) { return {failure.code, failure.message}; }

}  // namespace p2pdist
