#include "chunk_picker.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail::transfer {

std::optional<chunk_index> pick_rarest(const chunk_set& source, const chunk_set& blocked, std::span<const chunk_set* const> holders,
                                       chunk_index start) {
    std::optional<chunk_index> best;
    std::ptrdiff_t best_holders = 0;
    auto left = limits::transfer_pick_candidates_max;
    const auto consider = [&](chunk_index from, chunk_index end) {
        auto next = from;
        for (; left > 0; --left) {
            const auto at = source.first_outside(blocked, next);
            if (!at || *at >= end) break;
            next = *at + 1;
            const auto count = std::ranges::count_if(holders, [&](const chunk_set* set) { return set->contains(*at); });
            if (best && count >= best_holders) continue;
            best = at;
            best_holders = count;
        }
    };
    start = std::min(start, source.chunk_count());
    consider(start, source.chunk_count());
    consider(0, start);
    return best;
}

std::optional<chunk_index> first_absent(const chunk_set& blocked, std::span<const chunk_set* const> elsewhere, chunk_index from) {
    auto at = blocked.first_missing(from);
    for (bool moved = true; at && moved;) {
        moved = false;
        for (const auto* set : elsewhere) {
            const auto next = set->first_missing(*at);
            if (!next) return std::nullopt;
            moved = moved || *next != *at;
            at = next;
        }
        const auto open = blocked.first_missing(*at);
        moved = moved || (open && *open != *at);
        at = open;
    }
    return at;
}

std::optional<chunk_index> pick_first(const chunk_set& source, const chunk_set& blocked, std::span<const chunk_set* const> elsewhere,
                                      chunk_index from) {
    while (true) {
        const auto absent = first_absent(blocked, elsewhere, from);
        if (!absent) return std::nullopt;
        const auto present = source.first_present(*absent);
        if (!present || *present == *absent) return present;
        from = *present;
    }
}

}  // namespace p2pdist::detail::transfer
