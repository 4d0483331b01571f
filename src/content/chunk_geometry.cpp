#include "p2pdist/content/chunk_geometry.hpp"

#include <algorithm>
#include <bit>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {

chunk_geometry::chunk_geometry(std::uint64_t size_bytes) noexcept : size_bytes_(size_bytes) {
    P2PDIST_ASSERT(size_bytes <= limits::content_bytes_max);
    chunk_count_ = static_cast<chunk_index>((size_bytes + chunk_bytes - 1) / chunk_bytes);
    depth_ = chunk_count_ > 1 ? static_cast<unsigned>(std::bit_width(chunk_count_ - 1)) : 0;
}

byte_range chunk_geometry::chunk(chunk_index index) const noexcept {
    P2PDIST_ASSERT(index < chunk_count_);
    const auto offset = index * chunk_bytes;
    return {offset, std::min(chunk_bytes, size_bytes_ - offset)};
}

unsigned chunk_geometry::path_length(chunk_index index) const noexcept {
    P2PDIST_ASSERT(index < chunk_count_);
    unsigned length = 0;
    for (unsigned level = 0; level < depth_; ++level) {
        if (((index >> level) ^ 1) < level_nodes(level)) ++length;
    }
    return length;
}

byte_range chunk_geometry::region(chunk_index index) const noexcept { return {index * stride(), proof_bytes(index) + chunk(index).length}; }

std::uint64_t chunk_geometry::object_bytes() const noexcept { return chunk_count_ == 0 ? 0 : region(chunk_count_ - 1).end(); }

chunk_index chunk_geometry::chunk_at_object_offset(std::uint64_t offset) const noexcept {
    return static_cast<chunk_index>(std::min<std::uint64_t>(offset / stride(), chunk_count_));
}

std::uint64_t chunk_geometry::level_nodes(unsigned level) const noexcept {
    const auto width = std::uint64_t{1} << level;
    return (chunk_count_ + width - 1) >> level;
}

std::uint64_t chunk_geometry::node_number(unsigned level, std::uint64_t index) const noexcept {
    P2PDIST_ASSERT(level <= depth_ && index < level_nodes(level));
    std::uint64_t number = index;
    for (unsigned below = 0; below < level; ++below) number += level_nodes(below);
    return number;
}

std::uint64_t chunk_geometry::node_count() const noexcept { return chunk_count_ == 0 ? 0 : node_number(depth_, 0) + 1; }

}  // namespace p2pdist
