#pragma once
// The server's database in memory: every request is committed after a delay, in order, and a crash loses what was not.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist::sim {

/// How quick the database is, and what fails in it.
struct simulated_catalogue_options {
    duration commit_delay = std::chrono::milliseconds(5);
    /// Asked at each commit: an error is its outcome, and nothing is changed.
    std::function<std::optional<error>(const catalogue_request&)> fault{};
};

/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API simulated_catalogue {
public:
    /// Empty: a database that was just made.
    explicit simulated_catalogue(simulated_catalogue_options options = {}) : options_(std::move(options)) {}

    /// Gives the time at which commit_next() is due. It never goes back.
    [[nodiscard]] time_point submit(time_point now, catalogue_request request);
    /// The oldest request takes effect. There is one (asserted).
    [[nodiscard]] catalogue_completion commit_next();
    /// Requests that are not committed yet.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }
    /// The process dies: nobody hears of the pending requests any more. Each survives or not, but none after one that did not: the
    /// database may have synced what it could not tell any more.
    void crash(random_source& random);

    /// What a new process would load.
    [[nodiscard]] const catalogue_snapshot& committed() const noexcept { return committed_; }
    /// Puts in what is there from the start.
    void preload(catalogue_snapshot snapshot) { committed_ = std::move(snapshot); }

private:
    simulated_catalogue_options options_;
    catalogue_snapshot committed_;
    std::deque<catalogue_request> pending_;
    time_point last_{};
};

}  // namespace p2pdist::sim
