#pragma once
// Who gave which chunk of a plain content, attempt by attempt: which of them lied shows when a later attempt fits the hash.

#include <cstdint>
#include <deque>
#include <vector>

#include "append_line.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail::transfer {

/// Bytes are remembered by a keyed fingerprint, whose key nobody else knows: nobody can make wrong bytes that have that of the right ones.
/// Bounded by limits::transfer_attempt_claims_max. Distinct objects: safe. Shared: unsafe. Crypto outlives it.
class attempt_record {
public:
    using giver = append_line::giver;
    struct lie {
        giver from;
        chunk_index chunk = 0;
    };

    attempt_record(const crypto_suite& crypto, const short_key& key, chunk_geometry geometry)
        : crypto_(&crypto), key_(key), geometry_(geometry) {}

    /// An attempt begins; what is before `offset` is nobody's.
    void begin(std::uint64_t offset);
    /// Bytes of the attempt, in order; between them may lie what was here before. Only what is authenticated, and a whole chunk of one giver's,
    /// is held against him.
    void note(std::uint64_t offset, byte_span data, const giver& from, bool authenticated);
    /// The attempt did not fit.
    void failed();
    /// The attempt fits: those who gave other bytes in one that did not, with the first such chunk.
    [[nodiscard]] std::vector<lie> liars() const;

private:
    struct claim {
        std::uint64_t fingerprint = 0;
        std::uint32_t from = 0;     ///< place in the attempt's givers, counted from 1; 0: nobody is held to it
        bool known = false;         ///< the fingerprint is that of the whole chunk
    };
    struct attempt {
        std::vector<giver> givers;
        std::vector<claim> claims;  ///< of each chunk from the first one on
    };
    [[nodiscard]] std::uint32_t place_of(const giver& from);
    void go_on_from(std::uint64_t offset);
    void close_chunk(byte_span whole);

    const crypto_suite* crypto_;
    short_key key_;
    chunk_geometry geometry_;
    attempt now_;
    std::deque<attempt> failed_;
    std::uint64_t at_ = 0;          ///< where the next bytes belong
    std::uint64_t chunk_from_ = 0;  ///< from where on the current chunk was noted
    bytes gathered_;                ///< of the current chunk, where it comes in several parts
    std::uint32_t chunk_giver_ = 0;
    bool chunk_sole_ = true;        ///< from one giver, authenticated
};

}  // namespace p2pdist::detail::transfer
