#pragma once
// One HTTP(S) download by libcurl, blocking. No libcurl type shows here.

#include <atomic>
#include <chrono>
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
    const std::atomic<bool>* cancelled = nullptr;   ///< looked at once a second and more often, also while nothing comes
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// Whether a source that gave so much in this time, that of the sink not counted, has to be left: its average since the first
/// limits::cdn_grace is below limits::cdn_pace_bytes_min a second, or below half of the rate that is asked for.
[[nodiscard]] bool too_slow(std::chrono::steady_clock::duration spent, std::uint64_t received, double bytes_per_second_max) noexcept;

/// Calls `sink` with the bytes in order; it gives false to stop. Redirects are refused; so is every scheme but http and https. A
/// server that ignores ranges is read from the start, and what was not asked for is skipped. errc::cancelled where it was stopped.
[[nodiscard]] std::optional<error> http_read(const http_read_request& request, const std::function<bool(byte_span)>& sink);

}  // namespace p2pdist
