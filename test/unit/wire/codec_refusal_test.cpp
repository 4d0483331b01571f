#include <catch2/catch.hpp>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/messages.hpp"

using namespace p2pdist;

namespace {

bytes varint(std::uint64_t value) {
    bytes out;
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
    return out;
}
bytes field(std::uint32_t number, std::uint64_t value) {
    auto out = varint(number << 3);
    const auto coded = varint(value);
    out.insert(out.end(), coded.begin(), coded.end());
    return out;
}
bytes field(std::uint32_t number, byte_span value) {
    auto out = varint(number << 3 | 2);
    const auto size = varint(value.size());
    out.insert(out.end(), size.begin(), size.end());
    out.insert(out.end(), value.begin(), value.end());
    return out;
}
bytes field(std::uint32_t number, std::string_view value) { return field(number, as_bytes(value)); }
template <class... Parts>
bytes join(const Parts&... parts) {
    bytes out;
    (out.insert(out.end(), parts.begin(), parts.end()), ...);
    return out;
}
bytes packed(std::initializer_list<std::uint64_t> values) {
    bytes out;
    for (const auto value : values) {
        const auto coded = varint(value);
        out.insert(out.end(), coded.begin(), coded.end());
    }
    return out;
}

bool body_decodes(std::uint32_t number, byte_span content) { return decode_body(field(number, content)).has_value(); }
/// A flow_feedback of token 0 with these fields.
bool feedback_decodes(byte_span content) { return decode_flow_control(field(4, content)).has_value(); }

const std::string digest_bytes(32, 'h');

}  // namespace

TEST_CASE("control characters of a peer reach neither logs nor terminals", "[wire][hostile]") {
    const auto read = [](std::string_view sent) {
        return std::get<error_reply>(decode_body(field(1, join(field(1, 3), field(2, sent)))).value()).text;
    };
    CHECK(read("\x1b[2Jgone\x07") == "?[2Jgone?");
    CHECK(read("one\r\nevent=\tforged") == "one  event= forged");
    CHECK(read(std::string_view("nul\0del\x7f", 8)) == "nul?del?");
    CHECK(read("csi \xc2\x9b" "31m, nel \xc2\x85") == "csi ?31m, nel ?");
    CHECK(read("\xc2\xa0\xc3\x9b \xe2\x82\xac \xf0\x9f\x98\x80") == "\xc2\xa0\xc3\x9b \xe2\x82\xac \xf0\x9f\x98\x80");

    const auto host = decode_body(encode_body(register_request{{}, ip_address::v4(1), 24, "pc\x1b]0;x\x07", "1\n2"}));
    CHECK(std::get<register_request>(*host).host_name == "pc?]0;x?");
    CHECK(std::get<register_request>(*host).software_version == "1 2");
    const auto wanted = decode_body(encode_body(want_reply{want_verdict::cannot, {}, {}, "\x1b[31mno"}));
    CHECK(std::get<want_reply>(*wanted).text == "?[31mno");
    const auto closed = decode_flow_control(encode(flow_control{7, true, flow_close{errc::refused, "\x1b[31mno", 0}}));
    CHECK(std::get<flow_close>(closed->signal).text == "?[31mno");
    // What programs read stays as it is.
    CHECK(std::get<topology_view>(*decode_body(encode_body(topology_view{1, "a,b\r\n"}))).spreadsheet == "a,b\r\n");
}

