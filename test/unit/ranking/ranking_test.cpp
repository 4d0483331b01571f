#include "p2pdist/ranking/ranking.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <system_error>
#include <type_traits>

#include "p2pdist/base/random.hpp"
#include "p2pdist/base/result.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

client_id id_of(std::uint8_t last) {
    client_id id;
    id.value.back() = last;
    return id;
}

/// A device that loses every criterion to any other.
device_profile worst() {
    device_profile out;
    out.model = device_model::laptop;
    out.os = os_kind::workstation;
    return out;
}

struct improvement {
    std::string criterion;
    std::function<void(device_profile&)> apply;
};

/// In the order of the requirements: what wins each criterion.
const std::vector<improvement> improvements{
    {"free_storage", [](device_profile& profile) { profile.free_storage_bytes = 7 * gib; }},
    {"preferred", [](device_profile& profile) { profile.preferred = true; }},
    {"device_model", [](device_profile& profile) { profile.model = device_model::desktop; }},
    {"os_kind", [](device_profile& profile) { profile.os = os_kind::server; }},
    {"uptime", [](device_profile& profile) { profile.uptime = 9h; }},
    {"usable_storage", [](device_profile& profile) { profile.usable_storage_bytes = 3 * gib; }},
};

/// Values close together, so that every criterion meets ties.
candidate random_candidate(random_source& random, std::uint8_t id) {
    candidate out;
    out.id = id_of(id);
    out.profile.free_storage_bytes = random.below(3) * gib + random.below(2) * 1000;
    out.profile.usable_storage_bytes = random.below(3) * gib + random.below(2) * 1000;
    out.profile.preferred = random.below(2) != 0;
    out.profile.model = random.below(2) != 0 ? device_model::desktop : device_model::laptop;
    out.profile.os = random.below(2) != 0 ? os_kind::server : os_kind::workstation;
    out.profile.uptime = std::chrono::minutes(random.below(150));
    return out;
}

std::vector<candidate> random_candidates(random_source& random, std::uint8_t count) {
    std::vector<candidate> out;
    for (std::uint8_t i = 0; i < count; ++i) out.push_back(random_candidate(random, i));
    return out;
}

}  // namespace

TEST_CASE("Each criterion decides, over all that follow it", "[REQ-RANK-1][REQ-RANK-2][REQ-RANK-3][REQ-RANK-4][REQ-RANK-5][REQ-RANK-6]") {
    const auto order = ranking::standard();
    for (std::size_t i = 0; i < improvements.size(); ++i) {
        CAPTURE(improvements[i].criterion);
        candidate better{id_of(9), worst()};
        candidate other{id_of(1), worst()};
        improvements[i].apply(better.profile);
        for (auto k = i + 1; k < improvements.size(); ++k) improvements[k].apply(other.profile);
        CHECK((order.compare(better, other) < 0));
        CHECK((order.compare(other, better) > 0));
        CHECK(order.explain(other, better).criterion == improvements[i].criterion);
        CHECK(order.explain(other, better).winner == better.id);
        CHECK(order.criteria()[i].name == improvements[i].criterion);
    }
}

TEST_CASE("After all criteria the smaller client id decides", "[REQ-RANK-7]") {
    const auto order = ranking::standard();
    const candidate first{id_of(1), worst()};
    const candidate second{id_of(2), worst()};
    CHECK((order.compare(first, second) < 0));
    CHECK((order.compare(second, first) > 0));
    CHECK((order.compare(first, first) == 0));
    const auto why = order.explain(second, first);
    CHECK(why.criterion == "client_id");
    CHECK(why.winner == first.id);
    CHECK(why.winner_value == first.id.to_string());
    CHECK(why.loser_value == second.id.to_string());
}

TEST_CASE("Continuous criteria compare whole steps", "[REQ-RANK-7]") {
    const auto compare = []<class Value>(const criterion& each, Value device_profile::*member, std::type_identity_t<Value> left,
                                         std::type_identity_t<Value> right) {
        device_profile a;
        device_profile b;
        a.*member = left;
        b.*member = right;
        return each.compare(a, b);
    };
    const auto free = most_free_storage(100);
    CHECK((compare(free, &device_profile::free_storage_bytes, 100, 199) == 0));
    CHECK((compare(free, &device_profile::free_storage_bytes, 200, 199) < 0));
    CHECK((compare(free, &device_profile::free_storage_bytes, 99, 100) > 0));
    CHECK((compare(free, &device_profile::free_storage_bytes, UINT64_MAX, 0) < 0));
    const auto usable = most_usable_storage(0);  // counts as 1
    CHECK((compare(usable, &device_profile::usable_storage_bytes, 1, 2) > 0));
    CHECK((compare(usable, &device_profile::usable_storage_bytes, 2, 2) == 0));
    const auto uptime = longest_uptime(1h);
    CHECK((compare(uptime, &device_profile::uptime, duration(119min), duration(60min)) == 0));
    CHECK((compare(uptime, &device_profile::uptime, duration(120min), duration(119min)) < 0));
    CHECK((compare(uptime, &device_profile::uptime, duration(-5h), duration(0h)) == 0));
    CHECK((compare(longest_uptime(0h), &device_profile::uptime, duration(2ns), duration(1ns)) < 0));

    ranking_steps coarse;
    coarse.free_storage_bytes = 10 * gib;
    candidate less{id_of(1), worst()};
    candidate more{id_of(2), worst()};
    more.profile.free_storage_bytes = 5 * gib;
    CHECK((ranking::standard().compare(more, less) < 0));
    CHECK((ranking::standard(coarse).compare(less, more) < 0));
}

