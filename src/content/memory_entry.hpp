#pragma once
// One content of a memory_store.

#include <memory>
#include <optional>
#include <vector>

#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/content/space_plan.hpp"

namespace p2pdist {

using shared_region = std::shared_ptr<const bytes>;

class memory_entry {
public:
    memory_entry(const crypto_suite& crypto, content_info content, memory_chunk_pool* pool);

    [[nodiscard]] const content_info& content() const noexcept { return content_; }
    [[nodiscard]] const chunk_geometry& geometry() const noexcept { return geometry_; }
    [[nodiscard]] const chunk_set& verified() const noexcept { return verified_; }
    [[nodiscard]] bool whole() const noexcept { return whole_; }
    [[nodiscard]] store_opened opened() const;
    [[nodiscard]] std::uint64_t held_bytes() const noexcept;
    [[nodiscard]] const shared_region& region(chunk_index chunk) const { return regions_[chunk]; }

    result<store_written> write(const store_write_chunk& request);
    result<store_appended> append(const store_append& request);
    result<void> finish();
    result<void> install_tree(byte_span file);
    /// Takes bytes that are known to fit, and their tree.
    void fill(const hash_tree& tree, byte_span whole);
    void lose(chunk_index chunk);
    /// The content's bytes; whole() only.
    [[nodiscard]] bytes assemble() const;

    bool pinned = false;
    bool attached = false;
    std::uint32_t use_count = 0;
    std::uint64_t last_used = 0;

private:
    [[nodiscard]] std::uint64_t append_position() const noexcept;
    [[nodiscard]] bool fits(chunk_index chunk, byte_span proof, byte_span data) const;
    void keep(chunk_index chunk, shared_region region);
    void keep(const hash_tree& tree, chunk_index chunk, byte_span data);

    const crypto_suite* crypto_;
    memory_chunk_pool* pool_;
    content_info content_;
    chunk_geometry geometry_;
    chunk_set verified_;
    std::vector<shared_region> regions_;
    bytes appended_;
    std::optional<hash_tree> tree_;  // where a tree file was installed and the content is not whole yet
    digest tree_root_{};
    bool whole_ = false;
};

}  // namespace p2pdist
