#include "content_catalogue.hpp"

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/content_checks.hpp"

namespace p2pdist {
namespace {

error other_content(const content_info& known, const content_info& wanted, const char* when) {
    const bool same_hash = known.hash == wanted.hash;
    return {errc::already_exists,
            "'" + wanted.id.text() + "' " + when + " with another " +
                (same_hash ? "size (" + std::to_string(known.size_bytes) + " bytes)" : "hash (" + known.hash.to_string() + ")") +
                "; a content id never changes its meaning: publish under a new id"};
}

}  // namespace

result<std::vector<content_info>> content_catalogue::additions(const std::vector<content_info>& contents) const {
    std::map<content_id, const content_info*> added;
    std::vector<content_info> out;
    for (const auto& content : contents) {
        if (const auto good = check(content); !good) return good.error();
        const auto* record = find(content.id);
        const auto* known = record != nullptr ? &record->content : nullptr;
        if (const auto same = added.find(content.id); same != added.end()) known = same->second;
        if (known != nullptr) {
            if (*known != content) return other_content(*known, content, "is published already");
            continue;
        }
        if (const auto former = removed_.find(content.id); former != removed_.end() && former->second != content)
            return other_content(former->second, content, "was published before, and removed,");
        added.emplace(content.id, &content);
        out.push_back(content);
    }
    if (size() + out.size() > limits::server_contents_max) {
        return {errc::limit_reached,
                "the server keeps at most " + std::to_string(limits::server_contents_max) + " contents; remove some first"};
    }
    return out;
}

}  // namespace p2pdist
