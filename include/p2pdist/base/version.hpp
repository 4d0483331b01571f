#pragma once
// The version of this software. Not to be confused with that of the protocol (wire/frame.hpp).

#include <string_view>

#include "p2pdist/base/export.hpp"

/// All of the library but the simulated world.
///
/// Threads, where nothing else is said: there is no global state, so distinct objects may be used from any threads; one object is used by
/// one thread at a time; functions without an object may be called from any thread. Every class says its own rule.
namespace p2pdist {

/// As in the build's project(): "1.2.3". Any thread.
[[nodiscard]] P2PDIST_API std::string_view software_version() noexcept;

}  // namespace p2pdist
