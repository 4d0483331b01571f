#pragma once
// The contents that this client fetches now, by key: routes what the transfer engine and other clients say to the job concerned, starts
// jobs where others ask this client as rendezvous point, and ends them.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fetch_job.hpp"

namespace p2pdist::client_room {

class fetch_jobs {
public:
    struct hooks {
        /// A download ended; told before the job goes.
        std::function<void(time_point, const content_info&, const std::optional<error>&, const source_split&, duration)> finished;
    };

    fetch_jobs(client_parts& parts, hooks called) : parts_(&parts), hooks_(std::move(called)) {}

    /// Begins or joins; where client_jobs_max is reached, a job on behalf of others gives way. False where all are of this device.
    bool fetch(time_point now, const content_info& content);
    /// No command of this device wants it any more.
    void release(time_point now, const content_key& content);
    [[nodiscard]] fetch_job* find(const content_key& content);
    [[nodiscard]] const fetch_job* find(const content_key& content) const;
    [[nodiscard]] const std::map<content_key, std::unique_ptr<fetch_job>>& jobs() const noexcept { return jobs_; }

    /// A want_request: answered in any case.
    void on_want(time_point now, const message_received& received, const want_request& request);
    /// Those that bring something into this office, or could: asked by broadcast.
    [[nodiscard]] discovery_reply holding_of(const content_key& content) const;

    void on_found(time_point now, const discovery::found& found);
    void on_registered(time_point now);
    void on_state_changed(time_point now);
    void on_paused(time_point now, bool paused);
    void on_chunks_verified(time_point now, const chunks_verified& what);
    void on_source_lost(time_point now, const source_lost& what);
    void on_sources_wanted(time_point now, const sources_wanted& what);
    void on_finished(time_point now, const transfer_finished& what);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;
    /// Cancels jobs that nobody needs; whether there were any. Called between inputs, never from inside a job.
    bool reap(time_point now);
    /// The client stops: all of them end.
    void stop(time_point now);

    /// What is shown of a running one; the reason is the job's where the engine waits.
    [[nodiscard]] std::optional<transfer_progress> progress(const content_key& content) const;

private:
    struct trouble {
        std::string text;
        time_point until;
    };

    void mend(time_point now, const chunks_verified& what);
    fetch_job* start(time_point now, const content_info& content, std::optional<client_id> asked_by);
    [[nodiscard]] bool full() const;
    [[nodiscard]] bool make_room();
    [[nodiscard]] std::optional<std::string> why_not(time_point now, const content_key& content, const client_id& asker, bool for_office) const;
    void show(time_point now);

    client_parts* parts_;
    hooks hooks_;
    std::map<content_key, std::unique_ptr<fetch_job>> jobs_;
    std::map<content_key, trouble> troubles_;        // downloads that failed lately: not tried again for others
    struct shown {
        std::uint64_t verified = UINT64_MAX;
        transfer_state state = transfer_state::opening;
        std::string reason;
        double rate = -1;
    };
    std::map<content_key, shown> shown_;
    time_point next_show_ = never;
};

}  // namespace p2pdist::client_room