TEST_CASE("The ranking is a strict weak ordering", "[REQ-RANK-7][property]") {
    const auto order = ranking::standard();
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        random_source random(seed);
        const auto all = random_candidates(random, 14);
        for (const auto& a : all) {
            REQUIRE((order.compare(a, a) == 0));
            for (const auto& b : all) {
                REQUIRE((order.compare(a, b) < 0) == (order.compare(b, a) > 0));
                if (a.id != b.id) REQUIRE((order.compare(a, b) != 0));  // every node computes the same order
                for (const auto& c : all) {
                    if (order.compare(a, b) < 0 && order.compare(b, c) < 0) REQUIRE((order.compare(a, c) < 0));
                }
            }
        }
    }
}

TEST_CASE("The same devices give the same order however they came", "[REQ-RANK-7][property]") {
    const auto order = ranking::standard();
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        random_source random(seed);
        auto all = random_candidates(random, 30);
        auto shuffled = all;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        order.sort(all);
        order.sort(shuffled);
        REQUIRE(all == shuffled);
        for (std::size_t i = 1; i < all.size(); ++i) REQUIRE((order.compare(all[i - 1], all[i]) < 0));
    }
}

TEST_CASE("An explanation agrees with the comparison", "[REQ-RANK-7][property]") {
    const auto order = ranking::standard();
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        random_source random(seed);
        const auto a = random_candidate(random, 1);
        const auto b = random_candidate(random, 2);
        const auto why = order.explain(a, b);
        REQUIRE(why == order.explain(b, a));
        REQUIRE(why.winner == (order.compare(a, b) < 0 ? a.id : b.id));
        REQUIRE(why.loser == (order.compare(a, b) < 0 ? b.id : a.id));
        // No criterion before the named one tells them apart, and the named one does.
        for (const auto& each : order.criteria()) {
            if (each.name == why.criterion) {
                REQUIRE((each.compare(a.profile, b.profile) != 0));
                break;
            }
            REQUIRE((each.compare(a.profile, b.profile) == 0));
        }
    }
}

TEST_CASE("An explanation shows what was compared", "[REQ-RANK-7]") {
    const auto order = ranking::standard();
    candidate a{id_of(1), worst()};
    candidate b{id_of(2), worst()};
    a.profile.free_storage_bytes = 120 * gib + gib / 2;
    b.profile.free_storage_bytes = 1000;
    CHECK(order.explain(a, b).winner_value == "120.50 GiB");
    CHECK(order.explain(a, b).loser_value == "1000 B");
    CHECK(order.explain(b, a).to_string() == a.id.to_string() + " before " + b.id.to_string() + ": free_storage 120.50 GiB, 1000 B");
    b.profile = a.profile;
    b.profile.uptime = 76h + 5min;
    CHECK(order.explain(a, b).winner_value == "3 d 4 h 5 min");
    CHECK(order.explain(a, b).loser_value == "0 min");
    a.profile.free_storage_bytes = UINT64_MAX;
    CHECK(order.explain(a, b).winner_value == "15.99 EiB");
}

TEST_CASE("An embedder removes, reorders, replaces and adds criteria", "[REQ-RANK-7]") {
    candidate roomy{id_of(2), worst()};
    candidate chosen{id_of(1), worst()};
    roomy.profile.free_storage_bytes = 50 * gib;
    chosen.profile.preferred = true;
    CHECK((ranking::standard().compare(roomy, chosen) < 0));

    auto criteria = standard_criteria();
    std::swap(criteria[0], criteria[1]);
    CHECK((ranking(criteria).compare(chosen, roomy) < 0));
    CHECK(ranking(criteria).explain(chosen, roomy).criterion == "preferred");

    criteria = standard_criteria();
    criteria.erase(criteria.begin());
    CHECK((ranking(criteria).compare(chosen, roomy) < 0));

    criteria = standard_criteria();
    criteria[0] = {
        "newest_profile",
        [](const device_profile& left, const device_profile& right) -> std::weak_ordering { return right.version <=> left.version; },
        [](const device_profile& profile) { return std::to_string(profile.version); }};
    chosen.profile.version = 4;
    CHECK(ranking(criteria).explain(roomy, chosen).criterion == "newest_profile");
    CHECK(ranking(criteria).explain(roomy, chosen).winner_value == "4");

    criteria.front().describe = nullptr;
    CHECK(ranking(criteria).explain(roomy, chosen).winner_value == "?");

    CHECK((ranking({}).compare(chosen, roomy) < 0));
    CHECK(ranking({}).explain(roomy, chosen).criterion == "client_id");
}

TEST_CASE("a criterion without a name or a function is refused", "[REQ-RANK-7]") {
    const auto equal = [](const device_profile&, const device_profile&) { return std::weak_ordering::equivalent; };
    for (const auto& wrong : {criterion{}, criterion{"nameless", {}, {}}, criterion{"", equal, {}}}) {
        try {
            const ranking order({wrong});
            FAIL("accepted");
        } catch (const std::system_error& why) {
            CHECK(why.code() == errc::invalid_argument);
        }
    }
    CHECK_NOTHROW(ranking({{"all alike", equal, {}}}));
}
