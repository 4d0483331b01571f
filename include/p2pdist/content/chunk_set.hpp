#pragma once
// A set of chunks of one content: which are verified, wanted or held by a peer. One bit a chunk.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/chunk_geometry.hpp"

namespace p2pdist {

/// `count` chunks from `first` on.
struct chunk_range {
    chunk_index first = 0;
    chunk_index count = 0;

    [[nodiscard]] std::uint64_t end() const noexcept { return std::uint64_t{first} + count; }
    friend auto operator<=>(const chunk_range&, const chunk_range&) = default;
};

/// Indices and ranges given to it lie below chunk_count() (asserted); operations on two sets need the same chunk_count().
/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API chunk_set {
public:
    chunk_set() = default;
    /// Of a content of so many chunks: empty, or with all of them.
    explicit chunk_set(chunk_index chunk_count, bool filled = false);

    [[nodiscard]] chunk_index chunk_count() const noexcept { return chunk_count_; }
    /// How many chunks are in the set.
    [[nodiscard]] chunk_index count() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// Every chunk is in it; true for a content without chunks.
    [[nodiscard]] bool full() const noexcept { return count_ == chunk_count_; }

    /// Whether the chunk is in it.
    [[nodiscard]] bool contains(chunk_index index) const noexcept;
    /// Whether that changed the set.
    bool insert(chunk_index index) noexcept;
    /// All chunks of a range.
    void insert(chunk_range range) noexcept;
    /// Whether that changed the set.
    bool erase(chunk_index index) noexcept;
    /// All chunks of a range.
    void erase(chunk_range range) noexcept;
    /// Takes all chunks out.
    void clear() noexcept;

    /// The first at or after `from` that is (not) in the set; nothing where there is none. `from` may be chunk_count().
    [[nodiscard]] std::optional<chunk_index> first_present(chunk_index from = 0) const noexcept;
    /// As first_present, of chunks that are not in it.
    [[nodiscard]] std::optional<chunk_index> first_missing(chunk_index from = 0) const noexcept;
    /// As first_present, of chunks that are not in the other set.
    [[nodiscard]] std::optional<chunk_index> first_outside(const chunk_set& other, chunk_index from = 0) const noexcept;
    /// Maximal runs in ascending order, at most `limit` of them.
    [[nodiscard]] std::vector<chunk_range> ranges(std::size_t limit = SIZE_MAX) const;
    /// The same of chunks that are not in it.
    [[nodiscard]] std::vector<chunk_range> missing_ranges(std::size_t limit = SIZE_MAX) const;

    chunk_set& operator|=(const chunk_set& other) noexcept;  ///< union
    chunk_set& operator&=(const chunk_set& other) noexcept;  ///< intersection
    chunk_set& operator-=(const chunk_set& other) noexcept;  ///< difference
    /// Union.
    friend chunk_set operator|(chunk_set left, const chunk_set& right) noexcept {
        left |= right;
        return left;  // moved, where `return left |= right` would copy
    }
    /// Intersection.
    friend chunk_set operator&(chunk_set left, const chunk_set& right) noexcept {
        left &= right;
        return left;
    }
    /// Difference.
    friend chunk_set operator-(chunk_set left, const chunk_set& right) noexcept {
        left -= right;
        return left;
    }
    /// Every other chunk.
    [[nodiscard]] chunk_set complement() const;
    /// Whether some chunk is in both.
    [[nodiscard]] bool intersects(const chunk_set& other) const noexcept;
    /// How many chunks both have.
    [[nodiscard]] chunk_index common(const chunk_set& other) const noexcept;
    /// Whether all of its chunks are in the other.
    [[nodiscard]] bool is_subset_of(const chunk_set& other) const noexcept;

    /// Bytes of the content in this set (the last chunk can be short). `geometry` is the set's content's.
    [[nodiscard]] std::uint64_t content_bytes(const chunk_geometry& geometry) const noexcept;

    /// The shorter of run lengths and a bitmap (docs/content-format.md). A full or an empty set takes a few bytes.
    [[nodiscard]] bytes encode() const;
    /// Reads either form for a set of chunk_count; anything else is errc::malformed. Allocates chunk_count / 8 bytes, whatever
    /// the hostile bytes say.
    [[nodiscard]] static result<chunk_set> decode(chunk_index chunk_count, byte_span data);

    friend bool operator==(const chunk_set&, const chunk_set&) = default;

private:
    void recount() noexcept;
    template <bool Present>
    std::optional<chunk_index> first(chunk_index from) const noexcept;
    template <bool Present>
    std::vector<chunk_range> runs(std::size_t limit) const;

    std::vector<std::uint64_t> words_;  // bits at and above chunk_count_ are zero
    chunk_index chunk_count_ = 0;
    chunk_index count_ = 0;
};

}  // namespace p2pdist
