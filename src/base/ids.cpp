#include "p2pdist/base/ids.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

std::string client_id::to_string() const { return to_hex(value); }

std::optional<client_id> client_id::parse(std::string_view text) {
    const auto decoded = from_hex(text);
    client_id id;
    if (!decoded || decoded->size() != id.value.size()) return std::nullopt;
    std::copy(decoded->begin(), decoded->end(), id.value.begin());
    return id;
}

result<content_id> content_id::parse(std::string_view text) {
    const auto refuse = [](std::string why) { return result<content_id>(errc::invalid_argument, "content id: " + std::move(why)); };
    if (text.empty()) return refuse("it is empty");
    if (text.size() > limits::content_id_bytes_max)
        return refuse("longer than " + std::to_string(limits::content_id_bytes_max) + " bytes");
    if (text == "." || text == "..") return refuse("'" + std::string(text) + "' names a directory");
    for (const auto c : text) {
        if (c == '/' || c == '\\') return refuse("it may not contain '/' or '\\'");
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return refuse("it may not contain control characters");
    }
    if (!is_utf8(text)) return refuse("it is not UTF-8");
    return content_id(text);
}

}  // namespace p2pdist
