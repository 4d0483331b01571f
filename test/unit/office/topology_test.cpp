#include "p2pdist/office/topology.hpp"

#include <map>

#include "area_index.hpp"
#include "p2pdist/base/limits.hpp"
#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

office make_office(std::string name, std::string parent, std::vector<office_area> areas, office_type type = office_type::standard) {
    office out;
    out.name = std::move(name);
    out.parent = std::move(parent);
    out.areas = std::move(areas);
    out.type = type;
    return out;
}

/// The slow, obvious way to do what area_index does.
std::optional<office_index> office_of_by_scan(const topology& offices, const ip_address& address) {
    std::optional<office_index> best;
    std::optional<address_range> best_range;
    for (std::uint32_t i = 0; i < offices.size(); ++i) {
        for (const auto& area : offices.offices()[i].areas) {
            const auto candidate = range_of(area);
            if (!candidate.contains(address) || (best_range && !best_range->contains(candidate))) continue;
            best = office_index{i};
            best_range = candidate;
        }
    }
    return best;
}

/// First and last addresses of all areas, and their neighbours.
std::vector<ip_address> edges_of(const topology& offices) {
    std::vector<ip_address> out{ip("0.0.0.0"), ip("255.255.255.255"), ip("::"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")};
    for (const auto& each : offices.offices()) {
        for (const auto& area : each.areas) {
            const auto edges = range_of(area);
            out.insert(out.end(), {edges.first, edges.first.next(), edges.last, edges.last.next()});
            if (edges.first.is_v4()) out.push_back(ip_address::v4(edges.first.v4_value() - 1));
        }
    }
    return out;
}

}  // namespace

TEST_CASE("A client belongs to the office that most specifically contains its address", "[REQ-OFF-1]") {
    const auto offices = valid(topology::make({
        make_office("Central", "", {net("10.0.0.0/8"), net("2001:db8::/32")}),
        make_office("Boston", "Central", {net("10.1.0.0/16")}),
        make_office("Lab", "Boston", {range("10.1.2.3", "10.1.2.9"), net("2001:db8:1::/48")}),
        make_office("Wi-Fi", "Boston", {net("10.1.2.4/30")}, office_type::wifi),
    }));
    CHECK(name_at(offices, "10.0.0.1") == "Central");
    CHECK(name_at(offices, "10.2.0.1") == "Central");
    CHECK(name_at(offices, "10.1.0.0") == "Boston");
    CHECK(name_at(offices, "10.1.2.2") == "Boston");
    CHECK(name_at(offices, "10.1.2.3") == "Lab");
    CHECK(name_at(offices, "10.1.2.4") == "Wi-Fi");
    CHECK(name_at(offices, "10.1.2.7") == "Wi-Fi");
    CHECK(name_at(offices, "10.1.2.8") == "Lab");
    CHECK(name_at(offices, "10.1.2.10") == "Boston");
    CHECK(name_at(offices, "::ffff:10.1.2.3") == "Lab");
    CHECK(name_at(offices, "2001:db8::1") == "Central");
    CHECK(name_at(offices, "2001:db8:1::1") == "Lab");
    CHECK(name_at(offices, "2001:db9::") == "");
    CHECK(name_at(offices, "11.0.0.0") == "");
    CHECK(name_at(offices, "9.255.255.255") == "");
}

TEST_CASE("A client in no office is an office of its own below the central one", "[REQ-OFF-1]") {
    const auto offices = sample();
    const auto stranger = offices.place(ip("172.16.0.1"));
    CHECK_FALSE(stranger.office);
    CHECK(stranger.parent == offices.central());
    CHECK(offices.place(ip("10.1.0.9")) == placement{at(offices, "Boston"), at(offices, "Central")});
    CHECK(offices.place(ip("10.0.0.9")) == placement{offices.central(), std::nullopt});
    CHECK(offices.same_office(ip("10.1.0.9"), ip("10.1.1.10")));
    CHECK_FALSE(offices.same_office(ip("10.1.0.9"), ip("10.1.128.1")));
    CHECK_FALSE(offices.same_office(ip("172.16.0.1"), ip("172.16.0.2")));
    CHECK(offices.same_office(ip("172.16.0.1"), ip("172.16.0.1")));
    CHECK_FALSE(offices.same_office(ip("172.16.0.1"), ip("10.0.0.1")));
    CHECK_FALSE(offices.same_office(ip("10.0.0.1"), ip("172.16.0.1")));
}

TEST_CASE("The hierarchy says who is above whom", "[REQ-OFF-2][REQ-OFF-4]") {
    const auto offices = sample();
    const auto central = at(offices, "Central");
    const auto boston = at(offices, "Boston");
    const auto wifi = at(offices, "Boston Wi-Fi");
    const auto remote = at(offices, "Remote");
    CHECK(offices.size() == 4);
    CHECK(offices.central() == central);
    CHECK_FALSE(offices.parent(central));
    CHECK(offices.parent(wifi) == boston);
    CHECK(offices.children(central) == std::vector{boston, remote});
    CHECK(offices.children(wifi).empty());
    CHECK(offices.path_to_central(wifi) == std::vector{wifi, boston, central});
    CHECK(offices.path_to_central(central) == std::vector{central});
    CHECK(offices.depth(central) == 0);
    CHECK(offices.depth(wifi) == 2);
    CHECK(offices.is_ancestor_or_self(central, wifi));
    CHECK(offices.is_ancestor_or_self(wifi, wifi));
    CHECK_FALSE(offices.is_ancestor_or_self(wifi, boston));
    CHECK_FALSE(offices.is_ancestor_or_self(remote, boston));
    CHECK_FALSE(offices.is_ancestor_or_self(remote, wifi));
    CHECK_FALSE(offices.find("boston"));
    CHECK_FALSE(offices.find(""));
}

TEST_CASE("What an office's clients do follows from its type", "[REQ-OFF-3]") {
    const auto offices = sample();
    const auto wired = at(offices, "Boston");
    const auto vpn = at(offices, "Remote");
    const auto wifi = at(offices, "Boston Wi-Fi");
    CHECK((offices.shares(wired) && offices.broadcasts(wired) && offices.has_rendezvous_point(wired)));
    CHECK((!offices.shares(vpn) && offices.broadcasts(vpn) && !offices.has_rendezvous_point(vpn)));
    CHECK((offices.shares(wifi) && !offices.broadcasts(wifi) && offices.has_rendezvous_point(wifi)));
}

TEST_CASE("Preferred devices are known by address", "[REQ-RANK-2]") {
    const auto offices = sample();
    CHECK(offices.is_preferred(ip("10.0.0.5")));
    CHECK_FALSE(offices.is_preferred(ip("10.0.0.6")));
}

TEST_CASE("Looking an address up agrees with a scan of all areas", "[REQ-OFF-1][property]") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        random_source random(seed);
        const auto offices = random_topology(random, 1 + static_cast<std::uint32_t>(random.below(40)));
        for (const auto& address : edges_of(offices)) {
            CAPTURE(address);
            REQUIRE(offices.office_of(address) == office_of_by_scan(offices, address));
        }
        for (int i = 0; i < 200; ++i) {
            const auto address = ip_address::v4((10u << 24) + static_cast<std::uint32_t>(random.below(50 << 10)));
            REQUIRE(offices.office_of(address) == office_of_by_scan(offices, address));
        }
    }
}

