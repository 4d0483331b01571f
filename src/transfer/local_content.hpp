#pragma once
// A content as far as it is here: downloaded, served, or both.

#include <cstdint>
#include <memory>
#include <vector>

#include "holdings_log.hpp"
#include "p2pdist/content/chunk_set.hpp"
#include "p2pdist/content/store.hpp"

namespace p2pdist::detail::transfer {

struct local_content {
    local_content(std::uint64_t own_number, const content_info& content)
        : number(own_number), info(content), geometry(content.size_bytes), held(geometry.chunk_count()) {}

    std::uint64_t number;  ///< the engine's own; never reused
    content_info info;
    chunk_geometry geometry;

    chunk_set held;        ///< verified and on disk
    holdings_log log;      ///< the same in the order of arrival
    digest tree_root{};    ///< of the proofs that the store gives
    std::shared_ptr<const known_regions> elsewhere;   ///< what the store knows of others' chunks
    std::vector<chunk_range> fetching;  ///< under way from outside the office

    bool known = false;        ///< the store has said what is here
    bool whole = false;
    bool serving = false;      ///< serve() was called, or a download of it is complete
    bool downloading = false;
    unsigned opens = 0;        ///< our store_open without store_close
    bool opening = false;      ///< for uploads, unanswered
    time_point wanted_at{};    ///< when a receiver last came, or wanted or got bytes of it

    [[nodiscard]] bool is_tree() const noexcept { return info.hash.kind == hash_kind::sha256_tree; }
    /// A plain content is shared only after all of it fits (XFER-4).
    [[nodiscard]] bool shareable() const noexcept { return whole || (is_tree() && known); }

    /// False where it was here already.
    bool acquire(chunk_index chunk) {
        if (!held.insert(chunk)) return false;
        log.append(chunk);
        return true;
    }
    /// Takes over what the store says. False where chunks are gone: what receivers were told is wrong then.
    bool refresh(const store_opened& opened) {
        if (opened.verified.chunk_count() != geometry.chunk_count()) return true;
        const bool nothing_lost = held.is_subset_of(opened.verified);
        if (!known || !nothing_lost) {
            held = opened.verified;
            log.reset(held);
        } else {
            const auto fresh = opened.verified - held;
            for (auto chunk = fresh.first_present(); chunk; chunk = fresh.first_present(*chunk + 1)) acquire(*chunk);
        }
        known = true;
        whole = opened.whole;
        tree_root = opened.tree_root;
        if (opened.known) elsewhere = opened.known;
        return nothing_lost;
    }
    /// The region where it is known to be right already, so that equal bytes need not be kept again; else null.
    [[nodiscard]] std::shared_ptr<const bytes> known_region(chunk_index chunk) const {
        return elsewhere && is_tree() ? elsewhere->find(info.hash.value, chunk) : nullptr;
    }
    void lose(const chunk_set& chunks) {
        held -= chunks;
        log.reset(held);
        whole = false;
    }
};

}  // namespace p2pdist::detail::transfer
