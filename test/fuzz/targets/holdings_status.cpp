// What the two sides of a content flow tell each other of their holdings.

#include "transfer/holdings_status.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;
using namespace p2pdist::detail::transfer;

P2PDIST_FUZZ_TARGET(holdings_status) {
    const auto chunks = input.flag() ? static_cast<chunk_index>(input.below(300)) : input.u32() % (1u << 26);
    const auto data = input.rest();
    if (const auto seen = decode_receiver_status(data)) {
        const auto again = decode_receiver_status(encode(*seen));
        fuzz::check(again && *again == *seen, "a receiver's status changes on its way");
    }
    const auto status = decode_holdings_status(data, chunks);
    if (!status) return;
    std::uint64_t acquired = 0;
    for (const auto& range : status->acquired) {
        fuzz::check(range.count > 0 && range.end() <= chunks, "a range beyond the content");
        acquired += range.count;
    }
    for (const auto& range : status->fetching) fuzz::check(range.end() <= chunks, "a range under way beyond the content");
    fuzz::check(status->fetching.size() <= fetching_ranges_max, "too many ranges under way");
    fuzz::check(status->complete || acquired == status->log_to - status->log_from, "the ranges are not the part of the log");
    const auto written = encode(*status);
    fuzz::check(written.size() <= flow_status_bytes_max, "a status is too long for its frame");
    const auto again = decode_holdings_status(written, chunks);
    fuzz::check(again.has_value(), "a status that was read does not read again");
    if (again->log_to == status->log_to) fuzz::check(*again == *status, "a holder's status changes on its way");
}
