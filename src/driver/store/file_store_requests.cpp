// What each request does, but for the writes of chunks.

#include "file_store_impl.hpp"
#include "p2pdist/content/content_checks.hpp"

namespace p2pdist {

using detail::caught;
using detail::file;

namespace {

result<file> open_source(const std::string& path, const detail::io_fault* fault, std::uint64_t& size_bytes) {
    auto in = file::open(path, file::mode::read, fault);
    if (!in) return in;
    const auto size = in->size();
    if (!size) return size.error();
    if (*size > limits::content_bytes_max) return {errc::invalid_argument, path + ": larger than any content"};
    size_bytes = *size;
    return in;
}

error does_not_fit(const std::string& path, const content_hash& hash) {
    return {errc::integrity_failed, "file " + path + " does not fit the hash " + hash.to_string()};
}

}  // namespace

result<store_opened> file_store::impl::run(const store_open& request, evicted_keys& evicted) {
    if (auto good = check(request.content); !good) return good.error();
    const auto stored = index_.acquire(request.content, request.create, evicted);
    if (!stored) return stored.error();
    return (*stored)->opened();
}

result<store_done> file_store::impl::run(const store_close& request, evicted_keys&) {
    if (auto done = index_.release(request.key); !done) return done.error();
    return store_done{};
}

result<store_region> file_store::impl::run(const store_read_chunk& request, evicted_keys&) {
    const auto stored = index_.find(request.key);
    if (!stored) return stored.error();
    return (*stored)->read(request.chunk);
}

result<store_opened> file_store::impl::run(const store_finish& request, evicted_keys&) {
    const auto stored = index_.find_in_use(request.key);
    if (!stored) return stored.error();
    if (auto done = (*stored)->finish(); !done) return done.error();
    return (*stored)->opened();
}

result<store_opened> file_store::impl::run(const store_install_tree& request, evicted_keys&) {
    const auto stored = index_.find_in_use(request.key);
    if (!stored) return stored.error();
    if (auto done = (*stored)->install_tree(request.tree_file.view); !done) return done.error();
    return (*stored)->opened();
}

result<store_tree> file_store::impl::run(const store_read_tree& request, evicted_keys&) {
    const auto stored = index_.find(request.key);
    if (!stored) return stored.error();
    auto tree = (*stored)->tree_file();
    if (!tree) return tree.error();
    return store_tree{std::make_shared<const bytes>(std::move(*tree))};
}

result<store_content> file_store::impl::run(const store_import& request, evicted_keys& evicted) {
    std::uint64_t size = 0;
    const auto in = open_source(request.path, &context_.fault, size);
    if (!in) return in.error();
    const auto kind = request.expected ? request.expected->kind : hash_kind::sha256_tree;
    const auto hashes = hash_source(context_.crypto, *in, size, kind == hash_kind::sha256, context_.stopped());
    if (!hashes) return hashes.error();
    const content_hash hash{kind, hashes->of(kind)};
    if (request.expected && *request.expected != hash) return does_not_fit(request.path, *request.expected);

    const content_info content{request.id.value_or(default_content_id(hash)), size, hash};
    const auto stored = index_.acquire(content, true, evicted);
    if (!stored) return stored.error();
    auto done = caught([&] { return (*stored)->whole() ? result<void>{} : (*stored)->fill_from(*in, hashes->tree); });
    if (auto released = index_.release(content.key()); done && !released) done = released;
    if (!done) return index_.explain(done.error(), **stored);
    return store_content{content};
}

result<store_content> file_store::impl::run(const store_attach& request, evicted_keys&) {
    const auto& content = request.content;
    if (auto good = check(content); !good) return good.error();
    std::uint64_t size = 0;
    const auto in = open_source(request.path, &context_.fault, size);
    if (!in) return in.error();
    if (size != content.size_bytes) return does_not_fit(request.path, content.hash);
    const auto stored = index_.acquire_attached(content, request.path);
    if (!stored) return stored.error();
    auto done = caught([&]() -> result<void> {
        if ((*stored)->whole()) return {};
        const auto hashes = hash_source(context_.crypto, *in, size, content.hash.kind == hash_kind::sha256, context_.stopped());
        if (!hashes) return hashes.error();
        if (hashes->of(content.hash.kind) != content.hash.value) return does_not_fit(request.path, content.hash);
        return (*stored)->fill_from(*in, hashes->tree);
    });
    if (auto released = index_.release(content.key()); done && !released) done = released;
    if (done) return store_content{content};
    if ((*stored)->attached()) (void)index_.remove(content.key());
    return index_.explain(done.error(), **stored);
}

result<store_content> file_store::impl::run(const store_export& request, evicted_keys&) {
    const auto known = index_.find(request.key);
    if (!known) return known.error();
    // In use while it is copied, so that it is not evicted.
    evicted_keys none;
    const auto stored = index_.acquire((*known)->content(), false, none);
    if (!stored) return stored.error();
    auto done = caught([&]() -> result<void> {
        if (request.sink) return (*stored)->copy_to(*request.sink);
        std::error_code failed;
        const auto path = std::filesystem::absolute(request.path, failed);
        if (failed) return {errc::io_failed, request.path + ": " + failed.message()};
        return (*stored)->copy_to(path);
    });
    if (auto released = index_.release(request.key); done && !released) done = released;
    if (!done) return done.error();
    return store_content{(*stored)->content()};
}

result<store_done> file_store::impl::run(const store_pin& request, evicted_keys&) {
    const auto stored = index_.find(request.key);
    if (!stored) return stored.error();
    if (auto done = (*stored)->set_pinned(request.pinned); !done) return done.error();
    return store_done{};
}

result<store_done> file_store::impl::run(const store_remove& request, evicted_keys&) {
    if (auto done = index_.remove(request.key); !done) return done.error();
    return store_done{};
}

result<store_checked> file_store::impl::run(const store_verify& request, evicted_keys&) {
    const auto stored = index_.find(request.key);
    if (!stored) return stored.error();
    return (*stored)->check_chunks();
}

result<store_listing> file_store::impl::run(const store_list&, evicted_keys&) { return index_.list(); }

result<store_statistics> file_store::impl::run(const store_set_limit& request, evicted_keys& evicted) {
    return index_.set_limit(request.limit_bytes, evicted);
}

result<store_statistics> file_store::impl::run(const store_measure&, evicted_keys&) { return index_.measure(); }

}  // namespace p2pdist
