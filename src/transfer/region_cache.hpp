#pragma once
// Regions that several receivers want at about the same time, so that the disk is read once for all of them.

#include <cstdint>
#include <list>
#include <map>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/content/chunk_geometry.hpp"

namespace p2pdist::detail::transfer {

/// Names a region: the engine's own number of a content, and the chunk.
struct region_key {
    std::uint64_t content = 0;
    chunk_index chunk = 0;
    friend auto operator<=>(const region_key&, const region_key&) = default;
};

/// The least recently used region goes first; together they take at most the given bytes.
class region_cache {
public:
    explicit region_cache(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    /// Nothing (an empty view) where it is not here.
    [[nodiscard]] shared_bytes find(const region_key& key);
    void put(const region_key& key, shared_bytes region);
    void erase(const region_key& key);
    void erase_content(std::uint64_t content);

    [[nodiscard]] std::uint64_t bytes_used() const noexcept { return bytes_used_; }

private:
    struct entry {
        region_key key;
        shared_bytes region;
    };
    using entries = std::list<entry>;
    void remove(entries::iterator at);

    std::uint64_t bytes_max_;
    std::uint64_t bytes_used_ = 0;
    entries order_;  // most recently used first
    std::map<region_key, entries::iterator> index_;
};

}  // namespace p2pdist::detail::transfer
