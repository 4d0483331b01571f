#include <catch2/catch.hpp>

#include "p2pdist/base/amount.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

TEST_CASE("sizes are whole numbers with a unit", "[base]") {
    CHECK(parse_size("1") == 1u);
    CHECK(parse_size("512 B") == 512u);
    CHECK(parse_size("3KiB") == 3072u);
    CHECK(parse_size("2 GiB") == std::uint64_t{2} << 30);
    CHECK(parse_size("1024 TiB") == std::uint64_t{1} << 50);
    for (const auto* text : {"", "0", "-1", "1.5 GiB", "1 GB", "KiB", " 1", "1 KiB ", "1025 TiB", "99999999999999999999"}) {
        INFO(text);
        CHECK_FALSE(parse_size(text));
    }
}

TEST_CASE("times are whole numbers with a unit", "[base]") {
    CHECK(parse_duration("90") == 90s);
    CHECK(parse_duration("2 h") == 2h);
    CHECK(parse_duration("366d") == 366 * 24h);
    for (const auto* text : {"", "0s", "1 week", "367 d", "1h30m"}) {
        INFO(text);
        CHECK_FALSE(parse_duration(text));
    }
}
