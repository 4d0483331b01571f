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

bool all_of(std::string_view text, std::string_view letters) { return text.find_first_not_of(letters) == std::string_view::npos; }

/// As directory_name() makes it. Other directories are somebody else's: the store may have been given a directory in use, or a volume's root.
bool is_content_name(std::string_view name) { return name.size() == 2 * directory_name_bytes && all_of(name, "0123456789abcdef"); }

/// As put_away() makes it.
bool is_removed_name(std::string_view name) {
    if (!name.starts_with(removed_prefix)) return false;
    name.remove_prefix(removed_prefix.size());
    return !name.empty() && all_of(name, "0123456789");
}

/// A disk that fails now may work tomorrow, and a newer version may read what we can't: only what is no content may go.
bool is_no_content(const error& failure) {
    return failure.code == errc::malformed || failure.code == errc::not_found || failure.code == errc::integrity_failed;
}

error disk_full(const content_info& content, const fs::path& where, std::uint64_t needed, std::uint64_t free) {
    return {errc::no_space, "disk full: " + content.id.text() + " needs " + std::to_string(needed) + " bytes in " + where.string() +
                                ", whose volume has " + std::to_string(free) + " free; free some there and ask again, what is here is kept"};
}

error unknown(const content_key& key) { return {errc::not_found, "content " + key.to_string() + " is not in the store"}; }

error other_size(const content_key& key) { return {errc::invalid_argument, "the store has " + key.to_string() + " with another size"}; }

}  // namespace

content_index::content_index(const store_context& context, const file_store_options& options)
    : context_(context), root_(options.directory), volume_free_bytes_(options.volume_free_bytes), limit_bytes_(options.limit_bytes) {}

