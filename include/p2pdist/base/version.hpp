#pragma once
// The version of this software. Not to be confused with that of the protocol (wire/frame.hpp).

#include <string_view>

namespace p2pdist {

/// As in the build's project(): "1.2.3". Any thread.
[[nodiscard]] std::string_view software_version() noexcept;

}  // namespace p2pdist
