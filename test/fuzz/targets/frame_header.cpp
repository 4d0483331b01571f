// Headers of sealed and data frames, and what the first byte of a datagram says.

#include "p2pdist/wire/frame.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(frame_header) {
    const auto data = input.rest();
    const auto type = frame_type_of(data);
    const auto sealed = decode_sealed_header(data);
    const auto plain = decode_data_header(data);
    fuzz::check(!type || data.front() < 20 || data.front() > 63, "a frame of ours looks like DTLS");
    fuzz::check(!(sealed && plain), "one datagram is two frames");
    bytes again;
    if (sealed) encode(*sealed, again);
    if (plain) encode(*plain, again);
    fuzz::check(again.size() <= data.size() && std::equal(again.begin(), again.end(), data.begin()),
                "a header does not come back as it was");
    fuzz::check(again.empty() || type, "a header of a frame that is none");
}