result<void> content_index::load() {
    std::error_code failed;
    trash removed;
    const fs::directory_iterator end;
    for (fs::directory_iterator next(root_, failed); !failed && next != end; next.increment(failed)) {
        const auto& found = *next;
        std::error_code unknown;
        if (!found.is_directory(unknown)) continue;
        const auto name = found.path().filename().string();
        if (is_removed_name(name)) {
            removed.push_back(found.path());
            continue;
        }
        if (!is_content_name(name)) {
            context_.log(log_level::info, "event=directory_not_ours directory=\"" + name + "\"");
            continue;
        }
        auto loaded = stored_content::load(context_, found.path());
        if (loaded && name == directory_name(context_.crypto, (*loaded)->content().key())) {
            const auto last_used = read_last_used(found.path());
            uses_ = std::max(uses_, last_used);
            slots_[(*loaded)->content().key()] = {*loaded, 0, last_used};
            continue;
        }
        const auto reason = loaded ? error{errc::malformed, "in a directory of another name"} : loaded.error();
        if (is_no_content(reason)) removed.push_back(found.path());
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
    const auto plan = plan_space(others, {limit_bytes_, volume_free()}, content.size_bytes, missing);
    if (!plan) {
        const auto has = measure_space(others, {limit_bytes_, volume_free()}, others.size());
        if (has.volume_free_bytes < missing) return disk_full(content, root_, missing, has.volume_free_bytes);
        return {errc::no_space, "no room for " + content.id.text() + " in " + root_.string() + ": it needs " + std::to_string(missing) +
                                    " bytes, and the store may still take " + std::to_string(has.usable_bytes) +
                                    ": raise the store's limit, free space on its volume, or unpin contents"};
    }
    for (const auto& key : *plan) (void)discard(key, removed);  // what does not go is there again after a restart
    evicted.insert(evicted.end(), plan->begin(), plan->end());
    return {};
}

void content_index::touch(slot& used) {
    used.last_used = ++uses_;
    write_last_used(used.stored->directory(), used.last_used);
}

result<void> content_index::put_away(const fs::path& directory, trash& removed) {
    auto target = root_ / (std::string(removed_prefix) + std::to_string(++removals_));
    remove_tree(target, &context_.fault);
    auto done = rename_synced(directory, target, &context_.fault);
    if (!done && done.error().code == errc::not_found) return {};  // somebody removed it already
    std::error_code missing;
    removed.push_back(fs::exists(target, missing) ? target : directory);
    return done;
}

result<void> content_index::discard(const content_key& key, trash& removed) {
    const auto found = slots_.find(key);
    found->second.stored->retire();
    auto done = put_away(found->second.stored->directory(), removed);
    slots_.erase(found);
    return done;
}

void content_index::empty_trash(const trash& removed) const {
    for (const auto& path : removed) remove_tree(path, &context_.fault);
}

result<stored_pointer> content_index::create_or_load(content_record record, trash& removed) {
    const auto directory = directory_of(record.content.key());
    std::error_code missing;
    if (fs::exists(directory, missing)) {
        auto loaded = stored_content::load(context_, directory);
        if (loaded && (*loaded)->content() == record.content) {
            const auto& found = **loaded;
            const bool current = found.source() == record.source && found.source_changed() == record.source_changed && found.whole();
            if (!found.attached() || current) return loaded;
        }
        // Nothing of it is overwritten, unless it is of a file elsewhere: that can be read again.
        const auto there = stored_content::read_record(context_, directory);
        const bool attached = there && !there->source.empty();
        if (!loaded && !attached && !is_no_content(loaded.error())) return loaded.error();
        if (auto away = put_away(directory, removed); !away) return away.error();
    }
    return stored_content::create(context_, directory, std::move(record));
}

error content_index::explain(const error& failure, const stored_content& stored) const {
    if (failure.code != errc::no_space) return failure;
    const auto& content = stored.content();
    auto told = disk_full(content, root_, content.size_bytes - std::min(content.size_bytes, stored.on_disk_bytes()), volume_free());
    told.message += " (" + failure.message + ")";
    return told;
}

result<stored_pointer> content_index::acquire(const content_info& content, bool create, std::vector<content_key>& evicted) {
    trash removed;
    const auto acquired = [&]() -> result<stored_pointer> {
        const std::lock_guard lock(mutex_);
        auto found = slots_.find(content.key());
        if (found == slots_.end() && !create) return unknown(content.key());
        auto* existing = found == slots_.end() ? nullptr : found->second.stored.get();
        if (existing && existing->content() != content)
            return other_size(content.key());
        if (create && !(existing && (existing->whole() || existing->attached()))) {
            if (auto room = make_room(content, existing, evicted, removed); !room) return room.error();
        }
        if (!existing) {
            auto made = create_or_load({content, false, {}, 0}, removed);
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

result<stored_pointer> content_index::acquire_attached(const content_info& content, const fs::path& source) {
    trash removed;
    const auto acquired = [&]() -> result<stored_pointer> {
        const std::lock_guard lock(mutex_);
        auto found = slots_.find(content.key());
        const auto changed = changed_at(source);
        if (!changed) return changed.error();
        if (found != slots_.end()) {
            const auto& stored = *found->second.stored;
            if (stored.content() != content) return other_size(content.key());
            const bool current = !stored.attached() || (stored.source() == source && stored.source_changed() == *changed && stored.whole());
            if (!current && found->second.use_count > 0) return {errc::refused, "content " + content.id.text() + " is in use"};
            if (!current) {
                if (auto away = discard(content.key(), removed); !away) return away.error();
                found = slots_.end();
            }
        }
        if (found == slots_.end()) {
            auto made = create_or_load({content, false, source, *changed}, removed);
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
    const auto done = [&]() -> result<void> {
        const std::lock_guard lock(mutex_);
        const auto found = slots_.find(key);
        if (found == slots_.end()) return unknown(key);
        if (found->second.use_count > 0) return {errc::refused, "content " + key.to_string() + " is in use"};
        return discard(key, removed);
    }();
    empty_trash(removed);
    return done;
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
        for (const auto& key : evicted) (void)discard(key, removed);
    }
    empty_trash(removed);
    return measure();
}

}  // namespace p2pdist::detail
