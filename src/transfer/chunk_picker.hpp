#pragma once
// Which chunk to ask a source for. Pure functions over chunk sets.

#include <optional>
#include <span>

#include "p2pdist/content/chunk_set.hpp"

namespace p2pdist::detail::transfer {

/// For a source in the own office. Of the chunks that `source` holds and that are not `blocked` (here already or under way), one
/// that the fewest of `holders` hold; among equals the first at or after `start`, wrapping round. At most
/// limits::transfer_pick_candidates_max candidates are compared. Clients that start at different random places get different
/// chunks from a common source and can then exchange them.
[[nodiscard]] std::optional<chunk_index> pick_rarest(const chunk_set& source, const chunk_set& blocked,
                                                     std::span<const chunk_set* const> holders, chunk_index start);

/// For a source behind a WAN: the lowest chunk that `source` holds, that is not `blocked`, and that is in none of `elsewhere` (what
/// the own office has or fetches).
[[nodiscard]] std::optional<chunk_index> pick_first(const chunk_set& source, const chunk_set& blocked,
                                                    std::span<const chunk_set* const> elsewhere, chunk_index from = 0);

/// The lowest chunk from `from` on that is neither blocked nor elsewhere.
[[nodiscard]] std::optional<chunk_index> first_absent(const chunk_set& blocked, std::span<const chunk_set* const> elsewhere,
                                                      chunk_index from = 0);

}  // namespace p2pdist::detail::transfer