TEST_CASE("Areas at the ends of the address families are found", "[REQ-OFF-1]") {
    const auto offices = valid(topology::make({
        make_office("Central", "", {net("0.0.0.0/0"), net("::/0")}),
        make_office("Top", "Central", {net("255.255.255.0/24"), net("ffff::/16")}),
        make_office("Bottom", "Central", {net("0.0.0.0/24"), net("::/64")}),
    }));
    CHECK(name_at(offices, "255.255.255.255") == "Top");
    CHECK(name_at(offices, "0.0.0.0") == "Bottom");
    CHECK(name_at(offices, "::") == "Bottom");
    CHECK(name_at(offices, "0:0:0:1::") == "Central");
    CHECK(name_at(offices, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == "Top");
    CHECK(name_at(offices, "10.0.0.0") == "Central");

    const auto only_v4 = valid(topology::make({make_office("Central", "", {net("255.0.0.0/8")})}));
    CHECK(name_at(only_v4, "::") == "");
    CHECK(name_at(only_v4, "255.255.255.255") == "Central");
}

TEST_CASE("Areas of one office may overlap and repeat", "[REQ-OFF-1]") {
    const auto offices = valid(topology::make({
        make_office("Central", "", {range("10.0.0.0", "10.0.0.100"), range("10.0.0.50", "10.0.0.150"), range("10.0.0.120", "10.0.0.200")}),
        make_office("Inner", "Central", {range("10.0.0.60", "10.0.0.70"), range("10.0.0.130", "10.0.0.131")}),
        make_office("Outer", "Central", {net("10.0.0.0/24"), net("10.0.0.0/24")}),
    }));
    for (const auto address : {"10.0.0.0", "10.0.0.49", "10.0.0.101", "10.0.0.119", "10.0.0.151", "10.0.0.200"}) {
        CHECK(name_at(offices, address) == "Central");
    }
    for (const auto address : {"10.0.0.60", "10.0.0.70", "10.0.0.130", "10.0.0.131"}) CHECK(name_at(offices, address) == "Inner");
    CHECK(name_at(offices, "10.0.0.201") == "Outer");
    CHECK(name_at(offices, "10.0.0.255") == "Outer");
    CHECK(name_at(offices, "10.0.1.0") == "");
}

TEST_CASE("A view has the ancestors, the office and all below it", "[REQ-OFF-2]") {
    const auto offices = sample();
    const auto view = offices.view_for(at(offices, "Boston"));
    CHECK(view.size() == 3);
    CHECK_FALSE(view.find("Remote"));
    CHECK(view[at(view, "Boston")] == offices[at(offices, "Boston")]);
    CHECK(view.children(view.central()) == std::vector{at(view, "Boston")});
    CHECK(offices.view_for(offices.central()) == offices);
    CHECK(offices.view_for(at(offices, "Remote")).size() == 2);
}

TEST_CASE("A view is exact for the office and all below it", "[REQ-OFF-2][property]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        random_source random(seed);
        const auto offices = random_topology(random, 2 + static_cast<std::uint32_t>(random.below(30)));
        const office_index chosen{static_cast<std::uint32_t>(random.below(offices.size()))};
        const auto view = offices.view_for(chosen);
        for (const auto index : offices.path_to_central(chosen)) {
            const auto in_view = at(view, offices[index].name);
            REQUIRE(view.depth(in_view) == offices.depth(index));
            REQUIRE(view[in_view] == offices[index]);
        }
        for (const auto& address : edges_of(offices)) {
            const auto whole = offices.office_of(address);
            const auto seen = view.office_of(address);
            const bool below = whole && offices.is_ancestor_or_self(chosen, *whole);
            const bool seen_below = seen && view.is_ancestor_or_self(at(view, offices[chosen].name), *seen);
            REQUIRE(below == seen_below);
            if (below) REQUIRE(view[*seen].name == offices[*whole].name);
        }
    }
}

