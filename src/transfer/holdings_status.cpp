#include "holdings_status.hpp"

#include <algorithm>

#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist::detail::transfer {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t flag_complete = 0x01;
constexpr std::uint8_t flag_tree_root = 0x02;
constexpr std::size_t varint_bytes_max = 5;  // 35 bits: a zigzag difference of two chunk indices
constexpr std::size_t range_bytes_max = 2 * varint_bytes_max;

void put_varint(bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

std::optional<std::uint64_t> take_varint(byte_reader& in) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < varint_bytes_max; ++i) {
        const auto byte = in.u8();
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80) == 0) return in.ok() ? std::optional(value) : std::nullopt;
    }
    return std::nullopt;
}

std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

void put_range(bytes& out, const chunk_range& range, std::uint64_t& before) {
    put_varint(out, zigzag(static_cast<std::int64_t>(range.first) - static_cast<std::int64_t>(before)));
    put_varint(out, range.count);
    before = range.end();
}

std::optional<std::vector<chunk_range>> take_ranges(byte_reader& in, chunk_index chunk_count) {
    const auto count = take_varint(in);
    if (!count || *count > in.rest().size() / 2) return std::nullopt;  // a range takes two bytes or more
    std::vector<chunk_range> ranges;
    ranges.reserve(*count);
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto step = take_varint(in);
        const auto length = take_varint(in);
        if (!step || !length) return std::nullopt;
        const auto first = static_cast<std::int64_t>(before) + unzigzag(*step);
        if (first < 0 || *length == 0 || *length > chunk_count) return std::nullopt;
        if (static_cast<std::uint64_t>(first) > chunk_count - *length) return std::nullopt;
        ranges.push_back({static_cast<chunk_index>(first), static_cast<chunk_index>(*length)});
        before = ranges.back().end();
    }
    return ranges;
}

}  // namespace

bytes encode(const holdings_status& status) {
    bytes tail;  // the ranges under way stand last, but their size is needed first
    const auto fetching = std::min(status.fetching.size(), fetching_ranges_max);
    put_varint(tail, fetching);
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < fetching; ++i) put_range(tail, status.fetching[i], before);

    bytes ranges;
    std::size_t told = 0;
    std::uint64_t chunks = 0;
    constexpr std::size_t head_bytes_max = 2 + digest_bytes + 3 * varint_bytes_max;
    before = 0;
    for (const auto& range : status.acquired) {
        if (head_bytes_max + ranges.size() + range_bytes_max + tail.size() > flow_status_bytes_max) break;
        put_range(ranges, range, before);
        chunks += range.count;
        ++told;
    }

    bytes out;
    out.reserve(head_bytes_max + ranges.size() + tail.size());
    out.push_back(version);
    out.push_back(static_cast<std::uint8_t>((status.complete ? flag_complete : 0) | (status.tree_root ? flag_tree_root : 0)));
    if (status.tree_root) out.insert(out.end(), status.tree_root->begin(), status.tree_root->end());
    put_varint(out, status.log_from);
    put_varint(out, told == status.acquired.size() ? status.log_to : status.log_from + chunks);
    put_varint(out, told);
    out.insert(out.end(), ranges.begin(), ranges.end());
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
}

std::optional<holdings_status> decode_holdings_status(byte_span data, chunk_index chunk_count) {
    byte_reader in(data);
    if (in.u8() != version) return std::nullopt;
    const auto flags = in.u8();
    holdings_status status;
    status.complete = (flags & flag_complete) != 0;
    if ((flags & flag_tree_root) != 0) {
        const auto root = in.raw(digest_bytes);
        if (!in.ok()) return std::nullopt;
        std::ranges::copy(root, status.tree_root.emplace().begin());
    }
    const auto log_from = take_varint(in);
    const auto log_to = take_varint(in);
    if (!log_from || !log_to || *log_from > *log_to || *log_to > chunk_count) return std::nullopt;
    auto acquired = take_ranges(in, chunk_count);
    auto fetching = acquired ? take_ranges(in, chunk_count) : std::nullopt;
    if (!acquired || !fetching || fetching->size() > fetching_ranges_max) return std::nullopt;
    status.log_from = static_cast<chunk_index>(*log_from);
    status.log_to = static_cast<chunk_index>(*log_to);
    status.acquired = std::move(*acquired);
    status.fetching = std::move(*fetching);

    std::uint64_t chunks = 0;
    for (const auto& range : status.acquired) chunks += range.count;
    if (status.complete ? !status.acquired.empty() : chunks != *log_to - *log_from) return std::nullopt;
    return status;
}

bytes encode(const receiver_status& status) {
    bytes out{version};
    put_varint(out, status.log_seen);
    return out;
}

std::optional<receiver_status> decode_receiver_status(byte_span data) {
    byte_reader in(data);
    if (in.u8() != version) return std::nullopt;
    const auto seen = take_varint(in);
    if (!seen || *seen > UINT32_MAX) return std::nullopt;
    return receiver_status{static_cast<chunk_index>(*seen)};
}

}  // namespace p2pdist::detail::transfer
