#include "content_index.hpp"

#include <algorithm>

namespace p2pdist::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view removed_prefix = "removed-";

/// When it was last used is worth no sync: after a crash the order of eviction may be a little old.
void write_last_used(const fs::path& directory, std::uint64_t last_used) {
    bytes raw;
    byte_writer(raw).u64(last_used);
    if (auto out = file::open(directory / "used", file::mode::create_or_open); out) (void)out->write_at(0, raw);
}

std::uint64_t read_last_used(const fs::path& directory) {
    const auto raw = read_small_file(directory / "used", 8);
    return raw ? byte_reader(*raw).u64() : 0;
}

error unknown(const content_key& key) { return {errc::not_found, "content " + key.to_string() + " is not in the store"}; }

}  // namespace

content_index::content_index(const store_context& context, const file_store_options& options)
    : context_(context), root_(options.directory), volume_free_bytes_(options.volume_free_bytes), limit_bytes_(options.limit_bytes) {}

result<void> content_index::load() {
    std::error_code failed;
    trash removed;
    for (const auto& found : fs::directory_iterator(root_, failed)) {
        if (!found.is_directory()) continue;
        const auto name = found.path().filename().string();
        if (name.starts_with(removed_prefix)) {
            removed.push_back(found.path());
            continue;
        }
        auto loaded = stored_content::load(context_, found.path());
        if (loaded && name == directory_name(context_.crypto, (*loaded)->content().key())) {
            const auto last_used = read_last_used(found.path());
            uses_ = std::max(uses_, last_used);
            slots_[(*loaded)->content().key()] = {*loaded, 0, last_used};
            continue;
        }
        // A disk that fails now may work tomorrow, and a newer version may read what we can't: only what is no content goes.
        const auto reason = loaded ? error{errc::malformed, "in a directory of another name"} : loaded.error();
        if (reason.code == errc::malformed || reason.code == errc::not_found || reason.code == errc::integrity_failed)
            removed.push_back(found.path());
        context_.log(log_level::warning, "event=content_not_loaded directory=" + name + " reason=\"" + reason.message + "\"");
    }
    if (failed) return {errc::io_failed, root_.string() + ": " + failed.message()};
    empty_trash(removed);
    return {};
}

fs::path content_index::directory_of(const content_key& key) const { return root_ / directory_name(context_.crypto, key); }

std::uint64_t content_index::volume_free() const {
    if (volume_free_bytes_) return volume_free_bytes_();
    std::error_code failed;
    const auto space = fs::space(root_, failed);
    return failed ? 0 : static_cast<std::uint64_t>(space.available);
}

std::vector<space_user> content_index::users() const {
    std::vector<space_user> all;
    for (const auto& [key, held] : slots_) {
        if (held.stored->attached()) continue;
        const bool used = held.use_count > 0;
        const bool evictable = !used && !held.stored->pinned();
        all.push_back({key, held.stored->content().size_bytes, held.stored->on_disk_bytes(), held.last_used, evictable,
                       used && !held.stored->whole()});
    }
    return all;
}

result<void> content_index::make_room(const content_info& content, const stored_content* existing, std::vector<content_key>& evicted,
                                      trash& removed) {
    auto others = users();
    std::erase_if(others, [&](const space_user& user) { return user.key == content.key(); });
    const auto missing = content.size_bytes - (existing ? existing->on_disk_bytes() : 0);
    const auto plan = plan_space(std::move(others), {limit_bytes_, volume_free()}, content.size_bytes, missing);
    if (!plan) {
        return {errc::no_space, "no room for the " + std::to_string(content.size_bytes) + " bytes of " + content.id.text() + " in " +
                                    root_.string() + ": raise the store's limit, free space on its volume, or unpin contents"};
    }
    for (const auto& key : *plan) discard(key, removed);
    evicted.insert(evicted.end(), plan->begin(), plan->end());
    return {};
}

void content_index::touch(slot& used) {
    used.last_used = ++uses_;
    write_last_used(used.stored->directory(), used.last_used);
}

void content_index::discard(const content_key& key, trash& removed) {
    const auto found = slots_.find(key);
    std::error_code failed;
    auto target = root_ / (std::string(removed_prefix) + std::to_string(++removals_));
    fs::remove_all(target, failed);
    fs::rename(found->second.stored->directory(), target, failed);
    removed.push_back(failed ? found->second.stored->directory() : target);
    slots_.erase(found);
}

