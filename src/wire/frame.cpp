#include "p2pdist/wire/frame.hpp"

#include <algorithm>

namespace p2pdist {

void encode(const sealed_header& header, bytes& out) {
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(header.type));
    writer.u8(header.version);
    writer.u16(header.key_epoch);
    writer.raw(header.sender.value);
    writer.u64(header.counter);
}

void encode(const data_header& header, bytes& out) {
    byte_writer writer(out);
    writer.u8(static_cast<std::uint8_t>(header.type));
    writer.u8(header.flags);
    writer.u32(header.token);
    writer.u32(header.packet_number);
    writer.u32(header.sent_at_us);
    writer.u48(header.offset);
}

std::optional<sealed_header> decode_sealed_header(byte_span datagram) noexcept {
    const auto type = frame_type_of(datagram);
    if (type != frame_type::message && type != frame_type::flow_control) return std::nullopt;
    byte_reader reader(datagram);
    sealed_header header;
    header.type = static_cast<frame_type>(reader.u8());
    header.version = reader.u8();
    header.key_epoch = reader.u16();
    const auto sender = reader.raw(header.sender.value.size());
    header.counter = reader.u64();
    if (!reader.ok()) return std::nullopt;
    std::copy(sender.begin(), sender.end(), header.sender.value.begin());
    return header;
}

std::optional<data_header> decode_data_header(byte_span datagram) noexcept {
    const auto type = frame_type_of(datagram);
    if (type != frame_type::data && type != frame_type::data_strict) return std::nullopt;
    byte_reader reader(datagram);
    data_header header;
    header.type = static_cast<frame_type>(reader.u8());
    header.flags = reader.u8();
    header.token = reader.u32();
    header.packet_number = reader.u32();
    header.sent_at_us = reader.u32();
    header.offset = reader.u48();
    if (!reader.ok()) return std::nullopt;
    return header;
}

std::optional<frame_type> frame_type_of(byte_span datagram) noexcept {
    if (datagram.empty()) return std::nullopt;
    const auto type = static_cast<frame_type>(datagram.front());
    switch (type) {
        case frame_type::message:
        case frame_type::flow_control:
        case frame_type::session_hello:
        case frame_type::session_welcome:
        case frame_type::session_unknown:
        case frame_type::version_refused:
        case frame_type::broadcast_request:
        case frame_type::broadcast_answer:
        case frame_type::enrol_hello:
        case frame_type::enrol_answer:
        case frame_type::enrol_request:
        case frame_type::enrol_grant:
        case frame_type::session_cookie:
        case frame_type::session_moved:
        case frame_type::data:
        case frame_type::data_strict:
            return type;
    }
    return std::nullopt;
}

}  // namespace p2pdist
