#include "p2pdist/base/content_info.hpp"

#include <algorithm>

namespace p2pdist {

std::string_view to_string(hash_kind kind) noexcept { return kind == hash_kind::sha256 ? "sha256" : "sha256-tree"; }

std::string content_hash::to_string() const { return std::string(p2pdist::to_string(kind)) + ':' + to_hex(value); }

result<content_hash> content_hash::parse(std::string_view text) {
    for (const auto kind : {hash_kind::sha256_tree, hash_kind::sha256}) {
        const auto prefix = std::string(p2pdist::to_string(kind)) + ':';
        if (!text.starts_with(prefix)) continue;
        const auto decoded = from_hex(text.substr(prefix.size()));
        content_hash hash{kind, {}};
        if (!decoded || decoded->size() != hash.value.size())
            return {errc::malformed, "hash '" + std::string(text) + "': 64 hexadecimal digits must follow '" + prefix + "'"};
        std::copy(decoded->begin(), decoded->end(), hash.value.begin());
        return hash;
    }
    return {errc::malformed, "hash '" + std::string(text) + "': must start with 'sha256-tree:' or 'sha256:'"};
}

std::string content_key::to_string() const { return id.text() + " (" + hash.to_string() + ")"; }

}  // namespace p2pdist
