#include "p2pdist/envelope/revocation_list.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"
#include "pair_key.hpp"

namespace p2pdist {
namespace {

constexpr std::uint8_t format = 1;
constexpr std::size_t id_bytes = 16;

static_assert(limits::revocation_list_bytes_max == revocation_list::fixed_bytes + id_bytes * limits::revoked_clients_max);

/// Everything but the signature.
bytes statement(const revocation_list& list) {
    bytes out;
    byte_writer writer(out);
    writer.u8(format);
    writer.u8(0);
    writer.u16(list.oldest_epoch);
    writer.u64(list.number);
    writer.u64(static_cast<std::uint64_t>(list.issued.seconds));
    writer.u16(static_cast<std::uint16_t>(list.revoked.size()));
    for (const auto& id : list.revoked) writer.raw(id.value);
    return out;
}

/// A statement of its own kind: no certificate's signature fits a list.
bytes in_domain(const revocation_list& list) {
    auto out = to_bytes(as_bytes("p2pdist revocations"));
    const auto body = statement(list);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

}  // namespace

bytes encode(const revocation_list& list) {
    P2PDIST_ASSERT(list.revoked.size() <= limits::revoked_clients_max);
    auto out = statement(list);
    out.insert(out.end(), list.sig.begin(), list.sig.end());
    return out;
}

std::optional<revocation_list> decode_revocation_list(byte_span data) {
    if (data.size() < revocation_list::fixed_bytes || data.size() > limits::revocation_list_bytes_max) return std::nullopt;
    byte_reader reader(data);
    if (reader.u8() != format || reader.u8() != 0) return std::nullopt;
    revocation_list out;
    out.oldest_epoch = reader.u16();
    out.number = reader.u64();
    out.issued.seconds = static_cast<std::int64_t>(reader.u64());
    const std::size_t count = reader.u16();
    if (data.size() != revocation_list::fixed_bytes + id_bytes * count || out.number == 0) return std::nullopt;
    out.revoked.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const client_id id{detail::read_array<id_bytes>(reader)};
        if (!out.revoked.empty() && !(out.revoked.back() < id)) return std::nullopt;
        out.revoked.push_back(id);
    }
    out.sig = detail::read_array<64>(reader);
    return out;
}

void sign_revocations(const crypto_suite& crypto, const secret_key& signing_seed, revocation_list& list) {
    std::sort(list.revoked.begin(), list.revoked.end());
    list.revoked.erase(std::unique(list.revoked.begin(), list.revoked.end()), list.revoked.end());
    list.sig = crypto.ed25519_sign(signing_seed, in_domain(list));
}

bool verify_revocations(const crypto_suite& crypto, const public_key& signing_key, const revocation_list& list) {
    return crypto.ed25519_verify(signing_key, in_domain(list), list.sig);
}

bool is_revoked(const revocation_list& list, const client_id& id) noexcept {
    return std::binary_search(list.revoked.begin(), list.revoked.end(), id);
}

std::uint16_t oldest_accepted(const revocation_list& list, std::uint16_t own_epoch) noexcept {
    const auto before_own = static_cast<std::uint16_t>(own_epoch > 0 ? own_epoch - 1 : 0);
    return std::max(list.oldest_epoch, before_own);
}

standing standing_of(const revocation_list& list, std::uint16_t own_epoch, const client_id& id, std::uint16_t certificate_epoch) noexcept {
    if (is_revoked(list, id)) return standing::revoked;
    return certificate_epoch < oldest_accepted(list, own_epoch) ? standing::outdated : standing::member;
}

}  // namespace p2pdist
