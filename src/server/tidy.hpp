#pragma once
// Names as devices give them, fit for logs, lists and the database.

#include <algorithm>
#include <string>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

/// The text with control characters replaced; empty where it is not UTF-8.
[[nodiscard]] inline std::string tidy(std::string text) {
    if (!is_utf8(text)) text.clear();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
    return text;
}

}  // namespace p2pdist
