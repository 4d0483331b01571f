#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

#include "random_value.hpp"
#include "samples.hpp"

using namespace p2pdist;

namespace {

std::string golden_path(const std::string& name) { return std::string(P2PDIST_TEST_DIR) + "/golden/wire/" + name + ".hex"; }

/// The bytes of a golden file: hexadecimal, 32 bytes a line.
bytes golden(const std::string& name) {
    std::ifstream file(golden_path(name));
    INFO("golden file of " << name << "; the test [.golden-write] writes it");
    REQUIRE(file);
    std::string digits, line;
    while (std::getline(file, line)) digits += line;
    const auto data = from_hex(digits);
    REQUIRE(data);
    return *data;
}

void write_golden(const std::string& name, const bytes& data) {
    std::ofstream file(golden_path(name));
    REQUIRE(file);
    for (std::size_t at = 0; at < data.size(); at += 32) file << to_hex(byte_span(data).subspan(at, std::min<std::size_t>(32, data.size() - at))) << '\n';
}

/// Whatever these bytes are: if they decode, then to something that its own encoding stands for.
template <class Decode>
void check_stable(byte_span data, Decode decode) {
    const auto value = decode(data);
    if (!value) {
        CHECK(value.error().code == errc::malformed);
        return;
    }
    const auto again = decode(encode(*value));
    CHECK((again && *again == *value));
}

template <class Decode>
void attack(const bytes& original, Decode decode) {
    for (std::size_t size = 0; size < original.size(); ++size) check_stable(byte_span(original).first(size), decode);
    auto altered = original;
    for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
        altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ (1u << bit % 8));
        check_stable(altered, decode);
        altered[bit / 8] = original[bit / 8];
    }
}

}  // namespace

TEST_CASE("every message has a sample", "[wire]") {
    std::set<std::size_t> kinds;
    for (const auto& [name, value] : sample_messages()) kinds.insert(value.body.index());
    CHECK(kinds.size() == std::variant_size_v<message_body>);
    kinds.clear();
    for (const auto& [name, value] : sample_flow_controls()) kinds.insert(value.signal.index());
    CHECK(kinds.size() == 5);
}

TEST_CASE("golden files are written", "[.golden-write]") {
    for (const auto& [name, value] : sample_messages()) write_golden(name, encode(value));
    for (const auto& [name, value] : sample_flow_controls()) write_golden(name, encode(value));
}

TEST_CASE("messages and flow signals have the bytes that their golden files hold", "[wire][REQ-MSG-6]") {
    for (const auto& [name, value] : sample_messages()) {
        INFO(name);
        const auto expected = golden(name);
        CHECK(to_hex(encode(value)) == to_hex(expected));
        const auto decoded = decode_message(expected);
        REQUIRE(decoded);
        CHECK(*decoded == value);
    }
    for (const auto& [name, value] : sample_flow_controls()) {
        INFO(name);
        const auto expected = golden(name);
        CHECK(to_hex(encode(value)) == to_hex(expected));
        const auto decoded = decode_flow_control(expected);
        REQUIRE(decoded);
        CHECK(*decoded == value);
    }
}

TEST_CASE("what is sent often is small", "[wire][REQ-MSG-1]") {
    for (const auto& [name, value] : sample_flow_controls()) {
        if (name == "flow_feedback") CHECK(encode(value).size() <= 60);
    }
    for (const auto& [name, value] : sample_messages()) {
        INFO(name << ": " << encode(value).size() << " bytes");
        CHECK(encode(value).size() <= 1156);
        if (name == "locate_reply") CHECK(encode(value).size() < 1000);
        if (name == "heartbeat") CHECK(encode(value).size() < 60);
    }
}

TEST_CASE("encoding and decoding give the same message, whatever its values", "[wire][property]") {
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        random_source random(seed);
        message value;
        random_value::fill(random, value);
        INFO("seed " << seed << ", " << name_of(value.body));
        const auto decoded = decode_message(encode(value));
        REQUIRE(decoded);
        REQUIRE((*decoded == value));
        if (value.body.index() == 0) continue;
        const auto body = decode_body(encode_body(value.body));
        REQUIRE(body);
        REQUIRE((*body == value.body));
    }
}

TEST_CASE("encoding and decoding give the same flow signal, whatever its values", "[wire][property]") {
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        random_source random(seed);
        flow_control value;
        random_value::fill(random, value);
        INFO("seed " << seed << ", signal " << value.signal.index());
        const auto decoded = decode_flow_control(encode(value));
        REQUIRE(decoded);
        REQUIRE((*decoded == value));
    }
}

TEST_CASE("truncated and altered bytes are refused or stand for what they say", "[wire][hostile]") {
    for (const auto& [name, value] : sample_messages()) {
        INFO(name);
        attack(encode(value), decode_message);
    }
    for (const auto& [name, value] : sample_flow_controls()) {
        INFO(name);
        attack(encode(value), decode_flow_control);
    }
}

TEST_CASE("noise is refused or stands for what it says", "[wire][hostile]") {
    random_source random(1);
    for (int round = 0; round < 20'000; ++round) {
        bytes noise(random.below(80));
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        check_stable(noise, decode_message);
        check_stable(noise, decode_flow_control);
    }
}

TEST_CASE("fields of a newer version are skipped", "[wire][REQ-MSG-6]") {
    // Field 2000 as varint, as bytes and as fixed32: key = 2000 << 3 | wire type.
    const bytes unknown{0x80, 0x7d, 0x2a, 0x82, 0x7d, 0x03, 'n', 'e', 'w', 0x85, 0x7d, 1, 2, 3, 4};
    for (const auto& [name, value] : sample_messages()) {
        INFO(name);
        auto data = encode(value);
        data.insert(data.end(), unknown.begin(), unknown.end());
        const auto decoded = decode_message(data);
        REQUIRE(decoded);
        CHECK(*decoded == value);
    }
    for (const auto& [name, value] : sample_flow_controls()) {
        INFO(name);
        auto data = encode(value);
        data.insert(data.end(), unknown.begin(), unknown.end());
        const auto decoded = decode_flow_control(data);
        REQUIRE(decoded);
        CHECK(*decoded == value);
    }
}

TEST_CASE("the documentation names every message and every signal", "[wire][docs]") {
    std::ifstream file(std::string(P2PDIST_TEST_DIR) + "/../docs/messages.md");
    REQUIRE(file);
    std::stringstream text;
    text << file.rdbuf();
    for (const auto& [name, value] : sample_messages()) {
        const std::string kind = name_of(value.body);
        INFO(kind);
        if (value.body.index() != 0) CHECK(text.str().find("| `" + kind + "` |") != std::string::npos);
    }
    for (const auto* signal : {"flow_open", "flow_accept", "flow_feedback", "flow_status", "flow_close"}) {
        INFO(signal);
        CHECK(text.str().find(std::string("| `") + signal + "` |") != std::string::npos);
    }
}