TEST_CASE("values outside their ranges are refused", "[wire][hostile]") {
    const auto text = [](std::uint32_t number, std::string_view value) { return field(number, value); };

    SECTION("text") {
        CHECK(body_decodes(1, join(field(1, 3), text(2, "fine"))));
        CHECK_FALSE(body_decodes(1, join(field(1, 3), text(2, "\xff\xfe"))));
        CHECK(body_decodes(1, join(field(1, 3), text(2, std::string(limits::message_text_bytes_max, 'a')))));
        CHECK_FALSE(body_decodes(1, join(field(1, 3), text(2, std::string(limits::message_text_bytes_max + 1, 'a')))));
        CHECK(body_decodes(72, text(1, std::string(limits::message_name_bytes_max, 'a'))));
        CHECK_FALSE(body_decodes(72, text(1, std::string(limits::message_name_bytes_max + 1, 'a'))));
        CHECK_FALSE(body_decodes(95, text(2, std::string(limits::message_value_bytes_max + 1, 'a'))));
        CHECK(body_decodes(87, text(1, std::string(limits::spreadsheet_bytes_max, 'a'))));
        CHECK_FALSE(body_decodes(87, text(1, std::string(limits::spreadsheet_bytes_max + 1, 'a'))));
    }
    SECTION("ids, hashes, addresses") {
        CHECK(body_decodes(25, text(1, "app")));
        CHECK_FALSE(body_decodes(25, text(1, "../app")));
        CHECK_FALSE(body_decodes(25, bytes{}));
        const auto key = [&](std::uint64_t kind, const std::string& hash) { return field(1, join(text(1, "app"), field(2, kind), text(3, hash))); };
        CHECK(body_decodes(27, key(1, digest_bytes)));
        CHECK(body_decodes(27, key(2, digest_bytes)));
        CHECK_FALSE(body_decodes(27, key(0, digest_bytes)));
        CHECK_FALSE(body_decodes(27, key(3, digest_bytes)));
        CHECK_FALSE(body_decodes(27, key(1, digest_bytes + "h")));
        const auto registration = [&](const std::string& address, std::uint64_t prefix) { return join(text(2, address), field(3, prefix)); };
        CHECK(body_decodes(16, registration("abcd", 32)));
        CHECK_FALSE(body_decodes(16, registration("abcd", 33)));
        CHECK(body_decodes(16, registration("abcdabcdabcdabcd", 128)));
        CHECK_FALSE(body_decodes(16, registration("abcdabcdabcdabcd", 256)));
        CHECK_FALSE(body_decodes(16, registration("abcde", 8)));
        CHECK_FALSE(body_decodes(16, registration("", 0)));
    }
    SECTION("enumerations and sizes") {
        const auto info = [&](std::uint64_t size) { return field(1, join(field(1, join(text(1, "app"), field(2, 1), text(3, digest_bytes))), field(2, size))); };
        CHECK(body_decodes(26, info(limits::content_bytes_max)));
        CHECK_FALSE(body_decodes(26, info(limits::content_bytes_max + 1)));
        CHECK(body_decodes(2, join(text(3, digest_bytes), field(4, 1))));
        CHECK_FALSE(body_decodes(2, join(text(3, digest_bytes), field(4, 2))));
        CHECK(body_decodes(57, field(1, 6)));
        CHECK_FALSE(body_decodes(57, field(1, 7)));
        CHECK_FALSE(body_decodes(57, field(1, 0)));
        CHECK_FALSE(body_decodes(75, field(8, field(1, 3))));
        CHECK_FALSE(body_decodes(75, field(8, field(1, 256))));
        CHECK_FALSE(body_decodes(48, field(1, field(4, 65'536))));
        CHECK_FALSE(body_decodes(18, field(1, field(4, UINT64_MAX))));
    }
}

TEST_CASE("lists longer than their limits are refused", "[wire][hostile]") {
    const auto repeat = [](const bytes& entry, std::size_t count) {
        bytes out;
        for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), entry.begin(), entry.end());
        return out;
    };
    const auto peer = join(field(1, std::string(16, 'i')), field(2, std::string(32, 'k')), field(3, std::string_view("abcd")));
    const auto content = field(1, join(field(1, join(field(1, std::string_view("app")), field(2, 1), field(3, digest_bytes)))));

    CHECK(body_decodes(57, join(field(1, 1), repeat(field(3, peer), limits::want_others_max))));
    CHECK_FALSE(body_decodes(57, join(field(1, 1), repeat(field(3, peer), limits::want_others_max + 1))));
    CHECK(body_decodes(28, join(content, repeat(field(2, bytes{}), limits::locate_path_max))));
    CHECK_FALSE(body_decodes(28, join(content, repeat(field(2, bytes{}), limits::locate_path_max + 1))));
    const auto ranked = field(2, field(1, peer));
    CHECK(body_decodes(28, join(content, field(2, repeat(ranked, limits::locate_roster_max)))));
    CHECK_FALSE(body_decodes(28, join(content, field(2, repeat(ranked, limits::locate_roster_max + 1)))));
    const auto holder = field(3, field(1, peer));
    CHECK(body_decodes(28, join(content, field(2, repeat(holder, limits::locate_holders_max)))));
    CHECK_FALSE(body_decodes(28, join(content, field(2, repeat(holder, limits::locate_holders_max + 1)))));
    CHECK(body_decodes(28, join(content, field(2, join(ranked, field(3, field(2, 1)))))));
    CHECK_FALSE(body_decodes(28, join(content, field(2, join(ranked, field(3, field(2, 2)))))));
    CHECK(body_decodes(24, repeat(field(2, bytes{}), limits::message_settings_max)));
    CHECK_FALSE(body_decodes(24, repeat(field(2, bytes{}), limits::message_settings_max + 1)));
    CHECK(body_decodes(92, repeat(field(1, bytes{}), limits::message_rows_max)));
    CHECK_FALSE(body_decodes(92, repeat(field(1, bytes{}), limits::message_rows_max + 1)));
}

TEST_CASE("a body that is there in pieces is no larger than one in a piece", "[wire][hostile]") {
    const auto content = field(1, join(field(1, join(field(1, std::string_view("app")), field(2, 1), field(3, digest_bytes)))));
    const auto piece = [&](std::size_t size) { return field(28, join(content, field(15, std::string(size, 'x')))); };  // a field of a newer program
    CHECK(decode_body(piece(60'000)).has_value());
    CHECK_FALSE(decode_body(piece(70'000)).has_value());
    CHECK(decode_body(join(piece(30'000), piece(30'000))).has_value());
    CHECK_FALSE(decode_body(join(piece(40'000), piece(40'000))).has_value());
}

TEST_CASE("messages without a body are acknowledgements and nothing else", "[wire]") {
    CHECK(decode_message(encode(message{0, 5, false, {}})));
    CHECK_FALSE(decode_message(encode(message{0, 0, false, {}})));
    CHECK_FALSE(decode_message(encode(message{0, 0, true, ping{}})));
    CHECK_FALSE(decode_body(bytes{}));
    CHECK_FALSE(body_decodes(9999, bytes{}));  // a message of a newer version
    CHECK(std::string(name_of(message_body{})) == "acknowledgement");
    CHECK(std::string(name_of(register_request{})) == "register_request");
}

TEST_CASE("a body of a newer program can be told from a malformed one", "[wire][REQ-MSG-6]") {
    const message unknown{7, 0, true, {}};
    CHECK(decode_message(encode(unknown)).value() == unknown);
    auto newer = encode(unknown);
    REQUIRE(newer.back() == 0);  // the empty body's length
    newer.back() = 4;
    for (const auto byte : {0xba, 0x3e, 0x01, 0x78}) newer.push_back(static_cast<std::uint8_t>(byte));  // field 999, a string
    const auto decoded = decode_message(newer);
    REQUIRE(decoded);
    CHECK(*decoded == unknown);
    newer[newer.size() - 4] = 0x0a;  // field 1, error_reply, malformed
    CHECK_FALSE(decode_message(newer));
}

TEST_CASE("an unknown error code still shows its sentence", "[wire][REQ-MSG-6]") {
    const auto body = decode_body(field(1, join(field(1, 999), field(2, std::string_view("because")))));
    REQUIRE(body);
    CHECK(std::get<error_reply>(*body) == error_reply{errc::refused, "because"});
}

TEST_CASE("our own sentences never make a message unreadable", "[wire]") {
    const auto sent = [](std::string text) {
        const auto body = decode_body(encode_body(error_reply{errc::io_failed, std::move(text)}));
        REQUIRE(body);
        return std::get<error_reply>(*body).text;
    };
    CHECK(sent("caf\xe9") == "caf?");
    const std::string euro = "\xe2\x82\xac";
    std::string longer(limits::message_text_bytes_max - 1, 'x');
    CHECK(sent(longer + euro) == longer);
    CHECK(sent(std::string(5000, 'y')) == std::string(limits::message_text_bytes_max, 'y'));
}

TEST_CASE("flow ranges that overflow, overlap or are too many are refused", "[wire][hostile]") {
    const auto wanted = [](std::initializer_list<std::uint64_t> values) { return feedback_decodes(field(2, packed(values))); };
    CHECK(wanted({0, 1}));
    CHECK_FALSE(wanted({0}));
    CHECK_FALSE(wanted({0, 0}));
    CHECK_FALSE(wanted({1, 5}));  // zigzag: first = -1
    CHECK(wanted({0, flow_object_bytes_max}));
    CHECK_FALSE(wanted({0, flow_object_bytes_max + 1}));
    CHECK_FALSE(wanted({2, flow_object_bytes_max}));
    CHECK_FALSE(wanted({4, UINT64_MAX}));

    const auto acknowledged = [](std::uint64_t largest, std::initializer_list<std::uint64_t> values) {
        return feedback_decodes(join(field(1, packed({0, 0, largest})), field(3, packed(values))));
    };
    CHECK(acknowledged(9, {0, 10}));
    CHECK_FALSE(acknowledged(9, {0, 11}));
    CHECK_FALSE(acknowledged(9, {1, 10}));
    CHECK_FALSE(acknowledged(9, {0, 0}));
    CHECK_FALSE(acknowledged(9, {0, 5, 0}));
    CHECK(acknowledged(9, {0, 5, 1, 4}));
    CHECK_FALSE(acknowledged(9, {0, 5, 1, 5}));
    CHECK_FALSE(acknowledged(9, {UINT64_MAX, 2}));
    CHECK(acknowledged(UINT32_MAX, {0, std::uint64_t{1} << 32}));
    CHECK_FALSE(acknowledged(std::uint64_t{1} << 32, {0, 1}));

    bytes many;
    for (std::size_t i = 0; i < flow_ranges_max; ++i) many = join(many, packed({2, 1}));
    CHECK(feedback_decodes(field(2, many)));
    CHECK_FALSE(feedback_decodes(field(2, join(many, packed({2, 1})))));
    // Numbers of a newer version behind the known ones are skipped.
    CHECK(feedback_decodes(field(1, packed({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}))));
    CHECK_FALSE(feedback_decodes(field(1, packed({0, 0, 0, 0, 0, 0, UINT64_MAX - 1}))));
}

TEST_CASE("flow signals outside their ranges are refused", "[wire][hostile]") {
    const auto open = [](const bytes& more) { return decode_flow_control(field(2, join(more))).has_value(); };
    bytes token = varint(1 << 3 | 1);
    token.resize(token.size() + 8);
    CHECK(open(join(token, field(5, 1200))));
    CHECK_FALSE(open(field(5, 1200)));
    CHECK_FALSE(open(join(token, field(5, 511))));
    CHECK_FALSE(open(join(token, field(5, 65'536))));
    CHECK_FALSE(open(join(token, field(5, 1200), field(3, 2))));
    CHECK_FALSE(open(join(token, field(5, 1200), field(6, std::string(flow_status_bytes_max + 1, 's')))));
    CHECK(open(join(token, field(5, 1200), field(6, std::string(flow_status_bytes_max, 's')))));
    CHECK(decode_flow_control(field(3, field(1, flow_object_bytes_max))));
    CHECK_FALSE(decode_flow_control(field(3, field(1, flow_object_bytes_max + 1))));
    CHECK_FALSE(decode_flow_control(bytes{}));
}

TEST_CASE("empty and surplus ranges are left out", "[wire]") {
    flow_feedback feedback;
    feedback.largest_packet = 100;
    feedback.wanted.assign(flow_ranges_max + 5, {10, 2});
    feedback.wanted.front() = {3, 0};
    feedback.acknowledged = {{100, 1}, {90, 0}, {50, 10}};
    const auto decoded = decode_flow_control(encode(flow_control{1, true, feedback}));
    REQUIRE(decoded);
    const auto& out = std::get<flow_feedback>(decoded->signal);
    CHECK(out.wanted == std::vector<index_range>(flow_ranges_max, {10, 2}));
    CHECK(out.acknowledged == std::vector<index_range>{{100, 1}, {50, 10}});
}
