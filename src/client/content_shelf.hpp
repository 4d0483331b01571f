#pragma once
// What lies in the store, as the client knows it: read once at start, then kept in step with what it does itself.

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/store.hpp"

namespace p2pdist::client_room {

class content_shelf {
public:
    /// False where client_contents_max is reached: such a content is neither served nor reported.
    bool put(const store_entry& entry) {
        const auto key = entry.content.key();
        if (entries_.size() >= limits::client_contents_max && !entries_.contains(key)) return false;
        entries_[key] = entry;
        return true;
    }
    void put_whole(const content_info& content) {
        store_entry entry;
        if (const auto* known = find(content.key())) entry = *known;
        entry.content = content;
        entry.verified_bytes = content.size_bytes;
        entry.whole = true;
        put(entry);
    }
    void put_partial(const content_info& content, std::uint64_t verified_bytes) {
        store_entry entry;
        if (const auto* known = find(content.key())) entry = *known;
        entry.content = content;
        entry.verified_bytes = verified_bytes;
        entry.whole = false;
        put(entry);
    }
    /// The disk has altered so much of it, as far as is known: it is not whole any more.
    void mark_damaged(const content_key& key, std::uint64_t damaged_bytes) {
        auto* entry = find(key);
        if (!entry) return;
        entry->verified_bytes -= std::min(entry->verified_bytes, damaged_bytes);
        entry->whole = false;
    }
    void erase(const content_key& key) { entries_.erase(key); }
    [[nodiscard]] const store_entry* find(const content_key& key) const {
        const auto found = entries_.find(key);
        return found == entries_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] store_entry* find(const content_key& key) {
        const auto found = entries_.find(key);
        return found == entries_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] bool whole(const content_key& key) const {
        const auto* entry = find(key);
        return entry && entry->whole;
    }
    /// Contents of that id; more than one where an id was published anew under another hash after a removal.
    [[nodiscard]] std::vector<store_entry> of(const content_id& id) const {
        std::vector<store_entry> out;
        for (const auto& [key, entry] : entries_) {
            if (key.id == id) out.push_back(entry);
        }
        return out;
    }
    [[nodiscard]] const std::map<content_key, store_entry>& entries() const noexcept { return entries_; }

private:
    std::map<content_key, store_entry> entries_;
};

}  // namespace p2pdist::client_room
