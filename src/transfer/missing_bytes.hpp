#pragma once
// The bytes of one region that have not arrived yet, as few ascending ranges.

#include <cstdint>
#include <vector>

#include "p2pdist/content/chunk_geometry.hpp"

namespace p2pdist::detail::transfer {

/// Offsets count from the region's start. Distinct objects: safe. Shared: unsafe.
class missing_bytes {
public:
    explicit missing_bytes(std::uint64_t size);

    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] const std::vector<byte_range>& ranges() const noexcept { return ranges_; }
    /// What is missing of `part`.
    [[nodiscard]] std::vector<byte_range> within(const byte_range& part) const;

    /// Takes `arrived` out and calls fresh(range) for each part of it that was missing. Nothing happens (false) where that would
    /// leave more than limits::transfer_fragments_max ranges, which only a hostile sender's tiny pieces can do.
    template <class Fresh>
    bool remove(const byte_range& arrived, Fresh fresh) {
        const auto parts = within(arrived);
        if (parts.empty()) return true;
        if (!cut(arrived)) return false;
        for (const auto& part : parts) fresh(part);
        return true;
    }

private:
    bool cut(const byte_range& arrived);

    std::vector<byte_range> ranges_;
    std::uint64_t count_ = 0;
};

}  // namespace p2pdist::detail::transfer
