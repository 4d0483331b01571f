#pragma once
// The events of a client that its program has not looked at yet: bounded, and without losing the end of anything.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "p2pdist/base/export.hpp"
#include "p2pdist/client/client_core.hpp"

namespace p2pdist {

/// What waits, in order of arrival, but that
///   - of the progress of one content only the newest waits, in the place of the first;
///   - of client_enrolled, and of client_registered, only the newest waits: it says all that the former did;
///   - of notices and of contents that progress, the oldest go beyond limits::event_queue_notices_max and event_queue_progress_max;
///   - command_done and client_stopped always wait. Their number is bounded by whoever gives the commands: see full();
///   - client_piece never waits: it belongs to its reader.
class P2PDIST_INTERNAL event_queue {
public:
    void push(const client_event& event);
    [[nodiscard]] std::optional<client_event> pop();
    [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
    /// limits::event_queue_ends_max command_done wait: no further command should be begun.
    [[nodiscard]] bool full() const noexcept;

private:
    std::map<std::uint64_t, client_event> events_;      // in order
    std::uint64_t next_ = 0;
    std::deque<std::uint64_t> notices_;                  // oldest first
    std::map<content_id, std::uint64_t> progress_;       // at most one a content
    std::optional<std::uint64_t> enrolled_, registered_;
    std::size_t ends_ = 0;
};

}  // namespace p2pdist
