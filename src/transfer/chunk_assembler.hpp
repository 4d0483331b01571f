#pragma once
// Puts the pieces of one chunk's region together and remembers who sent what.

#include <memory>
#include <vector>

#include "missing_bytes.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "region_pool.hpp"

namespace p2pdist::detail::transfer {

/// What one peer gave of a region.
struct contribution {
    client_id peer;
    std::uint64_t region_bytes = 0;   ///< proof included
    std::uint64_t content_bytes = 0;  ///< without the proof
    bool authenticated = true;        ///< every piece of it was
    std::vector<byte_range> proven;   ///< the authenticated pieces, as offsets in the region
};

/// A region that did not fit its hash, kept until right bytes show who altered it.
struct bad_region {
    std::shared_ptr<const bytes> buffer;
    std::vector<contribution> givers;
};
/// Who authenticated bytes that are not those of `right`. Bytes without authentication are held against nobody (SEC-3).
[[nodiscard]] std::vector<client_id> liars_of(const bad_region& bad, byte_span right);

/// Memory is taken from the pool when the first byte arrives. Distinct objects: safe. Shared: unsafe.
class chunk_assembler {
public:
    /// The pool outlives it.
    chunk_assembler(const chunk_geometry& geometry, chunk_index chunk, region_pool& pool);
    ~chunk_assembler();
    chunk_assembler(const chunk_assembler&) = delete;
    chunk_assembler& operator=(const chunk_assembler&) = delete;

    [[nodiscard]] const byte_range& region() const noexcept { return region_; }
    [[nodiscard]] const missing_bytes& missing() const noexcept { return missing_; }
    [[nodiscard]] bool complete() const noexcept { return missing_.empty(); }
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// Every byte so far is that of the region given to compare_with(): take() gives that one, which is not the pool's.
    [[nodiscard]] bool borrowed() const noexcept { return known_ != nullptr; }
    [[nodiscard]] const std::vector<contribution>& contributions() const noexcept { return contributions_; }

    /// Before the first byte: bytes that are those of `known` are compared and not kept. Null: all are kept.
    void compare_with(std::shared_ptr<const bytes> known);

    /// The region's first `count` bytes are not needed (a resumed plain content): they stay zero.
    void skip(std::uint64_t count);

    /// `offset` counts from the region's start; what lies beyond the region or is here already is ignored. Gives the new bytes.
    std::uint64_t add(std::uint64_t offset, byte_span payload, const client_id& peer, bool authenticated);

    /// Whether bytes that are here already were others than these.
    [[nodiscard]] bool contradicts(std::uint64_t offset, byte_span payload) const;

    /// The whole region; asked once, when complete().
    [[nodiscard]] std::shared_ptr<const bytes> take();

private:
    [[nodiscard]] byte_span here() const noexcept { return known_ ? byte_span(*known_) : byte_span(*buffer_); }
    void keep(std::uint64_t offset, byte_span part);
    [[nodiscard]] contribution* contribution_of(const client_id& peer);

    byte_range region_;
    std::uint64_t proof_bytes_;
    region_pool* pool_;
    missing_bytes missing_;
    std::shared_ptr<const bytes> known_;
    std::shared_ptr<bytes> buffer_;   // where known_ is null and something has come
    bool begun_ = false;
    std::vector<contribution> contributions_;
};

}  // namespace p2pdist::detail::transfer
