#pragma once
// The server's statement about who is a member no longer (SEC-2): the ids that it shut out, and the oldest key epoch that counts.
// Signed, so that anyone may pass it on to those who cannot reach the server.

#include <cstdint>
#include <optional>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/envelope/sealed_link.hpp"

namespace p2pdist {

/// Binary form, big-endian:
///   0 format = 1 · 1 zero · 2 oldest epoch (2) · 4 number (8) · 12 issued (8) · 20 count (2) · 22 ids, ascending (16 each) · signature (64)
/// The Ed25519 signature covers "p2pdist revocations" followed by all before it.
/// A list replaces every one of a lower number. An id stays in it until no certificate of its own can be of an accepted epoch: so the
/// list stays short although revocation is for good.
struct revocation_list {
    std::uint64_t number = 0;           ///< rises with each list; 0: none was ever made
    wall_time issued;
    std::uint16_t oldest_epoch = 0;     ///< certificates of lower key epochs are refused
    std::vector<client_id> revoked;     ///< ascending, each once; at most limits::revoked_clients_max
    signature sig{};

    static constexpr std::size_t fixed_bytes = 22 + 64;
    friend bool operator==(const revocation_list&, const revocation_list&) = default;
};

/// The binary form.
[[nodiscard]] P2PDIST_INTERNAL bytes encode(const revocation_list& list);
/// Nothing for another size or format, ids out of order, or number 0. The signature is not judged.
[[nodiscard]] P2PDIST_INTERNAL std::optional<revocation_list> decode_revocation_list(byte_span data);

/// Puts the signature of the server's Ed25519 seed on a list. Sorts its ids and leaves doubles out.
P2PDIST_INTERNAL void sign_revocations(const crypto_suite& crypto, const secret_key& signing_seed, revocation_list& list);
[[nodiscard]] P2PDIST_INTERNAL bool verify_revocations(const crypto_suite& crypto, const public_key& signing_key, const revocation_list& list);

[[nodiscard]] P2PDIST_INTERNAL bool is_revoked(const revocation_list& list, const client_id& id) noexcept;
/// The oldest epoch that a node accepts whose own is `own_epoch`. The server keeps two epochs alive at most, so that a node that has
/// not heard of the newest list yet still need not accept more than the one before its own.
[[nodiscard]] P2PDIST_INTERNAL std::uint16_t oldest_accepted(const revocation_list& list, std::uint16_t own_epoch) noexcept;
[[nodiscard]] P2PDIST_INTERNAL standing standing_of(const revocation_list& list, std::uint16_t own_epoch, const client_id& id,
                                                    std::uint16_t certificate_epoch) noexcept;

}  // namespace p2pdist
