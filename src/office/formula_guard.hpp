#pragma once
// Spreadsheet programs run a cell that starts with = + - or @ as a formula, even from a CSV file, and one person's office name is then
// another's command. An apostrophe in front keeps it text.

#include <string>
#include <string_view>

namespace p2pdist::detail {

/// Whether `text` is any number of apostrophes and then a formula character. Guarding adds one apostrophe to these texts and stripping
/// takes one from them, so that stripping undoes guarding for every text, and names such as "'s-Hertogenbosch" stay as they are.
[[nodiscard]] inline bool looks_like_formula(std::string_view text) noexcept {
    const auto first = text.find_first_not_of('\'');
    return first != std::string_view::npos && std::string_view("=+-@").find(text[first]) != std::string_view::npos;
}

[[nodiscard]] inline std::string guard_formula(std::string_view text) {
    return looks_like_formula(text) ? "'" + std::string(text) : std::string(text);
}

[[nodiscard]] inline std::string strip_formula_guard(std::string_view text) {
    return std::string(looks_like_formula(text) && text.front() == '\'' ? text.substr(1) : text);
}

}  // namespace p2pdist::detail
