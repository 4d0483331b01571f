// Data frames: whatever opens is what sealing its parts gives.

#include "p2pdist/envelope/data_frame.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(data_frame) {
    static const fuzz::toy_crypto crypto;
    const short_key key{1, 2, 3};
    data_header header;
    header.type = input.flag() ? frame_type::data_strict : frame_type::data;
    header.flags = input.byte();
    header.token = input.u32();
    header.packet_number = input.u32();
    header.sent_at_us = input.u32();
    header.offset = input.u64() & 0xffffffffffff;
    const auto payload = input.piece(1172);
    bytes frame;
    seal_data(crypto, key, header, payload, frame);
    frame.insert(frame.end(), payload.begin(), payload.end());
    const auto whole = open_data(crypto, key, frame);
    fuzz::check(whole && whole->header == header && std::ranges::equal(whole->payload, payload), "a data frame does not open");

    const auto altered = input.flag() ? fuzz::mutated(input, frame) : to_bytes(input.rest());
    const auto opened = open_data(crypto, key, altered);
    if (!opened) return;
    bytes again;
    seal_data(crypto, key, opened->header, opened->payload, again);
    if (opened->header.type == frame_type::data) {
        fuzz::check(opened->payload.size() + again.size() == altered.size(), "a payload of another length opens");
    }
    fuzz::check(std::equal(again.begin(), again.end(), altered.begin()), "a frame opens that nobody sealed");
}
