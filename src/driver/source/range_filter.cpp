#include "source/range_filter.hpp"

#include <algorithm>
#include <charconv>

namespace p2pdist {
namespace {

constexpr long partial_content = 206;

/// Where "bytes FIRST-LAST/SIZE" begins (RFC 9110, 14.4).
std::optional<std::uint64_t> first_of(std::string_view text) noexcept {
    constexpr std::string_view unit = "bytes ";
    if (!text.starts_with(unit)) return std::nullopt;
    text.remove_prefix(unit.size());
    std::uint64_t first = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), first);
    if (status != std::errc() || end == text.data() + text.size() || *end != '-') return std::nullopt;
    return first;
}

}  // namespace

bool range_filter::begin(long status, std::string_view content_range) noexcept {
    if (status != partial_content) {
        skip_ = offset_;
        return true;
    }
    return content_range.empty() || first_of(content_range) == offset_;
}

byte_span range_filter::take(byte_span piece) noexcept {
    const auto skipped = std::min<std::uint64_t>(skip_, piece.size());
    skip_ -= skipped;
    piece = piece.subspan(static_cast<std::size_t>(skipped));
    piece = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), wanted_)));
    wanted_ -= piece.size();
    return piece;
}

}  // namespace p2pdist
