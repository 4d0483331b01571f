// Reading, writing and committing single chunks.

#include <algorithm>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "stored_content.hpp"
#include "tree_nodes.hpp"

namespace p2pdist::detail {

namespace {

/// Does it at the end of the scope, also where an exception ends that.
template <class Call>
class at_end {
public:
    explicit at_end(Call call) : call_(std::move(call)) {}
    ~at_end() {
        if (due_) call_();
    }
    at_end(const at_end&) = delete;
    at_end& operator=(const at_end&) = delete;
    void dismiss() noexcept { due_ = false; }

private:
    Call call_;
    bool due_ = true;
};

}  // namespace

result<bool> stored_content::read_region(const open_files& files, chunk_index chunk, mutable_byte_span region) {
    const auto proof = region.first(geometry_.proof_bytes(chunk));
    const auto data = region.subspan(proof.size());
    const auto known = read_proof(files.tree, geometry_, chunk, proof);
    if (!known || !*known) return known;
    if (auto done = files.content.read_at(geometry_.chunk(chunk).offset, data); !done) return done.error();
    return verify_chunk(context_.crypto, geometry_, root(), chunk, proof, data);
}

void stored_content::lose(const open_files& files, chunk_index chunk, std::string_view event) {
    if (context_.log.wants(log_level::error)) {
        context_.log(log_level::error, "event=" + std::string(event) + " content=" + content().id.text() + " chunk=" + std::to_string(chunk));
    }
    if (record_events(files, {{journal_event::lost, chunk, 1}})) return;
    forget(chunk);  // the journal still says that it is there; the next start finds out as this one did
}

void stored_content::miss(chunk_index chunk, const error& why) {
    if (context_.log.wants(log_level::error)) {
        context_.log(log_level::error, "event=chunk_not_readable content=" + content().id.text() + " chunk=" + std::to_string(chunk) + " reason=\"" +
                                           why.message + '"');
    }
    forget(chunk);
}

void stored_content::forget(chunk_index chunk) {
    const std::lock_guard journal_lock(journal_mutex_);  // not while a commit journals how far was appended
    const std::lock_guard lock(state_mutex_);
    apply({journal_event::lost, chunk, 1});
    missed_.insert(chunk);
}

result<void> stored_content::journal_loss(const open_files& files, chunk_index chunk) {
    {
        const std::lock_guard lock(state_mutex_);
        if (!missed_.contains(chunk)) return {};
    }
    if (auto done = record_events(files, {{journal_event::lost, chunk, 1}}); !done) return done;
    const std::lock_guard lock(state_mutex_);
    missed_.erase(chunk);
    return {};
}

result<store_region> stored_content::read(chunk_index chunk) {
    if (chunk >= geometry_.chunk_count() || !has(chunk)) return {errc::not_found, "chunk " + std::to_string(chunk) + " is not in the store"};
    const auto open = files();
    if (!open) return open.error();
    auto region = std::make_shared<bytes>(geometry_.region(chunk).length);
    if (!has(chunk)) return {errc::not_found, "chunk " + std::to_string(chunk) + " is not in the store any more"};  // the files were gone
    const auto fits = read_region(**open, chunk, *region);
    if (!fits) {
        miss(chunk, fits.error());
        return fits.error();
    }
    if (!*fits) {
        lose(**open, chunk);
        return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " of " + content().id.text() + " was altered on disk"};
    }
    return store_region{chunk, shared_bytes(std::move(region))};
}

result<void> stored_content::own_proof(const open_files& files, chunk_index chunk, mutable_byte_span out) {
    const auto proof = read_proof(files.tree, geometry_, chunk, out);
    const auto leaf = read_leaf(files.tree, geometry_, chunk);
    if (proof && *proof && leaf && verify_leaf(context_.crypto, geometry_, root(), chunk, out, *leaf)) return {};
    const auto [known, lost] = [this] {
        const std::lock_guard lock(state_mutex_);
        return std::pair(tree_known_, tree_lost_);
    }();
    if (!known && !lost) return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " came without a proof, and the tree is not known"};
    if (known) lose(files, chunk, "tree_altered_on_disk");
    return {errc::io_failed, "the tree of " + content().id.text() + " was altered on disk, and is dropped: ask again"};
}

