#include "p2pdist/envelope/credentials.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace {

constexpr std::uint8_t format = 1;
constexpr std::uint8_t role_client = 1;
constexpr std::uint8_t role_server = 2;
constexpr std::size_t signed_bytes = certificate::size_bytes - std::tuple_size_v<signature>;

/// What the signature covers.
bytes statement(const certificate& cert) {
    const auto domain = as_bytes("p2pdist certificate");
    bytes out(domain.begin(), domain.end());
    encode(cert, out);
    out.resize(domain.size() + signed_bytes);
    return out;
}

template <std::size_t Size>
void take(byte_reader& reader, std::array<std::uint8_t, Size>& to) {
    const auto from = reader.raw(Size);
    std::copy(from.begin(), from.end(), to.begin());
}

}  // namespace

void encode(const certificate& cert, bytes& out) {
    byte_writer writer(out);
    writer.u8(format);
    writer.u8(cert.who == role::server ? role_server : role_client);
    writer.u16(cert.key_epoch);
    writer.u64(static_cast<std::uint64_t>(cert.not_after.seconds));
    writer.raw(cert.key);
    writer.raw(cert.sig);
}

std::optional<certificate> decode_certificate(byte_span data) noexcept {
    if (data.size() != certificate::size_bytes) return std::nullopt;
    byte_reader reader(data);
    const auto form = reader.u8();
    const auto who = reader.u8();
    if (form != format || (who != role_client && who != role_server)) return std::nullopt;
    certificate cert;
    cert.who = who == role_server ? role::server : role::client;
    cert.key_epoch = reader.u16();
    cert.not_after.seconds = static_cast<std::int64_t>(reader.u64());
    take(reader, cert.key);
    take(reader, cert.sig);
    return cert;
}

certificate sign_certificate(const crypto_suite& crypto, const secret_key& signing_seed, role who, const public_key& key,
                             std::uint16_t key_epoch, wall_time not_after) {
    P2PDIST_ASSERT(who == role::client || who == role::server);
    certificate cert{who, key, key_epoch, not_after, {}};
    cert.sig = crypto.ed25519_sign(signing_seed, statement(cert));
    return cert;
}

certificate_verdict verify_certificate(const crypto_suite& crypto, const public_key& signing_key, const certificate& cert, wall_time now,
                                       std::uint16_t expected_epoch) {
    if (!crypto.ed25519_verify(signing_key, statement(cert), cert.sig)) return certificate_verdict::bad_signature;
    if (now > cert.not_after) return certificate_verdict::expired;
    return cert.key_epoch == expected_epoch ? certificate_verdict::good : certificate_verdict::other_epoch;
}

void encode(const credentials& value, bytes& out) {
    encode(value.own, out);
    byte_writer writer(out);
    writer.raw(value.signing_key);
    writer.u16(value.key_epoch);
    writer.raw(value.group_key);
    writer.raw(value.former_group_key);
}

std::optional<credentials> decode_credentials(byte_span data) noexcept {
    if (data.size() != credentials::size_bytes) return std::nullopt;
    const auto own = decode_certificate(data.first(certificate::size_bytes));
    if (!own) return std::nullopt;
    byte_reader reader(data.subspan(certificate::size_bytes));
    credentials value;
    value.own = *own;
    take(reader, value.signing_key);
    value.key_epoch = reader.u16();
    take(reader, value.group_key);
    take(reader, value.former_group_key);
    return value;
}

}  // namespace p2pdist
