#include "saved_state.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {
constexpr std::uint8_t format = 1;
}

bytes encode(const saved_state& value) {
    bytes out;
    encode(value.held, out);
    encode(value.server, out);
    byte_writer writer(out);
    writer.u8(format);
    writer.u8(value.activated ? 1 : 0);
    writer.u32(static_cast<std::uint32_t>(value.topology.size()));
    writer.raw(as_bytes(value.topology));
    return out;
}

std::optional<saved_state> decode_saved_state(byte_span data) {
    byte_reader reader(data);
    const auto held = decode_credentials(reader.raw(credentials::size_bytes));
    const auto server = decode_certificate(reader.raw(certificate::size_bytes));
    if (!held || !server) return std::nullopt;
    saved_state out{*held, *server, false, {}};
    if (reader.at_end()) return out;
    if (reader.u8() != format) return std::nullopt;
    out.activated = reader.u8() != 0;
    const auto length = reader.u32();
    if (length > limits::spreadsheet_bytes_max) return std::nullopt;
    out.topology = std::string(as_text(reader.raw(length)));
    if (!reader.at_end()) return std::nullopt;
    return out;
}

}  // namespace p2pdist::client_room
