#pragma once
// The bytes that the upper layer gave a sending flow, by reference, and what it was asked for and has not given yet.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "range_set.hpp"

namespace p2pdist::detail::flow {

class supply {
public:
    /// Keeps the parts of `data` that are not here already; what it keeps of a chunk refers to twice as much memory at most.
    void provide(std::uint64_t offset, const shared_bytes& data);
    /// Drops every piece and every question that has nothing to do with `needed`.
    void retain(const range_set& needed);

    /// The first provided byte at or after `offset` and below `end`.
    [[nodiscard]] std::optional<std::uint64_t> first_provided(std::uint64_t offset, std::uint64_t end) const;
    /// Up to `length` provided bytes from `offset` on, within one piece; `offset` must be provided.
    [[nodiscard]] shared_bytes view(std::uint64_t offset, std::uint64_t length) const;

    /// Appends the parts of `range` that are neither provided nor asked for.
    void unasked_in(const index_range& range, std::vector<index_range>& out) const;
    void on_asked(const index_range& range) { asked_.add(range); }

    [[nodiscard]] std::uint64_t provided_bytes() const noexcept { return provided_bytes_; }
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_.size(); }

private:
    std::map<std::uint64_t, shared_bytes> pieces_;  // disjoint
    range_set provided_;                            // the same as ranges
    range_set asked_;                               // asked for, not provided
    std::uint64_t provided_bytes_ = 0;
};

}  // namespace p2pdist::detail::flow
