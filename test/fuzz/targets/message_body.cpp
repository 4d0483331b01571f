// Bodies without the message around them: broadcasts and large messages. The row limits must hold whatever the bytes say, and be
// noticed before memory is taken for the rows.

#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/messages.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(message_body) {
    const auto read = decode_body(input.rest());
    if (!read) return;
    const auto written = encode_body(*read);
    const auto again = decode_body(written);
    fuzz::check(again && *again == *read, "a body that was read is another one when it is written and read again");
    if (const auto* located = std::get_if<locate_reply>(&*read)) {
        fuzz::check(located->path.size() <= limits::locate_path_max, "a path of more offices than there may be");
        for (const auto& office : located->path) {
            fuzz::check(office.roster.size() <= limits::locate_roster_max && office.holders.size() <= limits::locate_holders_max,
                        "more peers in an office than there may be");
        }
    }
    if (const auto* want = std::get_if<want_reply>(&*read)) fuzz::check(want->others.size() <= limits::want_others_max,
                                                                        "too many further sources");
    if (const auto* report = std::get_if<holdings_report>(&*read)) fuzz::check(report->holdings.size() <= limits::message_rows_max,
                                                                               "too many rows");
}
