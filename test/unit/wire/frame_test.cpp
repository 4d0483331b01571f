#include "p2pdist/wire/frame.hpp"

#include <catch2/catch.hpp>

#include "p2pdist/base/random.hpp"

using namespace p2pdist;

namespace {

template <class Header>
bytes encoded(const Header& header) {
    bytes out;
    encode(header, out);
    return out;
}

}  // namespace

TEST_CASE("A sealed header has its documented bytes", "[REQ-SEC-2]") {
    sealed_header header;
    header.type = frame_type::flow_control;
    header.version = 1;
    header.key_epoch = 0x0203;
    header.sender = client_id::parse("101112131415161718191a1b1c1d1e1f").value();
    header.counter = 0x2021222324252627;
    const auto out = encoded(header);
    CHECK(to_hex(out) == "41010203101112131415161718191a1b1c1d1e1f2021222324252627");
    CHECK(out.size() == sealed_header::size_bytes);
    CHECK(decode_sealed_header(out) == header);
}

TEST_CASE("A data header has its documented bytes", "[REQ-XFER-5]") {
    data_header header;
    header.type = frame_type::data_strict;
    header.flags = data_flag_feedback_now;
    header.token = 0x02030405;
    header.packet_number = 0x06070809;
    header.sent_at_us = 0x0a0b0c0d;
    header.offset = 0x0e0f10111213;
    const auto out = encoded(header);
    CHECK(to_hex(out) == "510102030405060708090a0b0c0d0e0f10111213");
    CHECK(out.size() == data_header::size_bytes);
    CHECK(data_overhead_bytes <= 28);
    CHECK(decode_data_header(out) == header);
}

TEST_CASE("Headers survive encoding and decoding, with anything behind them", "[property]") {
    random_source random(1);
    for (int i = 0; i < 500; ++i) {
        sealed_header sealed;
        sealed.type = random.below(2) != 0 ? frame_type::message : frame_type::flow_control;
        sealed.version = static_cast<std::uint8_t>(random());
        sealed.key_epoch = static_cast<std::uint16_t>(random());
        for (auto& byte : sealed.sender.value) byte = static_cast<std::uint8_t>(random());
        sealed.counter = random();
        data_header data;
        data.type = random.below(2) != 0 ? frame_type::data : frame_type::data_strict;
        data.flags = static_cast<std::uint8_t>(random());
        data.token = static_cast<std::uint32_t>(random());
        data.packet_number = static_cast<std::uint32_t>(random());
        data.sent_at_us = static_cast<std::uint32_t>(random());
        data.offset = random() >> 16;
        auto first = encoded(sealed);
        auto second = encoded(data);
        first.resize(first.size() + random.below(20), 0xaa);
        second.resize(second.size() + random.below(20), 0xaa);
        REQUIRE(decode_sealed_header(first) == sealed);
        REQUIRE(decode_data_header(second) == data);
        REQUIRE_FALSE(decode_sealed_header(second));
        REQUIRE_FALSE(decode_data_header(first));
    }
}

TEST_CASE("A header that is cut short is none", "[REQ-SEC-2]") {
    const auto sealed = encoded(sealed_header{});
    const auto data = encoded(data_header{});
    for (std::size_t size = 0; size < sealed.size(); ++size) CHECK_FALSE(decode_sealed_header(byte_span(sealed).first(size)));
    for (std::size_t size = 0; size < data.size(); ++size) CHECK_FALSE(decode_data_header(byte_span(data).first(size)));
}

TEST_CASE("Encoding appends", "[wire]") {
    bytes out{1, 2, 3};
    encode(data_header{}, out);
    CHECK(out.size() == 3 + data_header::size_bytes);
    CHECK(out[2] == 3);
}

TEST_CASE("No frame of ours starts where DTLS does", "[REQ-CON-2]") {
    int known = 0;
    for (int first = 0; first < 256; ++first) {
        const bytes datagram{static_cast<std::uint8_t>(first)};
        const auto type = frame_type_of(datagram);
        if (!type) continue;
        ++known;
        CHECK(static_cast<int>(*type) == first);
        CHECK_FALSE((first >= 20 && first <= 63));
    }
    CHECK(known == 16);
    CHECK_FALSE(frame_type_of({}));
}
