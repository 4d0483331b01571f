#pragma once
// The four frames of enrolment and the keys between them. docs/wire-format.md has them byte by byte.

#include <optional>

#include "p2pdist/envelope/enrolment.hpp"
#include "pair_key.hpp"
#include "sealed_box.hpp"
#include "session_frames.hpp"

namespace p2pdist::detail {

using enrolment_nonce = session_nonce;

inline constexpr std::size_t enrol_hello_bytes = 96;
inline constexpr std::size_t enrol_answer_bytes = 68;
inline constexpr std::size_t enrol_wrong_key_bytes = 20;      ///< an enrol_answer that ends after the nonce
inline constexpr std::size_t enrol_request_fixed_bytes = 52;  ///< before the sealed client info
inline constexpr std::size_t enrol_grant_fixed_bytes = 20;    ///< before the sealed grant

/// The start of the three later frames: type · layout · version · 0 · nonce (16).
struct enrol_start {
    frame_type type{};
    std::uint8_t version = 0;  ///< 0 in "wrong key"
    enrolment_nonce nonce{};
};
void encode(const enrol_start& start, bytes& out);
/// Nothing where the bytes are too few, of another type or layout.
[[nodiscard]] std::optional<enrol_start> decode_enrol_start(byte_span datagram, frame_type type) noexcept;

[[nodiscard]] bytes make_enrol_hello(const crypto_suite& crypto, const secret_key& enrolment_key, const version_range& versions,
                                     const enrolment_nonce& nonce, const public_key& ephemeral);
struct enrol_hello_fields {
    enrolment_nonce nonce{};
    public_key ephemeral{};
    version_range versions;
};
/// The fields of a hello of the right form; the tag is judged by enrol_hello_authentic.
[[nodiscard]] std::optional<enrol_hello_fields> decode_enrol_hello(byte_span datagram) noexcept;
[[nodiscard]] bool enrol_hello_authentic(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span datagram);

[[nodiscard]] bytes make_enrol_answer(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span hello, std::uint8_t version,
                                      const enrolment_nonce& nonce, const public_key& ephemeral);
/// The server's ephemeral key; nothing where size or tag are wrong.
[[nodiscard]] std::optional<public_key> open_enrol_answer(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span hello,
                                                          byte_span answer);

/// The keys of request and grant, from both agreements and everything said so far.
struct enrolment_keys {
    secret_key request{};
    secret_key grant{};
};
[[nodiscard]] enrolment_keys derive_enrolment(const crypto_suite& crypto, const secret_key& enrolment_key,
                                              const secret_key& ephemeral_shared, const secret_key& static_shared,
                                              const digest& transcript);

/// The plaintext of enrol_grant.
[[nodiscard]] bytes encode_grant(const enrolment_grant& grant);
[[nodiscard]] bytes encode_refusal(std::string_view reason);
/// A grant, or errc::refused with the server's reason; nothing where the bytes are neither.
[[nodiscard]] std::optional<result<enrolment_grant>> decode_verdict(byte_span plain);

}  // namespace p2pdist::detail
