#include "p2pdist/content/memory_store.hpp"

#include <algorithm>

#include "memory_entry.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/content/tree_file.hpp"

namespace p2pdist {

shared_region memory_chunk_pool::find(const digest& root, chunk_index chunk) const {
    const auto found = regions_.find({root, chunk});
    return found == regions_.end() ? nullptr : found->second.lock();
}

void memory_chunk_pool::add(const digest& root, chunk_index chunk, const shared_region& region) {
    auto& slot = regions_[{root, chunk}];
    if (slot.expired()) slot = region;
}

class memory_store::state {
public:
    state(const crypto_suite& crypto, memory_store_options options) : crypto_(crypto), options_(std::move(options)) {}

    store_completion execute(const store_request& request) {
        store_completion done{request.id, std::nullopt, store_done{}, {}};
        evicted_ = &done.evicted;
        if (auto fault = options_.fault ? options_.fault(request) : std::nullopt) {
            done.failure = std::move(fault);
            return done;
        }
        std::visit(
            [&](const auto& operation) {
                auto answer = run(operation);
                if (answer) done.value = std::move(*answer);
                else done.failure = answer.error();
            },
            request.operation);
        return done;
    }

    void interrupt(const store_request& request, random_source& random) {
        // A chunk or a journal that was torn is found out at the start, and counts for nothing. Only an import has parts.
        const auto* import = std::get_if<store_import>(&request.operation);
        if (import && random.below(2) == 0) interrupt_import(*import, random);
        else if (random.below(2) == 0) (void)execute(request);
    }

    void restart() {
        for (auto& [key, entry] : entries_) entry.use_count = 0;
    }

    std::map<std::string, bytes> files;

private:
    /// An import commits its chunks group by group.
    void interrupt_import(const store_import& request, random_source& random) {
        const auto file = files.find(request.path);
        if (file == files.end() || (request.expected && request.expected->kind == hash_kind::sha256)) return;
        const auto tree = make_tree(crypto_, file->second);
        const content_hash hash{hash_kind::sha256_tree, tree.root()};
        const content_info content{request.id.value_or(default_content_id(hash)), file->second.size(), hash};
        if (!execute({0, store_open{content, true}}).ok()) return;
        const chunk_geometry geometry(content.size_bytes);
        const auto whole = std::make_shared<const bytes>(file->second);
        for (chunk_index chunk = 0; chunk < random.below(geometry.chunk_count() + std::uint64_t{1}); ++chunk) {
            bytes proof;
            for (const auto& sibling : tree.proof(chunk)) proof.insert(proof.end(), sibling.begin(), sibling.end());
            const auto place = geometry.chunk(chunk);
            (void)execute({0, store_write_chunk{content.key(), chunk, std::make_shared<const bytes>(std::move(proof)),
                                                {whole, byte_span(*whole).subspan(place.offset, place.length)}}});
        }
    }

    memory_entry* find(const content_key& key) {
        const auto found = entries_.find(key);
        return found == entries_.end() ? nullptr : &found->second;
    }
    static error unknown(const content_key& key) { return {errc::not_found, "content " + key.to_string() + " is not in the store"}; }
    /// The entry, if it is in use: what store_open must have preceded.
    result<memory_entry*> in_use(const content_key& key) {
        auto* entry = find(key);
        if (!entry || entry->use_count == 0) return {errc::not_found, "content " + key.to_string() + " is not open in the store"};
        return entry;
    }

    std::vector<space_user> users() const {
        std::vector<space_user> all;
        for (const auto& [key, entry] : entries_) {
            if (entry.attached) continue;
            const bool used = entry.use_count > 0;
            all.push_back({key, entry.content().size_bytes, entry.held_bytes(), entry.last_used, !used && !entry.pinned, used && !entry.whole()});
        }
        return all;
    }
    std::uint64_t volume_free() const {
        std::uint64_t held = 0;
        for (const auto& user : users()) held += user.on_disk_bytes;
        return options_.volume_free_bytes - std::min(held, options_.volume_free_bytes);
    }
    result<void> make_room(const content_info& content, const memory_entry* existing) {
        auto others = users();
        std::erase_if(others, [&](const space_user& user) { return user.key == content.key(); });
        const auto missing = content.size_bytes - (existing ? existing->held_bytes() : 0);
        const auto plan = plan_space(others, {options_.limit_bytes, volume_free()}, content.size_bytes, missing);
        if (!plan) {
            return {errc::no_space, "no room for the " + std::to_string(content.size_bytes) + " bytes of " + content.id.text() +
                                        ": raise the store's limit, free space on its volume, or unpin contents"};
        }
        for (const auto& key : *plan) entries_.erase(key);
        evicted_->insert(evicted_->end(), plan->begin(), plan->end());
        return {};
    }
    memory_entry& create(const content_info& content) {
        auto& entry = entries_.try_emplace(content.key(), crypto_, content, options_.pool.get()).first->second;
        entry.last_used = ++uses_;
        return entry;
    }

