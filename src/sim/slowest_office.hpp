#pragma once
// The office that a roll-out waits for: of which a prediction tells the bottleneck, and whom advice should help.

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::sim {

/// The office that ends last, or never; null: nobody fetches.
inline const office_prediction* slowest(const prediction& of) {
    const office_prediction* out = nullptr;
    for (const auto& each : of.offices) {
        if (each.complete < each.clients) return &each;
        if (each.last && (!out || *each.last > *out->last)) out = &each;
    }
    return out;
}

}  // namespace p2pdist::sim
