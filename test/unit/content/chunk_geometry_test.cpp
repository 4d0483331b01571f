#include "p2pdist/content/chunk_geometry.hpp"

#include <catch2/catch.hpp>

#include "content_test_support.hpp"

using namespace p2pdist;

TEST_CASE("sizes around a chunk have the chunks and depth they should", "[REQ-XFER-4]") {
    struct expectation {
        std::uint64_t size;
        chunk_index chunks;
        unsigned depth;
    };
    const auto expected = GENERATE(expectation{0, 0, 0}, expectation{1, 1, 0}, expectation{chunk_bytes - 1, 1, 0}, expectation{chunk_bytes, 1, 0},
                                   expectation{chunk_bytes + 1, 2, 1}, expectation{4 * chunk_bytes, 4, 2}, expectation{4 * chunk_bytes + 1, 5, 3},
                                   expectation{100'000'000'000, 381470, 19}, expectation{limits::content_bytes_max, 1u << 26, 26});
    const chunk_geometry geometry(expected.size);
    CHECK(geometry.chunk_count() == expected.chunks);
    CHECK(geometry.depth() == expected.depth);
    if (expected.chunks == 0) {
        CHECK(geometry.object_bytes() == 0);
        CHECK(geometry.node_count() == 0);
        return;
    }
    CHECK(geometry.chunk(expected.chunks - 1).end() == expected.size);
    CHECK(geometry.object_bytes() == geometry.region(expected.chunks - 1).end());
    CHECK(geometry.node_number(geometry.depth(), 0) + 1 == geometry.node_count());
}

TEST_CASE("regions of the proven object neither overlap nor leave their stride", "[REQ-XFER-4]") {
    for (std::uint64_t chunks = 1; chunks < 70; ++chunks) {
        const chunk_geometry geometry(chunks * chunk_bytes - 3);
        std::uint64_t content_bytes = 0;
        for (chunk_index index = 0; index < geometry.chunk_count(); ++index) {
            const auto region = geometry.region(index);
            REQUIRE(region.offset == index * geometry.stride());
            REQUIRE(region.length == geometry.proof_bytes(index) + geometry.chunk(index).length);
            REQUIRE(region.length <= geometry.stride());
            REQUIRE(geometry.path_length(index) <= geometry.depth());
            REQUIRE(geometry.chunk_at_object_offset(region.offset) == index);
            REQUIRE(geometry.chunk_at_object_offset(region.end() - 1) == index);
            content_bytes += geometry.chunk(index).length;
        }
        REQUIRE(content_bytes == geometry.size_bytes());
        REQUIRE(geometry.path_length(0) == geometry.depth());
        REQUIRE(geometry.chunk_at_object_offset(geometry.stride() * chunks) == geometry.chunk_count());
    }
}

TEST_CASE("a content larger than the limit or without an id is refused", "[REQ-CLI-6]") {
    auto content = test::sample(1).info;
    CHECK(check(content));
    content.size_bytes = limits::content_bytes_max;
    CHECK(check(content));
    ++content.size_bytes;
    CHECK(check(content).error().code == errc::invalid_argument);
    CHECK(check(content_info{}).error().code == errc::invalid_argument);
    CHECK(default_content_id(content.hash).text() == to_hex(content.hash.value));
}