    result<store_opened> run(const store_open& request) {
        if (auto checked = check(request.content); !checked) return checked.error();
        auto* entry = find(request.content.key());
        if (!entry && !request.create) return unknown(request.content.key());
        if (entry && entry->content() != request.content) return {errc::invalid_argument, "the store has this content with another size"};
        if (request.create && !(entry && entry->whole())) {
            if (auto room = make_room(request.content, entry); !room) return room.error();
        }
        if (!entry) entry = &create(request.content);
        ++entry->use_count;
        entry->last_used = ++uses_;
        auto opened = entry->opened();
        opened.known = options_.pool;
        return opened;
    }
    result<store_done> run(const store_close& request) {
        auto entry = in_use(request.key);
        if (!entry) return entry.error();
        --(*entry)->use_count;
        (*entry)->last_used = ++uses_;
        return store_done{};
    }
    result<store_region> run(const store_read_chunk& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        if (request.chunk >= entry->geometry().chunk_count() || !entry->verified().contains(request.chunk))
            return {errc::not_found, "chunk " + std::to_string(request.chunk) + " is not in the store"};
        if (options_.corrupt && options_.corrupt(request.key, request.chunk)) {
            entry->lose(request.chunk);
            return {errc::integrity_failed, "chunk " + std::to_string(request.chunk) + " was altered on disk"};
        }
        return store_region{request.chunk, entry->region(request.chunk)};
    }
    result<store_written> run(const store_write_chunk& request) {
        auto entry = in_use(request.key);
        if (!entry) return entry.error();
        return (*entry)->write(request);
    }
    result<store_appended> run(const store_append& request) {
        auto entry = in_use(request.key);
        if (!entry) return entry.error();
        return (*entry)->append(request);
    }
    result<store_opened> run(const store_finish& request) {
        auto entry = in_use(request.key);
        if (!entry) return entry.error();
        if (auto finished = (*entry)->finish(); !finished) return finished.error();
        return (*entry)->opened();
    }
    result<store_opened> run(const store_install_tree& request) {
        auto entry = in_use(request.key);
        if (!entry) return entry.error();
        if (auto installed = (*entry)->install_tree(request.tree_file.view); !installed) return installed.error();
        return (*entry)->opened();
    }
    result<store_tree> run(const store_read_tree& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        if (!entry->whole()) return {errc::not_found, "the tree of " + request.key.to_string() + " is not complete"};
        return store_tree{std::make_shared<const bytes>(encode_tree_file(make_tree(crypto_, entry->assemble())))};
    }
    result<store_content> run(const store_import& request) {
        const auto file = files.find(request.path);
        if (file == files.end()) return {errc::not_found, "no file " + request.path};
        const auto tree = make_tree(crypto_, file->second);
        content_hash hash{hash_kind::sha256_tree, tree.root()};
        if (request.expected && request.expected->kind == hash_kind::sha256) hash = {hash_kind::sha256, crypto_.sha256({file->second})};
        if (request.expected && *request.expected != hash) return {errc::integrity_failed, "file " + request.path + " does not fit the expected hash"};
        const content_info content{request.id.value_or(default_content_id(hash)), file->second.size(), hash};
        auto* entry = find(content.key());
        if (!entry || !entry->whole()) {
            if (auto room = make_room(content, entry); !room) return room.error();
            entry = &create(content);
            entry->fill(tree, file->second);
        }
        return store_content{content};
    }
    result<store_content> run(const store_attach& request) {
        if (auto checked = check(request.content); !checked) return checked.error();
        const auto file = files.find(request.path);
        if (file == files.end()) return {errc::not_found, "no file " + request.path};
        const auto tree = make_tree(crypto_, file->second);
        const auto found = request.content.hash.kind == hash_kind::sha256 ? crypto_.sha256({file->second}) : tree.root();
        if (file->second.size() != request.content.size_bytes || found != request.content.hash.value)
            return {errc::integrity_failed, "file " + request.path + " does not fit the hash of content " + request.content.id.text()};
        auto* entry = find(request.content.key());
        if (entry && entry->whole()) return store_content{request.content};
        const bool fresh = entry == nullptr;
        entry = &create(request.content);
        entry->attached = entry->attached || fresh;
        entry->fill(tree, file->second);
        return store_content{request.content};
    }
    result<store_content> run(const store_export& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        if (!entry->whole()) return {errc::refused, "content " + request.key.to_string() + " is not whole yet"};
        if (const auto bad = check_chunks(*entry); !bad.corrupt.empty()) return {errc::integrity_failed, "a chunk was altered on disk"};
        if (request.sink) {
            const auto whole = entry->assemble();
            for (auto done : {request.sink->resize(whole.size()), request.sink->write_at(0, whole), request.sink->sync()}) {
                if (!done) return done.error();
            }
        } else {
            files[request.path] = entry->assemble();
        }
        entry->last_used = ++uses_;
        return store_content{entry->content()};
    }
    result<store_done> run(const store_pin& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        entry->pinned = request.pinned;
        return store_done{};
    }
    result<store_done> run(const store_remove& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        if (entry->use_count > 0) return {errc::refused, "content " + request.key.to_string() + " is in use"};
        entries_.erase(request.key);
        return store_done{};
    }
    store_checked check_chunks(memory_entry& entry) {
        store_checked report{entry.verified().count(), chunk_set(entry.geometry().chunk_count())};
        for (auto chunk = entry.verified().first_present(); chunk; chunk = entry.verified().first_present(*chunk + 1)) {
            if (!options_.corrupt || !options_.corrupt(entry.content().key(), *chunk)) continue;
            report.corrupt.insert(*chunk);
            entry.lose(*chunk);
        }
        return report;
    }
    result<store_checked> run(const store_verify& request) {
        auto* entry = find(request.key);
        if (!entry) return unknown(request.key);
        return check_chunks(*entry);
    }
    result<store_listing> run(const store_list&) {
        store_listing listing;
        for (const auto& [key, entry] : entries_) {
            listing.entries.push_back({entry.content(), entry.verified().content_bytes(entry.geometry()), entry.whole(), entry.pinned,
                                       entry.attached, entry.use_count, entry.last_used});
        }
        return listing;
    }
    result<store_statistics> run(const store_set_limit& request) {
        options_.limit_bytes = request.limit_bytes;
        for (const auto& key : plan_limit(users(), options_.limit_bytes)) {
            entries_.erase(key);
            evicted_->push_back(key);
        }
        return run(store_measure{});
    }
    result<store_statistics> run(const store_measure&) { return measure_space(users(), {options_.limit_bytes, volume_free()}, entries_.size()); }

