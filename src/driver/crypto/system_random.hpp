#pragma once
// Random bytes of the operating system.

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

/// Fills all of `out` from the kernel's generator, past any generator in this process. False where the system gives none.
[[nodiscard]] bool fill_from_system(mutable_byte_span out) noexcept;

}  // namespace p2pdist
