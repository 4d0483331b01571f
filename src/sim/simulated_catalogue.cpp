#include "p2pdist/sim/simulated_catalogue.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {

time_point simulated_catalogue::submit(time_point now, catalogue_request request) {
    pending_.push_back(std::move(request));
    return last_ = std::max(last_, now + options_.commit_delay);
}

catalogue_completion simulated_catalogue::commit_next() {
    P2PDIST_ASSERT(!pending_.empty());
    const auto request = std::move(pending_.front());
    pending_.pop_front();
    if (auto failure = options_.fault ? options_.fault(request) : std::nullopt) return {request.id, *failure};
    for (const auto& change : request.changes) apply(committed_, change);
    return {request.id, {}};
}

void simulated_catalogue::crash(random_source& random) {
    while (!pending_.empty() && random.below(2) == 0) (void)commit_next();
    pending_.clear();
    last_ = {};
}

}  // namespace p2pdist::sim