result<bool> stored_content::stage_chunk(const store_write_chunk& request) {
    const auto chunk = request.chunk;
    if (chunk >= geometry_.chunk_count()) return {errc::invalid_argument, "a chunk behind the last one"};
    if (has(chunk)) return false;
    if (content().hash.kind != hash_kind::sha256_tree) return {errc::invalid_argument, "a plain SHA-256 content can only be appended to"};
    const auto open = files();
    if (!open) return open.error();
    bytes stored;
    byte_span proof = request.proof.view;
    if (proof.empty() && geometry_.proof_bytes(chunk) > 0) {
        stored.resize(geometry_.proof_bytes(chunk));
        if (auto known = own_proof(**open, chunk, stored); !known) return known.error();
        proof = stored;
    }
    const auto data = request.data.view;
    const auto leaf = leaf_hash(context_.crypto, data);
    if (data.size() != geometry_.chunk(chunk).length || !verify_leaf(context_.crypto, geometry_, root(), chunk, proof, leaf))
        return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " does not fit the hash of " + content().id.text()};
    if (auto done = journal_loss(**open, chunk); !done) return done.error();
    protect(chunk);
    at_end undo([&] { unprotect({&chunk, 1}); });
    auto done = write_sparse((*open)->content, geometry_.chunk(chunk).offset, data);
    if (done) done = write_proof((*open)->tree, geometry_, chunk, leaf, proof, rewrites_nodes());
    if (!done) return done.error();
    undo.dismiss();
    return true;
}

result<std::uint64_t> stored_content::stage_append(const store_append& request) {
    auto data = request.data.view;
    const auto end = request.offset + data.size();
    if (data.size() > limits::store_append_bytes_max) return {errc::limit_reached, "more bytes than one request may append"};
    const auto open = files();
    if (!open) return open.error();
    std::uint64_t before = 0;
    {
        const std::lock_guard lock(state_mutex_);
        const auto position = position_locked(staged_appended_);
        if (request.offset < staged_appended_ || request.offset > position)
            return {errc::invalid_argument, "bytes must be appended at offset " + std::to_string(position)};
        if (end > record_.content.size_bytes) return {errc::invalid_argument, "more bytes than the content has"};
        before = std::exchange(staged_appended_, end);  // before they are written: a chunk that is lost meanwhile takes it back
    }
    at_end undo([&] {
        const std::lock_guard lock(state_mutex_);
        staged_appended_ = std::min(staged_appended_, before);
    });
    const auto is_protected = [this](chunk_index chunk) {
        const std::lock_guard lock(state_mutex_);
        return verified_.contains(chunk) || staged_.contains(chunk);
    };
    for (auto offset = request.offset; offset < end;) {
        const auto chunk = static_cast<chunk_index>(offset / chunk_bytes);
        const auto part = data.first(std::min<std::uint64_t>(geometry_.chunk(chunk).end(), end) - offset);
        if (!is_protected(chunk)) {
            if (auto done = write_sparse((*open)->content, offset, part); !done) return done.error();
        }
        offset += part.size();
        data = data.subspan(part.size());
    }
    undo.dismiss();
    return end;
}

result<void> stored_content::commit(const std::vector<chunk_index>& chunks, std::optional<std::uint64_t> appended, std::uint64_t failed_before) {
    const at_end release([&] { unprotect(chunks); });
    at_end undo([&] {
        const std::lock_guard lock(state_mutex_);
        staged_appended_ = appended_;
    });
    const auto open = files();
    auto done = open ? sync((*open)->content, failed_before) : result<void>(open.error());
    if (done && !chunks.empty()) done = sync((*open)->tree, failed_before);
    if (done) {
        std::vector<journal_record> records;
        for (const auto chunk : chunks) records.push_back({journal_event::verified, chunk, 1});
        if (appended) records.push_back({journal_event::appended, 0, *appended});
        done = record_events(**open, std::move(records));
    }
    if (done) undo.dismiss();
    return done;
}

}  // namespace p2pdist::detail
