// Ids, contents, results, errors, randomness, logging.

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/base/random.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

TEST_CASE("Client ids are 32 hexadecimal digits", "[base]") {
    const auto id = client_id::parse("000102030405060708090a0b0c0d0eFF");
    REQUIRE(id);
    CHECK(id->to_string() == "000102030405060708090a0b0c0d0eff");
    CHECK(client_id::parse(id->to_string()) == id);
    CHECK(client_id{} < *id);
    for (const auto text : {"", "00", "000102030405060708090a0b0c0d0e0g", "000102030405060708090a0b0c0d0e0f00"})
        CHECK_FALSE(client_id::parse(text));
}

TEST_CASE("Content ids are what can stand in a URL and as a file's name", "[REQ-CLI-6][limits]") {
    using namespace std::string_literals;
    for (const auto& text :
         {"a"s, "office-2026.1 (x64).msi"s, "..."s, ".hidden"s, "Z\xc3\xbcrich"s, std::string(limits::content_id_bytes_max, 'x')}) {
        const auto id = content_id::parse(text);
        REQUIRE(id);
        CHECK(id->text() == text);
        CHECK_FALSE(id->empty());
    }
    for (const auto& text :
         {""s, "."s, ".."s, "a/b"s, "a\\b"s, "a\nb"s, "a\0b"s, "\x7f"s, "\xff"s, std::string(limits::content_id_bytes_max + 1, 'x')}) {
        const auto refused = content_id::parse(text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
    }
    CHECK(content_id().empty());
}

TEST_CASE("Content hashes have typed text", "[REQ-XFER-4]") {
    content_hash hash;
    hash.value.back() = 0xab;
    const auto text = "sha256-tree:" + std::string(62, '0') + "ab";
    CHECK(hash.to_string() == text);
    CHECK(content_hash::parse(text).value() == hash);
    hash.kind = hash_kind::sha256;
    CHECK(content_hash::parse("sha256:" + std::string(62, '0') + "AB").value() == hash);
    for (const auto& bad :
         {std::string(), std::string("sha256:"), std::string("md5:") + std::string(64, '0'), "sha256:" + std::string(63, '0'),
          "sha256:" + std::string(66, '0'), "sha256:" + std::string(63, '0') + "g", std::string(64, '0')}) {
        REQUIRE_FALSE(content_hash::parse(bad));
        CHECK(content_hash::parse(bad).error().code == errc::malformed);
    }
}

TEST_CASE("A result is a value or an error", "[base]") {
    const result<int> good = 5;
    const result<int> bad{errc::not_found, "no such row"};
    CHECK((good && good.has_value() && *good == 5 && good.value() == 5));
    CHECK_FALSE(bad);
    CHECK(bad.error() == error{errc::not_found, "no such row"});
    CHECK_THROWS_AS(bad.value(), std::system_error);
    result<std::unique_ptr<int>> moved = std::make_unique<int>(7);
    const auto out = *std::move(moved);
    CHECK(*out == 7);
    CHECK(result<void>());
    const result<void> failed{errc::no_space, "full"};
    CHECK_FALSE(failed);
    CHECK_THROWS_AS(failed.value(), std::system_error);
    const result<std::string> text = std::string("abc");
    CHECK(text->size() == 3);
}

TEST_CASE("Errors are error codes of our category", "[base]") {
    const std::error_code code = errc::not_activated;
    CHECK(code.category() == error_category());
    CHECK(std::string(code.category().name()) == "p2pdist");
    CHECK(code == errc::not_activated);
    CHECK(code != errc::no_space);
    std::set<std::string> sentences;
    for (int value = static_cast<int>(errc::invalid_argument); value <= static_cast<int>(errc::refused); ++value) {
        sentences.insert(error_category().message(value));
    }
    CHECK(sentences.size() == static_cast<std::size_t>(errc::refused));
    CHECK_FALSE(sentences.contains(error_category().message(0)));
}

TEST_CASE("Random numbers repeat with their seed", "[base]") {
    random_source a(1);
    random_source b(1);
    random_source c(2);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const auto value = a();
        REQUIRE(value == b());
        differs = differs || value != c();
    }
    CHECK(differs);
    // xoshiro256** over splitmix64 of 0: the same on every machine and in every version.
    CHECK(random_source(0)() == 0x99ec5f36cb75f2b4);
}

TEST_CASE("Random numbers are spread over their range", "[base][property]") {
    random_source random(3);
    std::map<std::uint64_t, int> counts;
    for (int i = 0; i < 7000; ++i) ++counts[random.below(7)];
    CHECK(counts.size() == 7);
    for (const auto& [value, count] : counts) {
        CHECK(value < 7);
        CHECK(count > 850);
        CHECK(count < 1150);
    }
    CHECK(random.below(0) == 0);
    CHECK(random.below(1) == 0);
    double low = 1;
    double high = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto unit = random.unit();
        REQUIRE((unit >= 0 && unit < 1));
        low = std::min(low, unit);
        high = std::max(high, unit);
        const auto jittered = random.jittered(100ms, 0.2);
        REQUIRE((jittered >= 80ms && jittered <= 120ms));
    }
    CHECK(low < 0.05);
    CHECK(high > 0.95);
    CHECK(random.jittered(100ms, 0) == 100ms);
}

TEST_CASE("A log sink passes on what reaches its level", "[REQ-OBS-1]") {
    std::vector<std::string> lines;
    const log_sink sink(log_level::warning, [&](log_level, std::string_view line) { lines.emplace_back(line); });
    CHECK_FALSE(sink.wants(log_level::info));
    sink(log_level::info, "a=1");
    sink(log_level::warning, "b=2");
    sink(log_level::error, "c=3");
    CHECK(lines == std::vector<std::string>{"b=2", "c=3"});
    CHECK_FALSE(log_sink().wants(log_level::error));
    log_sink()(log_level::error, "nobody listens");
}
