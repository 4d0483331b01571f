#include "saved_state.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {
constexpr std::uint8_t format = 3;
constexpr std::uint8_t format_without_print = 2;
constexpr std::uint8_t flag_activated = 1;
constexpr std::uint8_t flag_revoked = 2;
}

bytes encode(const saved_state& value) {
    bytes out;
    encode(value.held, out);
    encode(value.server, out);
    byte_writer writer(out);
    writer.u8(format);
    writer.u8(static_cast<std::uint8_t>((value.activated ? flag_activated : 0) | (value.revoked ? flag_revoked : 0)));
    writer.u32(static_cast<std::uint32_t>(value.topology.size()));
    writer.raw(as_bytes(value.topology));
    writer.u32(static_cast<std::uint32_t>(value.revocations.size()));
    writer.raw(value.revocations);
    writer.raw(value.enrolment);
    return out;
}

std::optional<saved_state> decode_saved_state(byte_span data) {
    byte_reader reader(data);
    const auto held = decode_credentials(reader.raw(credentials::size_bytes));
    const auto server = decode_certificate(reader.raw(certificate::size_bytes));
    if (!held || !server) return std::nullopt;
    saved_state out;
    out.held = *held;
    out.server = *server;
    if (reader.at_end()) return out;
    const auto its_format = reader.u8();
    if (its_format != format && its_format != format_without_print) return std::nullopt;
    const auto flags = reader.u8();
    out.activated = (flags & flag_activated) != 0;
    out.revoked = (flags & flag_revoked) != 0;
    const auto length = reader.u32();
    if (length > limits::spreadsheet_bytes_max) return std::nullopt;
    out.topology = std::string(as_text(reader.raw(length)));
    const auto list_length = reader.u32();
    if (list_length > limits::revocation_list_bytes_max) return std::nullopt;
    out.revocations = to_bytes(reader.raw(list_length));
    if (its_format == format) {
        const auto print = reader.raw(out.enrolment.size());
        if (reader.ok()) std::ranges::copy(print, out.enrolment.begin());
    }
    if (!reader.at_end() || !reader.ok()) return std::nullopt;
    return out;
}

}  // namespace p2pdist::client_room
