#include "stored_content.hpp"

#include <algorithm>
#include <utility>

#include "tree_nodes.hpp"

namespace p2pdist::detail {

namespace {

constexpr std::size_t record_size_max = 65536;

short_key binding_of(const crypto_suite& crypto, const content_key& key) {
    short_key binding;
    const auto full = crypto.sha256({as_bytes("journal"), as_bytes(key.id.text()), as_bytes(key.hash.to_string())});
    std::copy_n(full.begin(), binding.size(), binding.begin());
    return binding;
}

}  // namespace

stored_content::stored_content(const store_context& context, std::filesystem::path directory, content_record record)
    : context_(context),
      directory_(std::move(directory)),
      record_(std::move(record)),
      geometry_(record_.content.size_bytes),
      journal_(context.crypto, binding_of(context.crypto, record_.content.key())),
      verified_(geometry_.chunk_count()) {
    if (record_.content.hash.kind == hash_kind::sha256_tree) root_ = record_.content.hash.value;
}

result<void> stored_content::make_files() {
    auto tree = file::open(directory_ / "tree", file::mode::create_or_open, &context_.fault);
    if (!tree) return tree.error();
    if (auto sized = tree->resize(geometry_.node_count() * digest_bytes); !sized) return sized;
    if (auto synced = tree->sync(); !synced) return synced;
    auto log = file::open(directory_ / "journal", file::mode::create_or_open, &context_.fault);
    if (!log) return log.error();
    if (attached()) return {};
    auto content = file::open(directory_ / "content", file::mode::create_or_open, &context_.fault);
    if (!content) return content.error();
    if (auto sized = content->resize(record_.content.size_bytes); !sized) return sized;
    return content->sync();
}

result<std::shared_ptr<stored_content>> stored_content::create(const store_context& context, const std::filesystem::path& directory,
                                                               content_record record) {
    if (auto done = make_directory(directory, &context.fault); !done) return done.error();
    auto made = std::shared_ptr<stored_content>(new stored_content(context, directory, std::move(record)));
    auto done = made->make_files();
    // The info file comes last: a directory without one is no content.
    if (done) done = replace_file(directory / "info", encode_record(context.crypto, made->record_), &context.fault);
    if (done) done = sync_directory(directory.parent_path(), &context.fault);
    if (!done) {
        remove_tree(directory, &context.fault);
        return done.error();
    }
    // Nothing is missing of an empty content, if its hash says that it is one; else store_finish says what is wrong.
    if (made->content().size_bytes == 0) (void)made->finish();
    return made;
}

result<content_record> stored_content::read_record(const store_context& context, const std::filesystem::path& directory) {
    const auto raw = read_small_file(directory / "info", record_size_max);
    if (!raw) return raw.error();
    return decode_record(context.crypto, *raw);
}

result<std::shared_ptr<stored_content>> stored_content::load(const store_context& context, const std::filesystem::path& directory) {
    auto record = read_record(context, directory);
    if (!record) return record.error();
    if (!record->source.empty()) {
        const auto changed = changed_at(record->source);
        if (!changed) return changed.error();
        if (*changed != record->source_changed) return {errc::integrity_failed, record->source.string() + " has changed since it was hashed"};
    }
    auto loaded = std::shared_ptr<stored_content>(new stored_content(context, directory, std::move(*record)));
    if (auto done = loaded->replay(); !done) return done.error();
    if (loaded->attached()) return loaded;
    // A full disk is no reason to hide what fills it: the journal is right as it is, and only what is known can make room.
    const auto name = directory.filename().string();
    if (auto done = loaded->recover_unjournaled(); !done) {
        if (done.error().code != errc::no_space) return done.error();
        context.log(log_level::warning, "event=chunks_not_recovered directory=" + name + " reason=\"" + done.error().message + "\"");
    }
    if (auto done = loaded->shorten_journal(); !done)
        context.log(log_level::warning, "event=journal_not_shortened directory=" + name + " reason=\"" + done.error().message + "\"");
    return loaded;
}

void stored_content::protect(chunk_index chunk) {
    const std::lock_guard lock(state_mutex_);
    staged_.insert(chunk);
}

void stored_content::unprotect(std::span<const chunk_index> chunks) {
    const std::lock_guard lock(state_mutex_);
    for (const auto chunk : chunks) staged_.erase(chunk);
}

result<void> stored_content::start_anew() {
    context_.log(log_level::error, "event=content_files_gone content=" + content().id.text() + " directory=" + directory_.string());
    {
        const std::lock_guard lock(state_mutex_);
        half_made_ = true;
    }
    auto done = make_directory(directory_, &context_.fault);
    if (done) done = make_files();
    if (done) done = journal_.rewrite(directory_ / "journal", {}, &context_.fault);
    if (done) done = replace_file(directory_ / "info", encode_record(context_.crypto, record_), &context_.fault);
    if (done) done = sync_directory(directory_.parent_path(), &context_.fault);
    const std::lock_guard lock(state_mutex_);
    apply({journal_event::lost, 0, geometry_.chunk_count()});
    tree_known_ = false;
    missed_.clear();
    half_made_ = !done;
    return done;
}

result<stored_content::shared_files> stored_content::files() {
    {
        const std::lock_guard lock(state_mutex_);
        if (auto open = opened_.lock()) return open;
        auto opened = half_made_ ? result<shared_files>(errc::not_found, "") : open_files_locked();
        if (opened) opened_ = *opened;
        if (opened || opened.error().code != errc::not_found || attached()) return opened;
    }
    const std::lock_guard journal_lock(journal_mutex_);
    if (retired_) return removed();
    const auto is_gone = [this](const char* name) {
        std::error_code failed;  // what cannot be looked at is not gone
        return std::filesystem::status(directory_ / name, failed).type() == std::filesystem::file_type::not_found;
    };
    if (half_made_ || is_gone("journal") || is_gone("content") || is_gone("tree")) {  // no other thread was faster
        if (auto done = start_anew(); !done) return done.error();
    }
    const std::lock_guard lock(state_mutex_);
    if (auto open = opened_.lock()) return open;
    auto opened = open_files_locked();
    if (opened) opened_ = *opened;
    return opened;
}

result<stored_content::shared_files> stored_content::open_files_locked() const {
    auto content = attached() ? file::open(record_.source, file::mode::read, &context_.fault)
                              : file::open(directory_ / "content", file::mode::read_write, &context_.fault);
    if (!content) return content.error();
    auto tree = file::open(directory_ / "tree", file::mode::read_write, &context_.fault);
    if (!tree) return tree.error();
    auto log = file::open(directory_ / "journal", file::mode::read_write, &context_.fault);
    if (!log) return log.error();
    if (retired_) return removed();  // asked after they were opened: till then they were its own
    return shared_files(std::make_shared<const open_files>(open_files{std::move(*content), std::move(*tree), std::move(*log)}));
}

void stored_content::retire() {
    const std::lock_guard journal_lock(journal_mutex_);
    retired_ = true;
}

error stored_content::removed() const { return {errc::not_found, "content " + content().key().to_string() + " is not in the store any more"}; }

void stored_content::keep_open(bool keep) {
    shared_files now;
    if (keep) {
        if (auto open = files()) now = *open;
    }
    const std::lock_guard lock(state_mutex_);
    kept_open_ = std::move(now);
}

void stored_content::apply(const journal_record& record) {
    const bool in_range = record.first <= geometry_.chunk_count() && record.count <= geometry_.chunk_count() - record.first;
    const chunk_range range{record.first, static_cast<chunk_index>(record.count)};
    switch (record.event) {
        case journal_event::verified:
            if (in_range) verified_.insert(range);
            break;
        case journal_event::lost:
            if (in_range) verified_.erase(range);
            appended_ = std::min(appended_, record.first * chunk_bytes);
            staged_appended_ = std::min(staged_appended_, record.first * chunk_bytes);
            whole_ = false;
            // Perhaps it was the tree that was altered. A plain content's can't come from elsewhere; it is made anew with the whole.
            if (record_.content.hash.kind == hash_kind::sha256_tree) tree_lost_ = std::exchange(tree_known_, false) || tree_lost_;
            break;
        case journal_event::appended: appended_ = std::min(record.count, record_.content.size_bytes); break;
        case journal_event::tree: tree_known_ = true; break;
        case journal_event::whole: whole_ = verified_.full(); break;
    }
    if (record_.content.hash.kind == hash_kind::sha256_tree && geometry_.chunk_count() > 0 && verified_.full()) whole_ = true;
    tree_known_ = tree_known_ || whole_;
}

result<void> stored_content::replay() {
    std::error_code missing;
    const bool damaged = !attached() && std::filesystem::file_size(directory_ / "content", missing) != content().size_bytes;
    if (auto made = make_files(); !made) return made;
    const auto open = files();
    if (!open) return open.error();
    auto done = journal_.replay((*open)->log, [this](const journal_record& record) { apply(record); });
    if (done && (damaged || missing)) done = record_events(**open, {{journal_event::lost, 0, geometry_.chunk_count()}});
    staged_appended_ = appended_;
    if (done && tree_known_ && record_.content.hash.kind == hash_kind::sha256 && geometry_.chunk_count() > 0) {
        const auto top = read_top((*open)->tree, geometry_);
        if (!top) return top.error();
        root_ = root_hash(context_.crypto, record_.content.size_bytes, *top);
    }
    return done;
}

result<void> stored_content::recover_unjournaled() {
    if (whole_ || record_.content.hash.kind != hash_kind::sha256_tree) return {};
    const auto open = files();
    if (!open) return open.error();
    const auto& content = (*open)->content;
    const auto failed_before = failed_syncs();
    std::vector<journal_record> found;
    bytes region;
    chunk_index next = 0;
    for (auto data = content.next_data(0); data; data = content.next_data(data->end())) {
        next = std::max(next, static_cast<chunk_index>(data->offset / chunk_bytes));
        for (; next < geometry_.chunk_count() && geometry_.chunk(next).offset < data->end(); ++next) {
            if (verified_.contains(next)) continue;
            region.resize(geometry_.region(next).length);
            const auto fits = read_region(**open, next, region);
            if (!fits || !*fits) continue;
            // A sync that failed before may have left the system believing that these bytes are on the disk: written once more, they will be.
            const auto proof = byte_span(region).first(geometry_.proof_bytes(next));
            const auto data_found = byte_span(region).subspan(proof.size());
            auto done = content.write_at(geometry_.chunk(next).offset, data_found);
            if (done) done = write_proof((*open)->tree, geometry_, next, leaf_hash(context_.crypto, data_found), proof, true);
            if (done) found.push_back({journal_event::verified, next, 1});
        }
    }
    if (found.empty()) return {};
    if (auto synced = sync(content, failed_before); !synced) return synced;
    if (auto synced = sync((*open)->tree, failed_before); !synced) return synced;
    return record_events(**open, found);
}

result<void> stored_content::shorten_journal() {
    const auto ranges = verified_.ranges();
    if (journal_.records() < 1024 || journal_.records() < 4 * ranges.size()) return {};
    std::vector<journal_record> records;
    for (const auto& range : ranges) records.push_back({journal_event::verified, range.first, range.count});
    if (appended_ > 0) records.push_back({journal_event::appended, 0, appended_});
    if (tree_known_) records.push_back({journal_event::tree, 0, 0});
    if (whole_) records.push_back({journal_event::whole, 0, 0});
    opened_.reset();
    auto done = journal_.rewrite(directory_ / "journal", records, &context_.fault);
    journal_unsynced_ = !done;
    return done;
}

result<void> stored_content::sync(const file& written, std::uint64_t failed_before) {
    const std::lock_guard lock(sync_mutex_);
    if (failed_syncs_ != failed_before)
        return {errc::io_failed, directory_.string() + ": a sync failed, and what was written before it has to be written again"};
    auto done = written.sync();
    if (!done) ++failed_syncs_;
    return done;
}

result<void> stored_content::record_events(const open_files& files, std::vector<journal_record> records) {
    const std::lock_guard journal_lock(journal_mutex_);
    if (journal_unsynced_) {
        if (auto done = sync_directory(directory_, &context_.fault); !done) return done;
        journal_unsynced_ = false;
    }
    {
        const std::lock_guard lock(state_mutex_);
        for (auto& record : records) {  // a chunk may have been lost since it was asked for
            if (record.event == journal_event::appended) record.count = std::min(record.count, staged_appended_);
        }
    }
    if (auto done = journal_.append(files.log, records); !done) return done;
    const std::lock_guard lock(state_mutex_);
    for (const auto& record : records) apply(record);
    return {};
}

bool stored_content::pinned() const {
    const std::lock_guard lock(state_mutex_);
    return record_.pinned;
}

bool stored_content::whole() const {
    const std::lock_guard lock(state_mutex_);
    return whole_;
}

bool stored_content::has(chunk_index chunk) const {
    const std::lock_guard lock(state_mutex_);
    return verified_.contains(chunk);
}

digest stored_content::root() const {
    const std::lock_guard lock(state_mutex_);
    return root_;
}

std::uint64_t stored_content::position_locked(std::uint64_t from) const {
    while (from < record_.content.size_bytes && verified_.contains(static_cast<chunk_index>(from / chunk_bytes))) {
        from = geometry_.chunk(static_cast<chunk_index>(from / chunk_bytes)).end();
    }
    return from;
}

std::uint64_t stored_content::append_position() const {
    const std::lock_guard lock(state_mutex_);
    return position_locked(appended_);
}

store_opened stored_content::opened() const {
    const std::lock_guard lock(state_mutex_);
    return {verified_, position_locked(appended_), tree_known_, whole_, root_};
}

std::uint64_t stored_content::verified_bytes() const {
    const std::lock_guard lock(state_mutex_);
    return verified_.content_bytes(geometry_);
}

std::uint64_t stored_content::on_disk_bytes() const {
    const std::lock_guard lock(state_mutex_);
    return std::max(verified_.content_bytes(geometry_), appended_);
}

result<void> stored_content::set_pinned(bool pinned) {
    auto changed = record_;
    changed.pinned = pinned;
    if (auto done = replace_file(directory_ / "info", encode_record(context_.crypto, changed), &context_.fault); !done) return done;
    const std::lock_guard lock(state_mutex_);
    record_.pinned = pinned;
    return {};
}

}  // namespace p2pdist::detail
