#pragma once
// Tells the active clients that something changed, spread over seconds so that a large organisation is not told all at once.

#include <deque>
#include <optional>

#include "p2pdist/base/time.hpp"
#include "registry.hpp"

namespace p2pdist {

class push_desk {
public:
    static constexpr duration interval = std::chrono::milliseconds(50);
    static constexpr std::size_t clients_per_interval = 25;  ///< 500 a second

    /// Everybody who is active now is to be told; what is still under way from before is overtaken.
    /// Those of the office `first` come first; then those who still waited, so that all are told however often something changes.
    void begin(time_point now, const registry& clients, std::optional<office_slot> first = {});
    /// The clients whose turn it is.
    [[nodiscard]] std::vector<client_id> take(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return waiting_.empty() ? never : next_; }

private:
    std::deque<client_id> waiting_;
    time_point next_{};
};

}  // namespace p2pdist
