#pragma once
// Small text helpers of the office room.

#include <algorithm>
#include <string>
#include <string_view>

namespace p2pdist::detail {

/// ASCII only, and the same in every locale.
[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] inline std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = lower(c);
    return out;
}

[[nodiscard]] inline bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) { return lower(a) == lower(b); });
}

inline constexpr std::string_view blanks = " \t\r\n";

/// Without blanks at its ends.
[[nodiscard]] inline std::string_view trimmed(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The text for a message: control characters and overlong input don't reach a terminal.
[[nodiscard]] inline std::string quoted(std::string_view text) {
    constexpr std::size_t shown_max = 128;
    std::string out = "'";
    for (const auto c : text.substr(0, shown_max)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    return out + (text.size() > shown_max ? "...'" : "'");
}

}  // namespace p2pdist::detail
