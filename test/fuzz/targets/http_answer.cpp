// What of an HTTP answer is taken for the range that was asked: never more, never from elsewhere as far as the server says where it is.

#include "source/range_filter.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(http_answer) {
    const std::uint64_t offset = input.flag() ? input.u16() : input.u64();
    const auto length = input.flag() ? std::optional<std::uint64_t>(1 + input.u16()) : std::nullopt;
    range_filter filter(offset, length);
    const long status = input.flag() ? 206 : 200;
    const auto header = as_text(input.piece(60));
    if (!filter.begin(status, header)) return fuzz::check(status == 206 && !header.empty(), "an answer without a range is refused");
    if (status == 206 && header.starts_with("bytes "))
        fuzz::check(header.substr(6).starts_with(std::to_string(offset) + "-") || header[6] == '0',
                    "another range is taken for the one that was asked for");
    std::uint64_t came = 0, taken = 0;
    while (!input.empty()) {
        const auto piece = input.piece(300);
        const auto part = filter.take(piece);
        fuzz::check(part.size() <= piece.size(), "more is taken than came");
        const auto first = part.empty() ? came : came + static_cast<std::uint64_t>(part.data() - piece.data());
        if (!part.empty()) fuzz::check(status == 206 ? first == taken : first == offset + taken, "bytes are taken from elsewhere");
        came += piece.size();
        taken += part.size();
        fuzz::check(!length || taken <= *length, "more is taken than was asked for");
        fuzz::check(filter.complete() == (length && taken == *length), "an answer is complete too early or never");
    }
}
