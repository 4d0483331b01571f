#pragma once
// Which contents the store has, who uses them, and who makes room (CLI-3). Safe to call from several threads.

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "p2pdist/content/space_plan.hpp"
#include "stored_content.hpp"

namespace p2pdist::detail {

using stored_pointer = std::shared_ptr<stored_content>;

class content_index {
public:
    content_index(const store_context& context, const file_store_options& options);

    /// Loads every content; what is damaged beyond use is removed and logged.
    [[nodiscard]] result<void> load();

    /// One more use of it. `evicted` gets what made room.
    [[nodiscard]] result<stored_pointer> acquire(const content_info& content, bool create, std::vector<content_key>& evicted);
    /// The same for a file elsewhere: it must be hashed unless what is given is whole. That may be the store's own, of which it has a part.
    [[nodiscard]] result<stored_pointer> acquire_attached(const content_info& content, const std::filesystem::path& source);
    [[nodiscard]] result<void> release(const content_key& key);

    [[nodiscard]] result<stored_pointer> find(const content_key& key) const;
    /// errc::not_found too where nobody uses it.
    [[nodiscard]] result<stored_pointer> find_in_use(const content_key& key) const;
    [[nodiscard]] result<void> remove(const content_key& key);
    /// A failure for want of space, with figures and what to do; others as they are.
    [[nodiscard]] error explain(const error& failure, const stored_content& stored) const;
    [[nodiscard]] store_listing list() const;
    [[nodiscard]] store_statistics measure() const;
    [[nodiscard]] store_statistics set_limit(std::uint64_t limit_bytes, std::vector<content_key>& evicted);

private:
    struct slot {
        stored_pointer stored;
        std::uint32_t use_count = 0;
        std::uint64_t last_used = 0;
    };
    using trash = std::vector<std::filesystem::path>;

    [[nodiscard]] std::filesystem::path directory_of(const content_key& key) const;
    [[nodiscard]] std::uint64_t volume_free() const;
    [[nodiscard]] std::vector<space_user> users() const;
    [[nodiscard]] result<void> make_room(const content_info& content, const stored_content* existing, std::vector<content_key>& evicted,
                                         trash& removed);
    void touch(slot& used);
    /// Takes it out of the index and its directory out of the way, for good; empty_trash deletes it, without the lock.
    result<void> discard(const content_key& key, trash& removed);
    result<void> put_away(const std::filesystem::path& directory, trash& removed);
    void empty_trash(const trash& removed) const;
    /// A new content, or one whose directory could not be read at the start and can now.
    [[nodiscard]] result<stored_pointer> create_or_load(content_record record, trash& removed);

    const store_context& context_;
    const std::filesystem::path root_;
    const std::function<std::uint64_t()> volume_free_bytes_;

    mutable std::mutex mutex_;
    std::map<content_key, slot> slots_;
    std::uint64_t limit_bytes_;
    std::uint64_t uses_ = 0;
    std::uint64_t removals_ = 0;
};

}  // namespace p2pdist::detail
