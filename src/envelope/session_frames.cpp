#include "session_frames.hpp"

#include <algorithm>

namespace p2pdist::detail {
namespace {

bool is(byte_span datagram, frame_type type) noexcept {
    return !datagram.empty() && datagram.front() == static_cast<std::uint8_t>(type);
}

}  // namespace

void encode(const greeting& frame, bytes& out) {
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(frame.type));
    writer.u8(greeting_layout);
    writer.u16(frame.epoch);
    writer.u8(frame.versions.min);
    writer.u8(frame.versions.max);
    writer.u8(frame.chosen);
    writer.u8(0);
    writer.raw(frame.recipient.value);
    writer.raw(frame.boot);
    writer.raw(frame.nonce);
    encode(frame.cert, out);
    writer.raw(frame.ephemeral);
    writer.raw(frame.echo_boot);
    writer.raw(frame.echo);
}

std::optional<greeting> decode_greeting(byte_span datagram) noexcept {
    if (datagram.size() != greeting::size_bytes) return std::nullopt;
    byte_reader reader(datagram);
    greeting frame;
    frame.type = static_cast<frame_type>(reader.u8());
    if (frame.type != frame_type::session_hello && frame.type != frame_type::session_welcome) return std::nullopt;
    if (reader.u8() != greeting_layout) return std::nullopt;
    frame.epoch = reader.u16();
    frame.versions.min = reader.u8();
    frame.versions.max = reader.u8();
    frame.chosen = reader.u8();
    if (reader.u8() != 0 || frame.versions.min > frame.versions.max) return std::nullopt;
    frame.recipient.value = read_array<16>(reader);
    frame.boot = read_array<8>(reader);
    frame.nonce = read_array<16>(reader);
    const auto cert = decode_certificate(reader.raw(certificate::size_bytes));
    if (!cert) return std::nullopt;
    frame.cert = *cert;
    frame.ephemeral = read_array<32>(reader);
    frame.echo_boot = read_array<8>(reader);
    frame.echo = read_array<16>(reader);
    const bool is_hello = frame.type == frame_type::session_hello;
    if (is_hello && (frame.chosen != 0 || frame.echo_boot != boot_id{})) return std::nullopt;
    return frame;
}

std::optional<hello_prefix> decode_hello_prefix(byte_span datagram) noexcept {
    if (datagram.size() < hello_prefix::size_bytes) return std::nullopt;
    hello_prefix prefix;
    prefix.layout = datagram[1];
    prefix.versions = {datagram[4], datagram[5]};
    std::copy_n(datagram.begin() + 32, prefix.nonce.size(), prefix.nonce.begin());
    return prefix;
}

bytes encode(const version_refusal& frame) {
    bytes out;
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(frame_type::version_refused));
    writer.u8(handshake_layout);
    writer.u8(frame.versions.min);
    writer.u8(frame.versions.max);
    writer.raw(frame.nonce);
    return out;
}

std::optional<version_refusal> decode_version_refusal(byte_span datagram) noexcept {
    if (datagram.size() != version_refusal::size_bytes || !is(datagram, frame_type::version_refused)) return std::nullopt;
    if (datagram[1] != handshake_layout || datagram[2] > datagram[3]) return std::nullopt;
    version_refusal frame{{datagram[2], datagram[3]}, {}};
    std::copy_n(datagram.begin() + 4, frame.nonce.size(), frame.nonce.begin());
    return frame;
}

bytes encode(const cookie_offer& frame) {
    bytes out;
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(frame_type::session_cookie));
    writer.u8(greeting_layout);
    writer.u16(0);
    writer.raw(frame.nonce);
    writer.raw(frame.cookie);
    return out;
}

std::optional<cookie_offer> decode_cookie_offer(byte_span datagram) noexcept {
    if (datagram.size() != cookie_offer::size_bytes || !is(datagram, frame_type::session_cookie)) return std::nullopt;
    byte_reader reader(datagram.subspan(1));
    const auto layout = reader.u8();
    if (layout != greeting_layout || reader.u16() != 0) return std::nullopt;
    cookie_offer frame;
    frame.nonce = read_array<16>(reader);
    frame.cookie = read_array<16>(reader);
    return frame;
}

void encode(const session_notice& frame, bytes& out) {
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(frame.type));
    writer.u8(handshake_layout);
    writer.u16(frame.epoch);
    writer.raw(frame.sender.value);
    writer.u64(frame.counter);
}

std::optional<session_notice> decode_session_notice(byte_span datagram) noexcept {
    if (datagram.size() != session_notice::size_bytes) return std::nullopt;
    if (!is(datagram, frame_type::session_unknown) && !is(datagram, frame_type::session_moved)) return std::nullopt;
    byte_reader reader(datagram);
    session_notice frame;
    frame.type = static_cast<frame_type>(reader.u8());
    if (reader.u8() != handshake_layout) return std::nullopt;
    frame.epoch = reader.u16();
    frame.sender.value = read_array<16>(reader);
    frame.counter = reader.u64();
    return frame;
}

}  // namespace p2pdist::detail