TEST_CASE("A view keeps strangers whose addresses lie inside the office", "[REQ-OFF-2]") {
    const auto offices = valid(topology::make({
        make_office("Central", "", {net("10.0.0.0/16")}),
        make_office("Boston", "Central", {net("10.1.0.0/16")}),
        make_office("Region", "Central", {net("10.2.0.0/16")}),
        make_office("Tenant", "Region", {net("10.1.7.0/24")}),
        make_office("Elsewhere", "Region", {net("10.3.0.0/16")}),
    }));
    const auto view = offices.view_for(at(offices, "Boston"));
    CHECK(view.size() == 4);
    CHECK(name_at(view, "10.1.7.1") == "Tenant");
    CHECK_FALSE(view.find("Elsewhere"));
}

TEST_CASE("Five thousand offices are made and searched at once", "[REQ-OFF-1]") {
    std::vector<office> many{make_office("Central", "", {net("10.0.0.0/8")})};
    for (std::uint32_t i = 0; i < 5000; ++i) {
        many.push_back(make_office("Office " + std::to_string(i), i < 50 ? "Central" : "Office " + std::to_string(i % 50),
                                   {subnet::of(ip_address::v4((10u << 24) + (i << 8)), 24)}));
    }
    const auto offices = valid(topology::make(many));
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const auto found = offices.office_of(ip_address::v4((10u << 24) + (i << 8) + 77));
        REQUIRE(found);
        REQUIRE(offices[*found].name == "Office " + std::to_string(i));
    }
    CHECK(offices.view_for(at(offices, "Office 7")).size() == 2 + 99);
}

TEST_CASE("A topology made in code is checked like a spreadsheet", "[REQ-OFF-5]") {
    const auto reasons = [](std::vector<office> offices) {
        std::vector<std::pair<int, std::string>> out;
        const auto checked = topology::make(std::move(offices));
        for (const auto& each : checked.refusals()) out.emplace_back(each.row, each.column);
        return out;
    };
    using found = std::vector<std::pair<int, std::string>>;
    const auto central = make_office("Central", "", {net("10.0.0.0/16")});

    CHECK(reasons({central}) == found{});
    CHECK(reasons({}) == found{{1, "Office"}});
    CHECK(reasons({central, make_office("", "Central", {net("10.1.0.0/16")})}) == found{{3, "Office"}});
    CHECK(reasons({central, make_office(" x", "Central", {net("10.1.0.0/16")})}) == found{{3, "Office"}});
    CHECK(reasons({central, make_office("a\nb", "Central", {net("10.1.0.0/16")})}) == found{{3, "Office"}});
    CHECK(reasons({central, make_office("\xff", "Central", {net("10.1.0.0/16")})}) == found{{3, "Office"}});
    CHECK(reasons({central, make_office("A", "Central", {net("10.1.0.0/16")}), make_office("A", "Central", {net("10.2.0.0/16")})}) ==
          found{{4, "Office"}});
    CHECK(reasons({central, make_office("A", "A", {net("10.1.0.0/16")})}) == found{{3, "Parent"}});
    CHECK(reasons({central, make_office("A", "Central", {})}) == found{{3, "Subnet"}});
    CHECK(reasons({central, make_office("A", "Central", {range("10.1.0.9", "10.1.0.1")})}) == found{{3, "Range start"}});
    CHECK(reasons({central, make_office("A", "Central", {range("10.1.0.9", "2001:db8::1")})}) == found{{3, "Range start"}});

    // Rows are those of the export: an office takes one for each area.
    CHECK(reasons({make_office("Central", "", {net("10.0.0.0/16"), net("10.9.0.0/16")}),
                   make_office("A", "Central", {net("10.1.0.0/16"), net("10.9.0.0/16")})}) == found{{5, "Subnet"}});

    auto talkative = central;
    talkative.description = std::string(limits::office_description_bytes_max, 'x');
    CHECK(reasons({talkative}) == found{});
    talkative.description += 'x';
    CHECK(reasons({talkative}) == found{{2, "Description"}});
    auto longest = central;
    longest.name = std::string(limits::office_name_bytes_max, 'x');
    CHECK(reasons({longest}) == found{});
    longest.name += 'x';
    CHECK(reasons({longest}) == found{{2, "Office"}});
}

