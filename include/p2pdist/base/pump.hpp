#pragma once
// The one pump that drives every core, in the Asio driver and in the simulated world alike: so both have the same semantics.

#include <utility>
#include <variant>

#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// Takes all that a core gives out now, in order, and hands each alternative to io.perform(now, output). Inputs that `perform` gives
/// back to the core at once are taken up in the same round. Call it after every input; then arm a timer for core.deadline().
template <class Core, class Io>
void pump(Core& core, time_point now, Io& io) {
    while (auto output = core.poll(now)) {
        std::visit([&](auto&& alternative) { io.perform(now, std::move(alternative)); }, std::move(*output));
    }
}

}  // namespace p2pdist
