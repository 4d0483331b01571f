#include <catch2/catch.hpp>

#include "p2pdist/base/amount.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

TEST_CASE("sizes are numbers with a unit", "[base]") {
    CHECK(parse_size("1") == 1u);
    CHECK(parse_size("512 B") == 512u);
    CHECK(parse_size("3KiB") == 3072u);
    CHECK(parse_size("2 GiB") == std::uint64_t{2} << 30);
    CHECK(parse_size("1024 TiB") == std::uint64_t{1} << 50);
    CHECK(parse_size("500MB") == 500'000'000u);
    CHECK(parse_size("1.5 GiB") == std::uint64_t{3} << 29);
    CHECK(parse_size("4M") == 4u << 20);
    CHECK(parse_size("9007199254740993", 0, INT64_MAX) == 9007199254740993u);  // no double
    CHECK(parse_size("0", 0) == 0u);
    for (const auto* text : {"", "0", "0.4", "-1", "+1", "1e3", "0x10", "1.", ".5", "1.5.2", "1 XB", "KiB", " 1", "1 KiB ", "1025 TiB",
                             "99999999999999999999", "1.99999999999999999999999999999999999e9", "nan", "inf", "1.nan"}) {
        INFO(text);
        CHECK_FALSE(parse_size(text));
    }
}

TEST_CASE("times are numbers with a unit", "[base]") {
    CHECK(parse_duration("90") == 90s);
    CHECK(parse_duration("2 h") == 2h);
    CHECK(parse_duration("366d") == 366 * 24h);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration("1500 ms") == 1500ms);
    CHECK(parse_duration("2w") == 336h);
    CHECK(parse_duration("0", 0s) == 0s);
    for (const auto* text : {"", "0s", "999 ms", "1 week", "367 d", "1h30m", "-5s"}) {
        INFO(text);
        CHECK_FALSE(parse_duration(text));
    }
}