    const crypto_suite& crypto_;
    memory_store_options options_;
    std::map<content_key, memory_entry> entries_;
    std::vector<content_key>* evicted_ = nullptr;
    std::uint64_t uses_ = 0;
};

memory_store::memory_store(const crypto_suite& crypto, memory_store_options options)
    : state_(std::make_unique<state>(crypto, std::move(options))) {}
memory_store::~memory_store() = default;
memory_store::memory_store(memory_store&&) noexcept = default;
memory_store& memory_store::operator=(memory_store&&) noexcept = default;

store_completion memory_store::execute(const store_request& request) { return state_->execute(request); }
std::map<std::string, bytes>& memory_store::files() noexcept { return state_->files; }
void memory_store::interrupt(const store_request& request, random_source& random) { state_->interrupt(request, random); }
void memory_store::restart() { state_->restart(); }

result<void> memory_content_store::open(const crypto_suite& crypto, completion_handler on_done) {
    if (store_) return {errc::refused, "this store in memory is another client's: each has one of its own"};
    store_.emplace(crypto, options_);
    on_done_ = std::move(on_done);
    return {};
}

void memory_content_store::submit(store_request request) {
    if (on_done_) on_done_(store_->execute(request));
}

void memory_content_store::stop() { on_done_ = nullptr; }

}  // namespace p2pdist
