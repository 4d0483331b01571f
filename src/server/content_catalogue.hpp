#pragma once
// The published contents: id, size, hash, and nothing else of an application (SRV-1).

#include <map>

#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

class content_catalogue {
public:
    void put(content_record record) {
        auto id = record.content.id;
        removed_.erase(id);
        contents_.insert_or_assign(std::move(id), std::move(record));
    }
    void remove(const content_id& id) {
        if (const auto* record = find(id)) remember(record->content);
        contents_.erase(id);
    }
    /// What the id of a removed content means for ever (CLI-6).
    void remember(const content_info& content) { removed_.insert_or_assign(content.id, content); }
    [[nodiscard]] std::size_t removed() const noexcept { return removed_.size(); }

    [[nodiscard]] const content_record* find(const content_id& id) const {
        const auto at = contents_.find(id);
        return at == contents_.end() ? nullptr : &at->second;
    }
    /// The published content with this id and this hash.
    [[nodiscard]] const content_info* find(const content_key& key) const {
        const auto* record = find(key.id);
        return record != nullptr && record->content.hash == key.hash ? &record->content : nullptr;
    }
    [[nodiscard]] const std::map<content_id, content_record>& all() const noexcept { return contents_; }
    [[nodiscard]] std::size_t size() const noexcept { return contents_.size(); }

    /// What publishing `contents` would change: those that are new. errc::already_exists for an id that has another hash or size, or had
    /// before it was removed (CLI-6), errc::invalid_argument, errc::limit_reached; then nothing of it may be published.
    [[nodiscard]] result<std::vector<content_info>> additions(const std::vector<content_info>& contents) const;

private:
    std::map<content_id, content_record> contents_;
    std::map<content_id, content_info> removed_;
};

}  // namespace p2pdist
