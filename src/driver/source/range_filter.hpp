#pragma once
// Which bytes of an HTTP answer's body are the range that was asked for. Servers may give the range, the whole, or something else.

#include <cstdint>
#include <optional>
#include <string_view>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

class range_filter {
public:
    /// `length`: none, to the end.
    range_filter(std::uint64_t offset, std::optional<std::uint64_t> length) noexcept
        : offset_(offset), bounded_(length.has_value()), wanted_(length.value_or(UINT64_MAX)) {}

    /// Before the first byte: the status code, and the Content-Range header (empty where there is none). False: the bytes are of another
    /// range than was asked for, and nobody can tell where they belong.
    [[nodiscard]] bool begin(long status, std::string_view content_range) noexcept;
    /// The part of the next piece of the body that was asked for. Borrows from it.
    [[nodiscard]] byte_span take(byte_span piece) noexcept;
    /// Every byte that was asked for came; never true without a length.
    [[nodiscard]] bool complete() const noexcept { return bounded_ && wanted_ == 0; }

private:
    std::uint64_t offset_;
    bool bounded_;
    std::uint64_t wanted_;     // bytes of the range that are still to come
    std::uint64_t skip_ = 0;   // bytes before the range, of a server that ignores ranges
};

}  // namespace p2pdist
