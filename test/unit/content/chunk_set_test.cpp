#include "p2pdist/content/chunk_set.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "content_test_support.hpp"

using namespace p2pdist;

namespace {

/// A random set beside the obvious model of it.
struct pair_of_sets {
    chunk_set set;
    std::set<chunk_index> model;
};

pair_of_sets random_set(chunk_index size, random_source& random, double density) {
    pair_of_sets made{chunk_set(size), {}};
    for (chunk_index index = 0; index < size; ++index) {
        if (random.unit() >= density) continue;
        made.set.insert(index);
        made.model.insert(index);
    }
    return made;
}

}  // namespace

TEST_CASE("a chunk set is the set it says it is", "[REQ-CLI-4]") {
    random_source random(7);
    for (int round = 0; round < 300; ++round) {
        const auto size = static_cast<chunk_index>(random.below(200));
        auto [set, model] = random_set(size, random, random.unit());
        const auto [other, other_model] = random_set(size, random, random.unit());
        if (size > 0) {
            const auto first = static_cast<chunk_index>(random.below(size));
            const auto count = static_cast<chunk_index>(random.below(size - first + 1));
            const bool add = random.below(2) == 0;
            if (add) set.insert(chunk_range{first, count});
            else set.erase(chunk_range{first, count});
            for (auto index = first; index < first + count; ++index) add ? (void)model.insert(index) : (void)model.erase(index);
        }
        REQUIRE(set.count() == model.size());
        REQUIRE(set.full() == (model.size() == size));
        chunk_index both = 0;
        for (chunk_index index = 0; index < size; ++index) {
            const bool here = model.contains(index), there = other_model.contains(index);
            both += here && there;
            REQUIRE(set.contains(index) == here);
            REQUIRE((set | other).contains(index) == (here || there));
            REQUIRE((set & other).contains(index) == (here && there));
            REQUIRE((set - other).contains(index) == (here && !there));
            REQUIRE(set.complement().contains(index) == !here);
            const auto next = model.lower_bound(index);
            REQUIRE(set.first_present(index) == (next == model.end() ? std::nullopt : std::optional(*next)));
            REQUIRE(set.first_outside(other, index) == (set - other).first_present(index));
        }
        REQUIRE(set.first_outside(other, size) == std::nullopt);
        REQUIRE(set.common(other) == both);
        REQUIRE(set.intersects(other) == (both > 0));
        REQUIRE((set & other).is_subset_of(set));
        REQUIRE(set.is_subset_of(other) == (both == set.count()));
        chunk_set rebuilt(size), filled(size);
        for (const auto& range : set.ranges()) rebuilt.insert(range);
        for (const auto& range : set.missing_ranges()) filled.insert(range);
        REQUIRE(rebuilt == set);
        REQUIRE(filled == set.complement());
        REQUIRE(chunk_set::decode(size, set.encode()).value() == set);
    }
}

TEST_CASE("the bytes of a set count a short last chunk as it is", "[REQ-OBS-1]") {
    const chunk_geometry geometry(2 * chunk_bytes + 5);
    chunk_set set(3);
    CHECK(set.content_bytes(geometry) == 0);
    set.insert(2);
    CHECK(set.content_bytes(geometry) == 5);
    CHECK(chunk_set(3, true).content_bytes(geometry) == geometry.size_bytes());
    CHECK(chunk_set(0, true).content_bytes(chunk_geometry(0)) == 0);
}

TEST_CASE("a full set of many chunks takes a few bytes, any set no more than a bitmap", "[REQ-CLI-4]") {
    CHECK(chunk_set(400'000, true).encode().size() <= 6);
    CHECK(chunk_set(400'000).encode().size() <= 6);
    chunk_set every_second(400'000);
    for (chunk_index index = 0; index < every_second.chunk_count(); index += 2) every_second.insert(index);
    CHECK(every_second.encode().size() == 1 + 400'000 / 8);
    CHECK(chunk_set::decode(400'000, every_second.encode()).value() == every_second);
    CHECK(every_second.ranges(3).size() == 3);
}

TEST_CASE("hostile bytes never make a set with a chunk too many", "[REQ-SEC-2]") {
    random_source random(3);
    for (int round = 0; round < 20000; ++round) {
        const auto size = static_cast<chunk_index>(random.below(70));
        auto raw = random_set(size, random, 0.5).set.encode();
        for (auto flips = random.below(3); flips-- > 0;) raw[random.below(raw.size())] ^= static_cast<std::uint8_t>(random());
        if (random.below(4) == 0) raw.resize(random.below(12));
        const auto decoded = chunk_set::decode(size, raw);
        if (!decoded) continue;
        REQUIRE(decoded->chunk_count() == size);
        REQUIRE(decoded->count() <= size);
        REQUIRE(decoded->complement().count() == size - decoded->count());
    }
    const bytes behind_end{0, 3, 9}, cut_off{0, 0x80}, overlong{0, 0x81, 0x00, 1}, wrong_bitmap{1, 0xff, 0xff};
    CHECK_FALSE(chunk_set::decode(10, behind_end));
    CHECK_FALSE(chunk_set::decode(100, cut_off));
    CHECK_FALSE(chunk_set::decode(100, overlong));
    CHECK_FALSE(chunk_set::decode(10, wrong_bitmap));
    CHECK_FALSE(chunk_set::decode(10, {}));
}
