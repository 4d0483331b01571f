#include "hash_source.hpp"

#include <openssl/evp.h>

#include <memory>
#include <new>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/driver/hash_file.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/content/tree_file.hpp"

namespace p2pdist {

namespace detail {

namespace {

struct context_free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// SHA-256 of bytes that come piece by piece.
class running_sha256 {
public:
    running_sha256() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
    }
    void update(byte_span data) {
        [[maybe_unused]] const int done = EVP_DigestUpdate(context_.get(), data.data(), data.size());
        P2PDIST_ASSERT(done == 1);
    }
    digest finish() {
        digest value{};
        [[maybe_unused]] const int done = EVP_DigestFinal_ex(context_.get(), value.data(), nullptr);
        P2PDIST_ASSERT(done == 1);
        return value;
    }

private:
    std::unique_ptr<EVP_MD_CTX, context_free> context_;
};

}  // namespace

result<source_hashes> hash_source(const crypto_suite& crypto, const file& in, std::uint64_t size_bytes, bool with_sha256,
                                  const std::function<bool()>& stopped) {
    const chunk_geometry geometry(size_bytes);
    std::optional<running_sha256> whole;
    if (with_sha256) whole.emplace();
    std::vector<digest> leaves;
    leaves.reserve(geometry.node_count());
    bytes buffer(chunk_bytes);
    for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
        if (stopped && stopped()) return {errc::cancelled, "stopped while hashing"};
        const auto place = geometry.chunk(chunk);
        const auto data = mutable_byte_span(buffer).first(place.length);
        if (auto read = in.read_at(place.offset, data); !read) return read.error();
        leaves.push_back(leaf_hash(crypto, data));
        if (whole) whole->update(data);
    }
    source_hashes found{hash_tree(crypto, size_bytes, std::move(leaves)), std::nullopt};
    if (whole) found.sha256 = whole->finish();
    return found;
}

}  // namespace detail

result<hash_tree> hash_file(const crypto_suite& crypto, const std::filesystem::path& path) {
    auto in = detail::file::open(path, detail::file::mode::read);
    if (!in) return in.error();
    const auto size = in->size();
    if (!size) return size.error();
    if (*size > limits::content_bytes_max) return {errc::invalid_argument, path.string() + ": larger than any content"};
    auto found = detail::hash_source(crypto, *in, *size, false, {});
    if (!found) return found.error();
    return std::move(found->tree);
}

result<void> write_tree_file(const hash_tree& tree, const std::filesystem::path& path) {
    return detail::replace_file(path, encode_tree_file(tree));
}

}  // namespace p2pdist
