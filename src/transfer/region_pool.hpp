#pragma once
// Memory of regions, used again and again.

#include <cstdint>
#include <memory>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail::transfer {

/// Keeps up to limits::transfer_spare_regions_max buffers that nobody refers to any more.
class region_pool {
public:
    [[nodiscard]] std::shared_ptr<bytes> take(std::uint64_t size) {
        if (spare_.empty()) return std::make_shared<bytes>(size);
        auto buffer = std::move(spare_.back());
        spare_.pop_back();
        buffer->resize(size);
        return buffer;
    }

    /// Keeps the buffer where this was its last reference (a flow or the cache may still send from it).
    /// It was taken from a pool, or is null.
    void give_back(std::shared_ptr<const bytes> buffer) {
        if (!buffer || buffer.use_count() > 1 || spare_.size() >= limits::transfer_spare_regions_max) return;
        spare_.push_back(std::const_pointer_cast<bytes>(std::move(buffer)));
    }

    [[nodiscard]] std::size_t spare() const noexcept { return spare_.size(); }

private:
    std::vector<std::shared_ptr<bytes>> spare_;
};

}  // namespace p2pdist::detail::transfer