TEST_CASE("A topology that could not be exported again is not made", "[limits]") {
    office central = make_office("Central", "", {});
    const auto rows = limits::spreadsheet_rows_max - 1;  // without the header
    for (std::uint32_t i = 0; i < rows; ++i) central.areas.emplace_back(subnet::of(ip_address::v4((10u << 24) + 4 * i), 30));
    const auto largest = valid(topology::make({central}));
    CHECK(valid(parse_spreadsheet(to_spreadsheet(largest))) == largest);
    central.areas.emplace_back(net("192.168.0.0/24"));
    CHECK_FALSE(topology::make({central}));
}

TEST_CASE("All conflicts of many overlapping areas are reported", "[REQ-OFF-5][property]") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        random_source random(seed);
        std::vector<office> offices;
        for (int i = 0; i < 6; ++i) {
            const auto first = static_cast<std::uint32_t>(random.below(30));
            const auto last = first + static_cast<std::uint32_t>(random.below(12));
            offices.push_back(
                make_office("o" + std::to_string(i), i == 0 ? "" : "o0", {address_range{ip_address::v4(first), ip_address::v4(last)}}));
        }
        bool conflict = false;
        for (std::size_t i = 0; i < offices.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                const auto a = range_of(offices[i].areas[0]);
                const auto b = range_of(offices[k].areas[0]);
                conflict = conflict || (a.overlaps(b) && (a == b || (!a.contains(b) && !b.contains(a))));
            }
        }
        REQUIRE(topology::make(offices).has_value() == !conflict);
    }
}

TEST_CASE("Each area is found to be in another office's way as by comparing all with all", "[REQ-OFF-5][property]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        random_source random(seed);
        std::vector<detail::owned_range> areas;
        for (std::uint32_t i = 0; i < 12; ++i) {
            const auto first = static_cast<std::uint32_t>(random.below(20));
            const auto length = static_cast<std::uint32_t>(random.below(8));
            const auto owner = static_cast<std::uint32_t>(random.below(3));
            areas.push_back({{ip_address::v4(first), ip_address::v4(first + length)}, office_index{owner}, i});
        }
        const auto conflicts = detail::find_conflicts(areas);
        std::vector<std::size_t> found, expected;
        for (const auto& [area, other] : conflicts) {
            found.push_back(area.item);
            CHECK(area.owner != other.owner);
            CHECK(area.range.overlaps(other.range));
            CHECK((area.range == other.range || (!area.range.contains(other.range) && !other.range.contains(area.range))));
        }
        for (std::size_t i = 0; i < areas.size(); ++i) {
            const auto in_its_way = [&, &area = areas[i]](const detail::owned_range& other) {
                if (other.owner == area.owner || !area.range.overlaps(other.range)) return false;
                return area.range == other.range || (!area.range.contains(other.range) && !other.range.contains(area.range));
            };
            const auto here = areas.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::any_of(areas.begin(), here, in_its_way)) expected.push_back(areas[i].item);
        }
        REQUIRE(found == expected);
    }
}

TEST_CASE("An area that an office has in many rows is compared with other offices' areas once", "[limits]") {
    std::vector<detail::owned_range> areas;
    for (std::size_t i = 0; i < 1'000; ++i) areas.push_back({net("10.1.0.0/24").range(), office_index{0}, i});
    areas.push_back({range("10.1.0.9", "10.1.1.9"), office_index{1}, 0});
    const auto conflicts = detail::find_conflicts(areas);
    CHECK(areas.size() == 2);
    REQUIRE(conflicts.size() == 1);
    CHECK(conflicts[0].other.item == 0);
}
