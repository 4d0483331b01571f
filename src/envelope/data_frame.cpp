#include "p2pdist/envelope/data_frame.hpp"

namespace p2pdist {
namespace {

using short_tag = std::array<std::uint8_t, data_tag_bytes>;

short_tag short_tag_of(const crypto_suite& crypto, const short_key& key, byte_span header, byte_span payload) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    const std::array<std::uint8_t, 4> length{static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
                                             static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    const bool strict = header.front() == static_cast<std::uint8_t>(frame_type::data_strict);
    const auto value = crypto.siphash(key, {header, length, strict ? payload : byte_span{}});
    short_tag tag{};
    for (std::size_t i = 0; i < tag.size(); ++i) tag[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return tag;
}

}  // namespace

void seal_data(const crypto_suite& crypto, const short_key& key, const data_header& header, byte_span payload, bytes& out) {
    const auto start = out.size();
    out.reserve(start + data_overhead_bytes);
    encode(header, out);
    const auto tag = short_tag_of(crypto, key, byte_span(out).subspan(start), payload);
    out.insert(out.end(), tag.begin(), tag.end());
}

std::optional<opened_data> open_data(const crypto_suite& crypto, const short_key& key, byte_span datagram) {
    if (datagram.size() < data_overhead_bytes) return std::nullopt;
    const auto header = decode_data_header(datagram);
    if (!header) return std::nullopt;
    const auto payload = datagram.subspan(data_overhead_bytes);
    const auto tag = short_tag_of(crypto, key, datagram.first(data_header::size_bytes), payload);
    if (!equal_constant_time(tag, datagram.subspan(data_header::size_bytes, data_tag_bytes))) return std::nullopt;
    return opened_data{*header, payload};
}

}  // namespace p2pdist
