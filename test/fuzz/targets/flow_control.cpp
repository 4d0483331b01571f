// The control signals of flows, and that their ranges keep what their header promises.

#include "p2pdist/wire/flow_control.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(flow_control) {
    const auto read = decode_flow_control(input.rest());
    if (!read) return;
    if (const auto* feedback = std::get_if<flow_feedback>(&read->signal)) {
        fuzz::check(feedback->wanted.size() <= flow_ranges_max && feedback->acknowledged.size() <= flow_ranges_max,
                    "more ranges than there may be");
        for (const auto& range : feedback->wanted) {
            fuzz::check(range.length > 0 && range.end() > range.first && range.end() <= flow_object_bytes_max + 1,
                        "a wanted range overflows");
        }
        std::uint64_t below = std::uint64_t{feedback->largest_packet} + 1;
        for (const auto& range : feedback->acknowledged) {
            fuzz::check(range.length > 0 && range.end() > range.first && range.end() <= below, "acknowledged ranges are not in order");
            below = range.first;
        }
    }
    const auto written = encode(*read);
    const auto again = decode_flow_control(written);
    fuzz::check(again && *again == *read, "a signal that was read is another one when it is written and read again");
}
