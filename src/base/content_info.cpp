#include "p2pdist/base/content_info.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist {
namespace {

constexpr std::pair<std::string_view, hash_kind> prefixes[] = {{"sha256-tree:", hash_kind::sha256_tree}, {"sha256:", hash_kind::sha256}};

}  // namespace

std::string content_hash::to_string() const {
    for (const auto& [prefix, of_kind] : prefixes)
        if (of_kind == kind) return std::string(prefix) + to_hex(value);
    return {};
}

result<content_hash> content_hash::parse(std::string_view text) {
    for (const auto& [prefix, of_kind] : prefixes) {
        if (!text.starts_with(prefix)) continue;
        const auto decoded = from_hex(text.substr(prefix.size()));
        content_hash hash{of_kind, {}};
        if (!decoded || decoded->size() != hash.value.size())
            return {errc::malformed, "hash '" + std::string(text) + "': 64 hexadecimal digits must follow '" + std::string(prefix) + "'"};
        std::copy(decoded->begin(), decoded->end(), hash.value.begin());
        return hash;
    }
    return {errc::malformed, "hash '" + std::string(text) + "': must start with 'sha256-tree:' or 'sha256:'"};
}

}  // namespace p2pdist
