#pragma once
// Flows that ended here a moment ago, so that a peer which did not hear of it is told again instead of being misunderstood.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist::detail::flow {

struct flow_ending {
    client_id peer;
    path way;
    std::uint32_t token = 0;
    bool to_sender = false;       ///< the other side sends
    flow_close why;
    std::vector<short_key> keys;  ///< of the data frames that may still come
    time_point until{};
    time_point next_answer_at{};
};

/// Few and short-lived, therefore a list. The oldest makes room at flow_endings_max.
class endings {
public:
    void add(time_point now, flow_ending ending);
    /// The ending that concerns this flow and may be repeated now, or has to be passed over in silence (then without `answer`).
    struct match {
        const flow_ending* ending = nullptr;
        bool answer = false;
    };
    [[nodiscard]] match find(time_point now, const client_id& peer, std::uint32_t token, bool to_sender);
    /// The ending of a flow that this node received.
    [[nodiscard]] match find_received(time_point now, std::uint32_t token);
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }

private:
    void forget(time_point now);
    [[nodiscard]] static match answer(time_point now, flow_ending& ending);

    std::deque<flow_ending> list_;
};

}  // namespace p2pdist::detail::flow
