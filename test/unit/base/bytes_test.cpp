#include "p2pdist/base/bytes.hpp"

#include <catch2/catch.hpp>

#include "p2pdist/base/random.hpp"

using namespace p2pdist;

TEST_CASE("Hexadecimal text", "[base]") {
    CHECK(to_hex(bytes{}) == "");
    CHECK(to_hex(bytes{0x00, 0x7f, 0xff}) == "007fff");
    CHECK(from_hex("007FfF") == bytes{0x00, 0x7f, 0xff});
    CHECK(from_hex("") == bytes{});
    for (const auto text : {"0", "0g", "g0", " 0", "0x", "00 ", "0\n"}) CHECK_FALSE(from_hex(text));
    random_source random(1);
    for (int i = 0; i < 200; ++i) {
        bytes data(random.below(40));
        for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
        REQUIRE(from_hex(to_hex(data)) == data);
    }
}

TEST_CASE("Well-formed UTF-8", "[base]") {
    using namespace std::string_view_literals;
    for (const auto text :
         {""sv, "abc"sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv,
          "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "Z\xc3\xbcrich \xe5\x8a\x9e"sv}) {
        CAPTURE(to_hex(as_bytes(text)));
        CHECK(is_utf8(text));
    }
    for (const auto text : {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv, "\xe2\x82"sv,
                            "\xe2\x82\x41"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv, "\xf0\x90\x80"sv,
                            "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "abc\xe9"sv}) {
        CAPTURE(to_hex(as_bytes(text)));
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("Every code point's encoding is UTF-8, but for surrogates", "[base][property]") {
    for (std::uint32_t code = 0x80; code <= 0x110100; code += 37) {
        std::string text;
        const auto tail = [&](int shift) { text.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3f))); };
        if (code < 0x800) {
            text.push_back(static_cast<char>(0xc0 | code >> 6));
        } else if (code < 0x10000) {
            text.push_back(static_cast<char>(0xe0 | code >> 12));
            tail(6);
        } else {
            text.push_back(static_cast<char>(0xf0 | code >> 18));
            tail(12);
            tail(6);
        }
        tail(0);
        const bool allowed = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (is_utf8(text) != allowed) FAIL("code point " << code);
    }
}

TEST_CASE("Comparison in constant time compares", "[REQ-SEC-2]") {
    CHECK(equal_constant_time({}, {}));
    const bytes a{1, 2, 3};
    CHECK(equal_constant_time(a, bytes{1, 2, 3}));
    CHECK_FALSE(equal_constant_time(a, bytes{1, 2}));
    for (std::size_t bit = 0; bit < 24; ++bit) {
        auto b = a;
        b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ (1u << bit % 8));
        CHECK_FALSE(equal_constant_time(a, b));
    }
}

TEST_CASE("Integers are written big-endian", "[base]") {
    bytes out;
    byte_writer writer(out);
    writer.u8(0x01);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u48(0xffff08090a0b0c0d);  // the low 48 bits
    writer.u64(0x0e0f101112131415);
    writer.raw(bytes{0x16, 0x17});
    CHECK(to_hex(out) == "0102030405060708090a0b0c0d0e0f1011121314151617");
}

TEST_CASE("What was written is read", "[base][property]") {
    random_source random(2);
    for (int i = 0; i < 300; ++i) {
        bytes out;
        byte_writer writer(out);
        const auto value = random();
        const bytes tail(random.below(9), 0x5a);
        writer.u8(static_cast<std::uint8_t>(value));
        writer.u16(static_cast<std::uint16_t>(value));
        writer.u32(static_cast<std::uint32_t>(value));
        writer.u48(value);
        writer.u64(value);
        writer.raw(tail);
        byte_reader reader(out);
        REQUIRE(reader.u8() == static_cast<std::uint8_t>(value));
        REQUIRE(reader.u16() == static_cast<std::uint16_t>(value));
        REQUIRE(reader.u32() == static_cast<std::uint32_t>(value));
        REQUIRE(reader.u48() == (value & 0xffffffffffff));
        REQUIRE(reader.u64() == value);
        REQUIRE(reader.rest().size() == tail.size());
        REQUIRE(to_bytes(reader.raw(tail.size())) == tail);
        REQUIRE(reader.at_end());
    }
}

TEST_CASE("Reading past the end fails for good", "[base]") {
    const bytes data{1, 2, 3};
    byte_reader reader(data);
    CHECK(reader.u16() == 0x0102);
    CHECK(reader.ok());
    CHECK_FALSE(reader.at_end());
    CHECK(reader.u32() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK(reader.raw(0).empty());
    CHECK_FALSE(reader.ok());
    CHECK_FALSE(reader.at_end());
    CHECK(reader.rest().empty());
    byte_reader huge(data);
    CHECK(huge.raw(SIZE_MAX).empty());
    CHECK_FALSE(huge.ok());
}
