// What takes as long as a content is large.

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/tree_file.hpp"
#include "stored_content.hpp"
#include "tree_nodes.hpp"

namespace p2pdist::detail {

namespace {

constexpr chunk_index chunks_per_sync = 64;   // a sync can't be interrupted: whoever stops the store waits for 16 MiB, not for gigabytes

/// The size of an output file is known: better to say so before than in the middle.
result<void> has_room(const std::filesystem::path& directory, std::uint64_t size_bytes) {
    std::error_code failed;
    const auto space = std::filesystem::space(directory, failed);
    if (failed || space.available >= size_bytes) return {};  // where it cannot be told, writing will
    return {errc::no_space, "disk full: the output file needs " + std::to_string(size_bytes) + " bytes in " + directory.string() + ", which has " +
                                std::to_string(space.available) + " free"};
}

/// Removes a file that did not become what it should.
class temporary_file {
public:
    explicit temporary_file(std::filesystem::path path) : path_(std::move(path)) { remove(); }
    ~temporary_file() { remove(); }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    void remove() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    std::filesystem::path path_;
};

/// "Not found" is said of a content, and not of the directory where it is to go.
error of_output(error why) {
    if (why.code == errc::not_found) why.code = errc::io_failed;
    return why;
}

class file_sink final : public output_sink {
public:
    explicit file_sink(file out) : out_(std::move(out)) {}
    result<void> resize(std::uint64_t size_bytes) override { return out_.resize(size_bytes); }
    result<void> write_at(std::uint64_t offset, byte_span data) override { return out_.write_at(offset, data); }
    result<void> sync() override { return out_.sync(); }

private:
    file out_;
};

}  // namespace

result<void> stored_content::take_tree(const open_files& files, const hash_tree& tree) {
    const auto failed_before = failed_syncs();
    if (auto done = write_tree(files.tree, tree); !done) return done;
    if (auto done = sync(files.tree, failed_before); !done) return done;
    if (auto done = record_events(files, {{journal_event::tree, 0, 0}}); !done) return done;
    const std::lock_guard lock(state_mutex_);
    root_ = tree.root();
    return {};
}

result<void> stored_content::finish() {
    if (whole()) return {};
    if (append_position() != content().size_bytes)
        return {errc::invalid_argument, "bytes are missing behind offset " + std::to_string(append_position())};
    const auto open = files();
    if (!open) return open.error();
    const auto kind = content().hash.kind;
    const auto hashes = hash_source(context_.crypto, (*open)->content, content().size_bytes, kind == hash_kind::sha256, context_.stopped());
    const bool fits = hashes && hashes->of(kind) == content().hash.value;
    if (!hashes && hashes.error().code == errc::cancelled) return hashes.error();
    if (!fits) {
        // What was verified is on a disk that may have altered it since: then what was appended need not be wrong.
        const auto checked = check_chunks();
        if (!checked) return checked.error();
        if (const auto lost = checked->corrupt.count(); lost > 0)
            return {errc::io_failed, std::to_string(lost) + " chunks of " + content().id.text() + " were altered on disk and are dropped: ask again"};
    }
    if (!hashes) {
        if (const auto unread = first_unreadable(**open)) lose(**open, *unread, "chunk_not_readable");
        return hashes.error();
    }
    if (!fits) {
        // Of a plain content nothing is proven, then; of a tree content, what was verified by itself stays.
        std::vector<journal_record> dropped{{journal_event::appended, 0, 0}};
        if (kind == hash_kind::sha256) dropped.push_back({journal_event::lost, 0, geometry_.chunk_count()});
        if (auto done = record_events(**open, dropped); !done) return done;
        const std::lock_guard lock(state_mutex_);
        staged_appended_ = 0;
        return {errc::integrity_failed, "the whole does not fit the hash of " + content().key().to_string()};
    }
    if (auto done = take_tree(**open, hashes->tree); !done) return done;
    if (auto done = sync((*open)->content, failed_syncs()); !done) return done;
    return record_events(**open, {{journal_event::verified, 0, geometry_.chunk_count()}, {journal_event::whole, 0, 0}});
}

std::optional<chunk_index> stored_content::first_unreadable(const open_files& files) const {
    bytes buffer(chunk_bytes);
    for (chunk_index chunk = 0; chunk < geometry_.chunk_count() && !context_.stopping; ++chunk) {
        const auto place = geometry_.chunk(chunk);
        if (!files.content.read_at(place.offset, mutable_byte_span(buffer).first(place.length))) return chunk;
    }
    return std::nullopt;
}

result<void> stored_content::install_tree(byte_span tree_file) {
    if (content().hash.kind != hash_kind::sha256_tree) return {errc::invalid_argument, "nothing proves the tree file of a plain SHA-256 content"};
    const auto tree = parse_tree_file(context_.crypto, content().size_bytes, content().hash.value, tree_file);
    if (!tree) return tree.error();
    if (whole()) return {};
    const auto open = files();
    if (!open) return open.error();
    if (auto done = take_tree(**open, *tree); !done) return done;
    // What was appended can be told good from bad now.
    std::vector<journal_record> found;
    bytes buffer(chunk_bytes);
    const auto until = append_position();
    for (chunk_index chunk = 0; chunk < geometry_.chunk_count() && geometry_.chunk(chunk).end() <= until; ++chunk) {
        if (has(chunk)) continue;
        if (context_.stopping) return {errc::cancelled, "stopped while hashing"};
        const auto place = geometry_.chunk(chunk);
        const auto data = mutable_byte_span(buffer).first(place.length);
        if (auto done = (*open)->content.read_at(place.offset, data); !done) return done;
        if (leaf_hash(context_.crypto, data) == tree->leaves()[chunk]) found.push_back({journal_event::verified, chunk, 1});
    }
    if (found.empty()) return {};
    if (auto done = sync((*open)->content, failed_syncs()); !done) return done;
    return record_events(**open, found);
}

result<bytes> stored_content::tree_file() {
    if (!opened().tree_known) return {errc::not_found, "the tree of " + content().key().to_string() + " is not complete"};
    const auto open = files();
    if (!open) return open.error();
    auto leaves = read_leaves((*open)->tree, geometry_);
    if (!leaves) return leaves.error();
    const hash_tree tree(context_.crypto, content().size_bytes, std::move(*leaves));
    if (tree.root() != root() && content().size_bytes > 0) return {errc::integrity_failed, "the tree of " + content().id.text() + " was altered on disk"};
    return encode_tree_file(tree);
}

result<store_checked> stored_content::check_chunks() {
    const auto open = files();
    if (!open) return open.error();
    store_checked report{0, chunk_set(geometry_.chunk_count())};
    const auto present = opened().verified;
    bytes region;
    for (auto chunk = present.first_present(); chunk; chunk = present.first_present(*chunk + 1)) {
        if (context_.stopping) return {errc::cancelled, "stopped while checking"};
        region.resize(geometry_.region(*chunk).length);
        const auto fits = read_region(**open, *chunk, region);
        ++report.chunks_checked;
        if (fits && *fits) continue;
        report.corrupt.insert(*chunk);
        if (fits) lose(**open, *chunk);
        else miss(*chunk, fits.error());
    }
    return report;
}

result<void> stored_content::fill_from(const file& source, const hash_tree& tree) {
    const auto open = files();
    if (!open) return open.error();
    if (auto done = take_tree(**open, tree); !done) return done;
    if (attached()) return record_events(**open, {{journal_event::verified, 0, geometry_.chunk_count()}, {journal_event::whole, 0, 0}});
    std::vector<chunk_index> batch;
    const auto done = copy_from(**open, source, tree, batch);
    unprotect(batch);
    return done ? record_events(**open, {{journal_event::whole, 0, 0}}) : done;
}

result<void> stored_content::copy_from(const open_files& files, const file& source, const hash_tree& tree, std::vector<chunk_index>& batch) {
    bytes buffer(chunk_bytes);
    auto failed_before = failed_syncs();
    for (chunk_index chunk = 0; chunk < geometry_.chunk_count(); ++chunk) {
        if (has(chunk)) continue;
        if (context_.stopping) return {errc::cancelled, "stopped while copying"};
        const auto place = geometry_.chunk(chunk);
        const auto data = mutable_byte_span(buffer).first(place.length);
        if (auto done = source.read_at(place.offset, data); !done) return done;
        if (leaf_hash(context_.crypto, data) != tree.leaves()[chunk]) return {errc::integrity_failed, "the file changed while it was read"};
        protect(chunk);
        batch.push_back(chunk);
        if (auto done = write_sparse(files.content, place.offset, data); !done) return done;
        if (batch.size() * chunk_bytes < limits::store_commit_bytes_max) continue;
        if (auto done = commit(batch, std::nullopt, failed_before); !done) return done;
        batch.clear();
        failed_before = failed_syncs();
    }
    return commit(batch, std::nullopt, failed_before);
}

result<void> stored_content::copy_to(const std::filesystem::path& target) {
    if (!whole()) return not_whole();
    if (auto room = has_room(target.parent_path(), content().size_bytes); !room) return room;
    const temporary_file temporary(target.parent_path() / temporary_name(target));
    {
        auto out = file::open(temporary.path(), file::mode::create_new, &context_.fault);
        if (!out) return of_output(out.error());
        file_sink sink(std::move(*out));
        if (auto done = copy_to(sink); !done) return done;
    }
    auto done = rename_synced(temporary.path(), target, &context_.fault);
    return done ? done : of_output(done.error());
}

result<void> stored_content::copy_to(output_sink& out) {
    if (!whole()) return not_whole();
    const auto open = files();
    if (!open) return open.error();
    if (auto done = out.resize(content().size_bytes); !done) return done;
    bytes region;
    for (chunk_index chunk = 0; chunk < geometry_.chunk_count(); ++chunk) {
        if (context_.stopping) return {errc::cancelled, "stopped while copying"};
        region.resize(geometry_.region(chunk).length);
        const auto fits = read_region(**open, chunk, region);
        if (!fits) {
            miss(chunk, fits.error());
            return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " of " + content().id.text() + " cannot be read: " + fits.error().message};
        }
        if (!*fits) {
            lose(**open, chunk);
            return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " of " + content().id.text() + " was altered on disk"};
        }
        const auto data = byte_span(region).subspan(geometry_.proof_bytes(chunk));
        const bool hole = std::ranges::all_of(data, [](std::uint8_t byte) { return byte == 0; });
        if (auto done = hole ? result<void>() : out.write_at(geometry_.chunk(chunk).offset, data); !done) return done;
        if ((chunk + 1) % chunks_per_sync != 0) continue;
        if (auto done = out.sync(); !done) return done;
    }
    return out.sync();
}

error stored_content::not_whole() const { return {errc::refused, "content " + content().key().to_string() + " is not whole yet"}; }

}  // namespace p2pdist::detail
