#pragma once
// Changes on their way to the catalogue. What waits for one is done when its completion comes, and never before (SRV-6).

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "server_state.hpp"

namespace p2pdist {

class commit_desk {
public:
    /// Called once, with the state already changed where the outcome is good.
    using continuation = std::function<void(time_point now, const result<void>& outcome)>;

    explicit commit_desk(server_state& state) : state_(&state) {}

    /// Where limits::server_commits_pending_max is reached `then` is called at once with errc::limit_reached.
    void submit(time_point now, std::vector<catalogue_change> changes, continuation then);
    [[nodiscard]] std::optional<catalogue_request> poll();
    void complete(time_point now, const catalogue_completion& completion);

    [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }
    /// The newest completion's failure, until one is good again.
    [[nodiscard]] const std::optional<error>& trouble() const noexcept { return trouble_; }
    /// When the oldest of the pending ones was submitted.
    [[nodiscard]] std::optional<time_point> waiting_since() const;

private:
    struct entry {
        std::vector<catalogue_change> changes;
        continuation then;
        time_point since;
    };

    server_state* state_;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, entry> pending_;
    std::deque<catalogue_request> out_;
    std::optional<error> trouble_;
};

/// One after another, for changes that depend on what is committed: each begins when the one before has ended.
class change_queue {
public:
    /// A change begins, and calls `done` once when it is over.
    using change = std::function<void(time_point now, std::function<void(time_point now)> done)>;

    /// False where limits::server_admin_pending_max wait already.
    bool add(time_point now, change what);

private:
    void begin_next(time_point now);

    std::deque<change> waiting_;
    bool busy_ = false;
};

}  // namespace p2pdist
