#pragma once
// What is to be reported of blamed peers (SEC-3), until the server has heard it.

#include <deque>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::client_room {

/// In order, at most limits::peer_reports_max: what comes while so many wait is not reported. Who is blamed is not used here all the same.
class blame_reports {
public:
    void add(peer_report report) {
        if (waiting_.size() < limits::peer_reports_max) waiting_.push_back(std::move(report));
    }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    /// The next one to be told; there is one.
    [[nodiscard]] const peer_report& next() const { return waiting_.front(); }
    /// The server has heard it.
    void heard() { waiting_.pop_front(); }

private:
    std::deque<peer_report> waiting_;
};

}  // namespace p2pdist::client_room
