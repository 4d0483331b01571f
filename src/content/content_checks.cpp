#include "p2pdist/content/content_checks.hpp"

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {

result<void> check(const content_info& content) {
    if (content.id.empty()) return {errc::invalid_argument, "a content needs an id"};
    if (content.size_bytes > limits::content_bytes_max) {
        return {errc::invalid_argument, "content " + content.id.text() + ": " + std::to_string(content.size_bytes) +
                                            " bytes are more than the largest content of " + std::to_string(limits::content_bytes_max)};
    }
    return {};
}

content_id default_content_id(const content_hash& hash) { return *content_id::parse(to_hex(hash.value)); }

}  // namespace p2pdist
