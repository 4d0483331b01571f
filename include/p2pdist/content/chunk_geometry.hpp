#pragma once
// How a content of a given size is cut into chunks, how its hash tree is shaped, and where each chunk lies in the
// "proven object" that flows carry. Pure arithmetic; docs/content-format.md draws it.

#include <compare>
#include <cstddef>
#include <cstdint>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {

/// The number of a chunk: its offset in the content divided by chunk_bytes.
using chunk_index = std::uint32_t;

/// The size of every chunk but the last: a constant of the format.
inline constexpr std::uint64_t chunk_bytes = 262144;
/// The size of a node of the tree.
inline constexpr std::uint64_t digest_bytes = 32;

/// A half-open range of bytes of an object.
struct byte_range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    [[nodiscard]] std::uint64_t end() const noexcept { return offset + length; }
    friend auto operator<=>(const byte_range&, const byte_range&) = default;
};

/// The shape of a content. The tree is that of RFC 6962: level 0 are the leaves, each level pairs the nodes of the one below,
/// and a last node without a sibling is promoted unchanged. A node's proof holds its siblings only, so a chunk at the right
/// edge can have a shorter proof than the others.
///
/// In the proven object chunk i starts at i * stride(): its proof (siblings from the leaves up), then its bytes. What lies
/// between the end of a region and the next one does not exist and is never asked for. Immutable: any thread.
class P2PDIST_API chunk_geometry {
public:
    chunk_geometry() = default;
    /// size_bytes <= limits::content_bytes_max (asserted: check(content_info) guards values from outside).
    explicit chunk_geometry(std::uint64_t size_bytes) noexcept;

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    /// 0 for an empty content.
    [[nodiscard]] chunk_index chunk_count() const noexcept { return chunk_count_; }
    /// The longest proof, in digests: 0 for up to one chunk.
    [[nodiscard]] unsigned depth() const noexcept { return depth_; }

    // For chunks: index < chunk_count() (asserted).
    [[nodiscard]] byte_range chunk(chunk_index index) const noexcept;  ///< where it lies in the content
    [[nodiscard]] unsigned path_length(chunk_index index) const noexcept;  ///< digests in its proof
    /// Of its proof in the proven object.
    [[nodiscard]] std::uint64_t proof_bytes(chunk_index index) const noexcept { return digest_bytes * path_length(index); }
    [[nodiscard]] byte_range region(chunk_index index) const noexcept;  ///< proof and bytes in the proven object

    /// 32 * depth() + chunk_bytes.
    [[nodiscard]] std::uint64_t stride() const noexcept { return digest_bytes * depth_ + chunk_bytes; }
    /// The end of the last region; 0 for an empty content.
    [[nodiscard]] std::uint64_t object_bytes() const noexcept;
    /// The chunk in whose stride an offset of the proven object falls; chunk_count() where it lies behind the last.
    [[nodiscard]] chunk_index chunk_at_object_offset(std::uint64_t offset) const noexcept;

    // The tree: levels 0 (leaves) to depth() (the top), where there is a chunk.
    /// How many nodes stand in a level.
    [[nodiscard]] std::uint64_t level_nodes(unsigned level) const noexcept;
    /// Number of a node where all levels stand one after another, leaves first: the layout of hash_tree and of the store.
    [[nodiscard]] std::uint64_t node_number(unsigned level, std::uint64_t index) const noexcept;
    /// Of all levels.
    [[nodiscard]] std::uint64_t node_count() const noexcept;

    friend bool operator==(const chunk_geometry&, const chunk_geometry&) = default;

private:
    std::uint64_t size_bytes_ = 0;
    chunk_index chunk_count_ = 0;
    unsigned depth_ = 0;
};

}  // namespace p2pdist
