#pragma once
// One HTTP(S) download by libcurl, blocking. No libcurl type shows here.

#include <functional>
#include <optional>
#include <string>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

struct http_read_request {
    std::string url;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;   ///< none: to the end
    double bytes_per_second_max = 0;       ///< 0: unlimited
};

/// Calls `sink` with the bytes in order; it gives false to stop. Redirects are refused; so is every scheme but http and https. A
/// server that ignores ranges is read from the start, and what was not asked for is skipped.
[[nodiscard]] std::optional<error> http_read(const http_read_request& request, const std::function<bool(byte_span)>& sink);

}  // namespace p2pdist
