// The byte form of a chunk set: docs/content-format.md, "Chunk sets".

#include "p2pdist/content/chunk_set.hpp"

namespace p2pdist {

namespace {

constexpr std::uint8_t form_runs = 0;
constexpr std::uint8_t form_bitmap = 1;

void put_varint(bytes& out, std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
}

/// The shortest form only, so that a set has one encoding.
std::optional<std::uint32_t> read_varint(byte_reader& in) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        const auto byte = in.u8();
        if (!in.ok()) return std::nullopt;
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if ((byte & 0x80) != 0) continue;
        if ((byte == 0 && shift > 0) || value > UINT32_MAX) return std::nullopt;
        return static_cast<std::uint32_t>(value);
    }
    return std::nullopt;
}

std::size_t bitmap_bytes(chunk_index chunk_count) { return (std::size_t{chunk_count} + 7) / 8; }

result<chunk_set> malformed(const char* why) { return {errc::malformed, std::string("chunk set: ") + why}; }

result<chunk_set> decode_runs(chunk_index chunk_count, byte_reader in) {
    chunk_set set(chunk_count);
    std::uint64_t position = 0;
    bool first = true;
    while (!in.at_end()) {
        const auto gap = read_varint(in);
        const auto run = gap ? read_varint(in) : std::nullopt;
        if (!run) return malformed("a run is cut off or not in its shortest form");
        if (*run == 0 || (*gap == 0 && !first)) return malformed("an empty run");
        position += *gap;
        if (position + *run > chunk_count) return malformed("a run ends behind the last chunk");
        set.insert(chunk_range{static_cast<chunk_index>(position), *run});
        position += *run;
        first = false;
    }
    return set;
}

result<chunk_set> decode_bitmap(chunk_index chunk_count, byte_span bits) {
    if (bits.size() != bitmap_bytes(chunk_count)) return malformed("a bitmap of another length");
    chunk_set set(chunk_count);
    for (std::size_t position = 0; position < bits.size() * 8; ++position) {
        if ((bits[position / 8] >> (position % 8) & 1) == 0) continue;
        if (position >= chunk_count) return malformed("a bit behind the last chunk");
        set.insert(static_cast<chunk_index>(position));
    }
    return set;
}

}  // namespace

bytes chunk_set::encode() const {
    const auto bitmap_size = 1 + bitmap_bytes(chunk_count_);
    bytes out{form_runs};
    std::uint64_t position = 0;
    for (auto start = first_present(); start && out.size() < bitmap_size;) {
        const auto end = first_missing(*start).value_or(chunk_count_);
        put_varint(out, static_cast<std::uint32_t>(*start - position));
        put_varint(out, end - *start);
        position = end;
        start = first_present(end);
    }
    if (out.size() < bitmap_size || empty()) return out;

    out.assign(bitmap_size, 0);
    out[0] = form_bitmap;
    for (std::size_t byte = 0; byte + 1 < bitmap_size; ++byte) {
        out[byte + 1] = static_cast<std::uint8_t>(words_[byte / 8] >> (8 * (byte % 8)));
    }
    return out;
}

result<chunk_set> chunk_set::decode(chunk_index chunk_count, byte_span data) {
    byte_reader in(data);
    const auto form = in.u8();
    if (!in.ok()) return malformed("no bytes");
    // A longer form than the bitmap is never written.
    if (data.size() > 1 + bitmap_bytes(chunk_count)) return malformed("longer than a bitmap");
    auto set = form == form_runs     ? decode_runs(chunk_count, in)
               : form == form_bitmap ? decode_bitmap(chunk_count, in.rest())
                                     : malformed("an unknown form");
    return set;
}

}  // namespace p2pdist