void content_index::empty_trash(const trash& removed) {
    std::error_code ignored;
    for (const auto& path : removed) fs::remove_all(path, ignored);
}

result<stored_pointer> content_index::acquire(const content_info& content, bool create, std::vector<content_key>& evicted) {
    trash removed;
    const auto acquired = [&]() -> result<stored_pointer> {
        const std::lock_guard lock(mutex_);
        auto found = slots_.find(content.key());
        if (found == slots_.end() && !create) return unknown(content.key());
        auto* existing = found == slots_.end() ? nullptr : found->second.stored.get();
        if (existing && existing->content() != content)
            return {errc::invalid_argument, "the store has " + content.key().to_string() + " with another size"};
        if (create && !(existing && (existing->whole() || existing->attached()))) {
            if (auto room = make_room(content, existing, evicted, removed); !room) return room.error();
        }
        if (!existing) {
            auto made = stored_content::create(context_, directory_of(content.key()), {content, false, {}, 0});
            if (!made) return made.error();
            found = slots_.emplace(content.key(), slot{*made, 0, 0}).first;
        }
        if (found->second.use_count++ == 0) found->second.stored->keep_open(true);
        touch(found->second);
        return found->second.stored;
    }();
    empty_trash(removed);
    return acquired;
}

result<stored_pointer> content_index::acquire_attached(const content_info& content, const fs::path& source, bool& fresh) {
    trash removed;
    const auto acquired = [&]() -> result<stored_pointer> {
        const std::lock_guard lock(mutex_);
        auto found = slots_.find(content.key());
        const auto changed = changed_at(source);
        if (found != slots_.end()) {
            const auto& stored = *found->second.stored;
            const bool current = !stored.attached() || (stored.source() == source && stored.source_changed() == changed && stored.whole());
            if (!current && found->second.use_count > 0) return {errc::refused, "content " + content.id.text() + " is in use"};
            if (!current) {
                discard(content.key(), removed);
                found = slots_.end();
            }
        }
        fresh = found == slots_.end();
        if (fresh) {
            auto made = stored_content::create(context_, directory_of(content.key()), {content, false, source, changed});
            if (!made) return made.error();
            found = slots_.emplace(content.key(), slot{*made, 0, 0}).first;
        }
        ++found->second.use_count;
        touch(found->second);
        return found->second.stored;
    }();
    empty_trash(removed);
    return acquired;
}

result<void> content_index::release(const content_key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(key);
    if (found == slots_.end() || found->second.use_count == 0) return {errc::not_found, "content " + key.to_string() + " is not open in the store"};
    if (--found->second.use_count == 0) found->second.stored->keep_open(false);
    touch(found->second);
    return {};
}

result<stored_pointer> content_index::find(const content_key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(key);
    if (found == slots_.end()) return unknown(key);
    return found->second.stored;
}

result<stored_pointer> content_index::find_in_use(const content_key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(key);
    if (found == slots_.end() || found->second.use_count == 0) return {errc::not_found, "content " + key.to_string() + " is not open in the store"};
    return found->second.stored;
}

result<void> content_index::remove(const content_key& key) {
    trash removed;
    {
        const std::lock_guard lock(mutex_);
        const auto found = slots_.find(key);
        if (found == slots_.end()) return unknown(key);
        if (found->second.use_count > 0) return {errc::refused, "content " + key.to_string() + " is in use"};
        discard(key, removed);
    }
    empty_trash(removed);
    return {};
}

store_listing content_index::list() const {
    const std::lock_guard lock(mutex_);
    store_listing listing;
    for (const auto& [key, held] : slots_) {
        listing.entries.push_back({held.stored->content(), held.stored->verified_bytes(), held.stored->whole(), held.stored->pinned(),
                                   held.stored->attached(), held.use_count, held.last_used});
    }
    return listing;
}

store_statistics content_index::measure() const {
    const std::lock_guard lock(mutex_);
    return measure_space(users(), {limit_bytes_, volume_free()}, slots_.size());
}

store_statistics content_index::set_limit(std::uint64_t limit_bytes, std::vector<content_key>& evicted) {
    trash removed;
    {
        const std::lock_guard lock(mutex_);
        limit_bytes_ = limit_bytes;
        evicted = plan_limit(users(), limit_bytes);
        for (const auto& key : evicted) discard(key, removed);
    }
    empty_trash(removed);
    return measure();
}

}  // namespace p2pdist::detail
