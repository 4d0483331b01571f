#pragma once
// The published contents: id, size, hash, and nothing else of an application (SRV-1).

#include <map>

#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

class content_catalogue {
public:
    void put(content_record record) {
        auto id = record.content.id;
        contents_.insert_or_assign(std::move(id), std::move(record));
    }
    void remove(const content_id& id) { contents_.erase(id); }

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

    /// What publishing `contents` would change: those that are new. errc::already_exists for an id with another hash or size (CLI-6),
    /// errc::invalid_argument, errc::limit_reached; then nothing of it may be published.
    [[nodiscard]] result<std::vector<content_info>> additions(const std::vector<content_info>& contents) const;

private:
    std::map<content_id, content_record> contents_;
};

}  // namespace p2pdist
