#include "enrolment_frames.hpp"

#include <algorithm>

namespace p2pdist::detail {
namespace {

constexpr std::size_t hello_body_bytes = enrol_hello_bytes - sealed_tag_bytes;
constexpr std::size_t answer_body_bytes = enrol_answer_bytes - sealed_tag_bytes;
constexpr std::uint8_t verdict_granted = 0;
constexpr std::uint8_t verdict_refused = 1;

frame_tag hello_tag(const crypto_suite& crypto, const secret_key& key, byte_span body) {
    return tag_of(crypto, key, {as_bytes("p2pdist enrol 1"), body});
}

frame_tag answer_tag(const crypto_suite& crypto, const secret_key& key, byte_span hello, byte_span body) {
    return tag_of(crypto, key, {as_bytes("p2pdist enrol 2"), hello, body});
}

}  // namespace

void encode(const enrol_start& start, bytes& out) {
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(start.type));
    writer.u8(handshake_layout);
    writer.u8(start.version);
    writer.u8(0);
    writer.raw(start.nonce);
}

std::optional<enrol_start> decode_enrol_start(byte_span datagram, frame_type type) noexcept {
    byte_reader reader(datagram);
    enrol_start start;
    start.type = static_cast<frame_type>(reader.u8());
    const auto layout = reader.u8();
    start.version = reader.u8();
    const auto reserved = reader.u8();
    start.nonce = read_array<16>(reader);
    if (!reader.ok() || start.type != type || layout != handshake_layout || reserved != 0) return std::nullopt;
    return start;
}

bytes make_enrol_hello(const crypto_suite& crypto, const secret_key& enrolment_key, const version_range& versions,
                       const enrolment_nonce& nonce, const public_key& ephemeral) {
    bytes out;
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(frame_type::enrol_hello));
    writer.u8(handshake_layout);
    writer.u16(0);
    writer.u8(versions.min);
    writer.u8(versions.max);
    out.resize(32);
    writer.raw(nonce);
    writer.raw(ephemeral);
    writer.raw(hello_tag(crypto, enrolment_key, out));
    return out;
}

std::optional<enrol_hello_fields> decode_enrol_hello(byte_span datagram) noexcept {
    if (datagram.size() != enrol_hello_bytes) return std::nullopt;
    const auto zeros = [&](std::size_t from, std::size_t to) {
        return std::all_of(datagram.begin() + static_cast<std::ptrdiff_t>(from), datagram.begin() + static_cast<std::ptrdiff_t>(to),
                           [](std::uint8_t byte) { return byte == 0; });
    };
    if (datagram[1] != handshake_layout || !zeros(2, 4) || !zeros(6, 32)) return std::nullopt;
    enrol_hello_fields fields;
    fields.versions = {datagram[4], datagram[5]};
    byte_reader reader(datagram.subspan(32));
    fields.nonce = read_array<16>(reader);
    fields.ephemeral = read_array<32>(reader);
    return fields;
}

bool enrol_hello_authentic(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span datagram) {
    const auto tag = hello_tag(crypto, enrolment_key, datagram.first(hello_body_bytes));
    return equal_constant_time(tag, datagram.subspan(hello_body_bytes));
}

bytes make_enrol_answer(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span hello, std::uint8_t version,
                        const enrolment_nonce& nonce, const public_key& ephemeral) {
    bytes out;
    encode(enrol_start{frame_type::enrol_answer, version, nonce}, out);
    byte_writer writer(out);
    writer.raw(ephemeral);
    writer.raw(answer_tag(crypto, enrolment_key, hello, out));
    return out;
}

std::optional<public_key> open_enrol_answer(const crypto_suite& crypto, const secret_key& enrolment_key, byte_span hello,
                                            byte_span answer) {
    if (answer.size() != enrol_answer_bytes) return std::nullopt;
    const auto tag = answer_tag(crypto, enrolment_key, hello, answer.first(answer_body_bytes));
    if (!equal_constant_time(tag, answer.subspan(answer_body_bytes))) return std::nullopt;
    byte_reader reader(answer.subspan(20));
    return read_array<32>(reader);
}

enrolment_keys derive_enrolment(const crypto_suite& crypto, const secret_key& enrolment_key, const secret_key& ephemeral_shared,
                                const secret_key& static_shared, const digest& transcript) {
    bytes material = to_bytes(ephemeral_shared);
    material.insert(material.end(), static_shared.begin(), static_shared.end());
    return {derive_key(crypto, enrolment_key, material, {as_bytes("p2pdist enrol request"), transcript}),
            derive_key(crypto, enrolment_key, material, {as_bytes("p2pdist enrol grant"), transcript})};
}

bytes encode_grant(const enrolment_grant& grant) {
    bytes out{verdict_granted};
    encode(grant.held, out);
    encode(grant.server, out);
    out.insert(out.end(), grant.opaque.begin(), grant.opaque.end());
    return out;
}

bytes encode_refusal(std::string_view reason) {
    auto size = std::min(reason.size(), limits::enrolment_reason_bytes_max);
    while (size > 0 && size < reason.size() && (static_cast<std::uint8_t>(reason[size]) & 0xc0) == 0x80) --size;  // not inside a character
    const auto text = as_bytes(reason.substr(0, size));
    bytes out{verdict_refused};
    out.insert(out.end(), text.begin(), text.end());
    return out;
}

std::optional<result<enrolment_grant>> decode_verdict(byte_span plain) {
    byte_reader reader(plain);
    const auto verdict = reader.u8();
    if (reader.ok() && verdict == verdict_refused) {
        const auto text = as_text(reader.rest());
        return result<enrolment_grant>(errc::refused, is_utf8(text) && !text.empty() ? std::string(text) : "the server gave no reason");
    }
    const auto held = decode_credentials(reader.raw(credentials::size_bytes));
    const auto server = decode_certificate(reader.raw(certificate::size_bytes));
    if (!reader.ok() || verdict != verdict_granted || !held || !server) return std::nullopt;
    if (reader.rest().size() > limits::enrolment_opaque_bytes_max) return std::nullopt;
    return result<enrolment_grant>(enrolment_grant{*held, *server, to_bytes(reader.rest())});
}

}  // namespace p2pdist::detail
