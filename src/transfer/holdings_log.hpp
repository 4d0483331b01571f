#pragma once
// The order in which chunks were verified here, so that each receiver is told only what is new to it.

#include <vector>

#include "holdings_status.hpp"
#include "p2pdist/content/chunk_set.hpp"

namespace p2pdist::detail::transfer {

/// Positions count chunks: position p stands before the (p+1)th chunk that was acquired. Neighbours that came in order share a run,
/// so a sequential download takes a few bytes.
class holdings_log {
public:
    /// What was here at the start, in ascending order.
    void reset(const chunk_set& held);
    void append(chunk_index chunk);

    [[nodiscard]] chunk_index size() const noexcept { return size_; }
    /// The runs from position `from` on, at most `limit` of them; gives the position behind them.
    chunk_index read(chunk_index from, std::size_t limit, std::vector<chunk_range>& out) const;

private:
    struct run {
        chunk_index position;
        chunk_range chunks;
    };
    std::vector<run> runs_;
    chunk_index size_ = 0;
};

}  // namespace p2pdist::detail::transfer
