#include "p2pdist/office/spreadsheet.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
}

const std::string central_row = "Central,Default,,10.0.0.0/16,,,,\n";

}  // namespace

TEST_CASE("The example of the specification is read", "[REQ-OFF-5]") {
    const auto offices = sample();
    REQUIRE(offices.size() == 4);
    const auto& central = offices[offices.central()];
    CHECK(central.name == "Central");
    CHECK(central.areas == std::vector<office_area>{net("10.0.0.0/16")});
    CHECK(central.preferred == std::vector{ip("10.0.0.5")});
    CHECK(central.description == "head office, the server is here");
    const auto& boston = offices[at(offices, "Boston")];
    CHECK(boston.type == office_type::standard);
    CHECK(boston.parent == "Central");
    CHECK(boston.areas == std::vector<office_area>{net("10.1.0.0/24"), range("10.1.1.10", "10.1.1.200")});
    CHECK(offices[at(offices, "Boston Wi-Fi")].type == office_type::wifi);
    CHECK(offices[at(offices, "Remote")].type == office_type::vpn);
}

TEST_CASE("The forms that spreadsheet programs save are the same topology", "[REQ-OFF-5]") {
    const auto offices = sample();
    const auto same = [&](const std::string& text) { return valid(parse_spreadsheet(text)) == offices; };
    CHECK(same("\xef\xbb\xbf" + sample_csv));
    CHECK(same(replaced(sample_csv, "\n", "\r\n")));
    CHECK(same(replaced(sample_csv, "\n", "\r")));
    CHECK(same(sample_csv.substr(0, sample_csv.size() - 1)));
    CHECK(same("\n" + replaced(sample_csv, "\n", "\n\n,,,,,,,\n  \n")));
    CHECK(same(replaced(sample_csv, "Wi-Fi,Wi-Fi", "Wi-Fi,wifi")));
    CHECK(same(replaced(sample_csv, "Range start", " RANGE  START ")));
    CHECK(same(replaced(sample_csv, "Range start,Range end", "rangestart,\"Range\nEnd\"")));
    CHECK(same(replaced(replaced(sample_csv, "office, the", "office@ the"), ",", ";").replace(sample_csv.find("office, the") + 6, 1, ",")));
    CHECK(same(replaced(sample_csv, "Boston,Default", " Boston\t, Default ")));
    CHECK(same(replaced(sample_csv, ",,,,\n", "\n")));  // trailing cells left out
    CHECK(same(replaced(sample_csv, "\n", ",,\n")));    // and columns without a name
}

TEST_CASE("Rows and columns come in any order", "[REQ-OFF-5]") {
    const auto offices =
        valid(parse_spreadsheet("Subnet;Parent;Office;Type\n"
                                "10.2.0.0/16;;Child;\n"
                                "10.1.0.0/16;Central;Child;Default\n"
                                ";;Child\n"
                                "10.0.0.0/16;;Central;Default\n"));
    REQUIRE(offices.size() == 2);
    CHECK(offices[offices.central()].name == "Central");
    CHECK(offices[at(offices, "Child")].areas == std::vector<office_area>{net("10.2.0.0/16"), net("10.1.0.0/16")});
}

TEST_CASE("Export then import changes nothing", "[REQ-OFF-5]") {
    CHECK(to_spreadsheet(sample()) ==
          "Office,Type,Parent,Subnet,Range start,Range end,Preferred,Description\r\n"
          "Central,Default,,10.0.0.0/16,,,10.0.0.5,\"head office, the server is here\"\r\n"
          "Boston,Default,Central,10.1.0.0/24,,,,\r\n"
          "Boston,,,,10.1.1.10,10.1.1.200,,\r\n"
          "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/20,,,,\r\n"
          "Remote,VPN,Central,10.200.0.0/16,,,,\r\n");
    CHECK(valid(parse_spreadsheet(to_spreadsheet(sample()))) == sample());
}

TEST_CASE("Export then import changes nothing in any topology", "[REQ-OFF-5][property]") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        random_source random(seed);
        const auto offices = random_topology(random, 1 + static_cast<std::uint32_t>(random.below(20)));
        const auto text = to_spreadsheet(offices);
        CAPTURE(text);
        const auto again = valid(parse_spreadsheet(text));
        REQUIRE(again.offices() == offices.offices());
        REQUIRE(to_spreadsheet(again) == text);
    }
}

TEST_CASE("An exported file runs no formula", "[REQ-OFF-5]") {
    office central;
    central.name = "=cmd|' /C calc'!A0";
    central.description = "@SUM(A1)";
    central.areas = {net("10.0.0.0/16")};
    office child;
    child.name = "'s-Hertogenbosch";
    child.parent = central.name;
    child.description = "'-1";
    child.areas = {net("10.1.0.0/16")};
    const auto offices = valid(topology::make({central, child}));
    const auto text = to_spreadsheet(offices);
    CHECK(text.find("\n'=cmd") != std::string::npos);
    CHECK(text.find(",'=cmd") != std::string::npos);
    CHECK(text.find(",'@SUM(A1)\r\n") != std::string::npos);
    CHECK(text.find("\n's-Hertogenbosch,") != std::string::npos);  // no formula, so it stays as it is
    CHECK(text.find(",''-1\r\n") != std::string::npos);
    CHECK(valid(parse_spreadsheet(text)) == offices);
}

TEST_CASE("A file with characters beyond ASCII is exported with a BOM", "[REQ-OFF-5]") {
    const auto text = header + "Zürich,Default,,10.0.0.0/16,,,,\n";
    const auto exported = to_spreadsheet(valid(parse_spreadsheet(text)));
    CHECK(exported.starts_with("\xef\xbb\xbfOffice,"));
    CHECK(valid(parse_spreadsheet(exported)) == valid(parse_spreadsheet(text)));
    CHECK(to_spreadsheet(sample()).starts_with("Office,"));
}

TEST_CASE("Several preferred devices and descriptions", "[REQ-OFF-5][REQ-RANK-2]") {
    const auto offices = valid(parse_spreadsheet(header + "Central,Default,,10.0.0.0/16,,,10.0.0.5 10.0.0.7,one\n"
                                                          "Central,,,2001:db8::/32,,,\"2001:db8::1, 10.0.0.9\",two\n"
                                                          "Central,,,,,,10.0.0.8,\n"));
    const auto& central = offices[offices.central()];
    CHECK(central.preferred == std::vector{ip("10.0.0.5"), ip("10.0.0.7"), ip("2001:db8::1"), ip("10.0.0.9"), ip("10.0.0.8")});
    CHECK(central.description == "one; two");
    CHECK(valid(parse_spreadsheet(to_spreadsheet(offices))) == offices);
}

TEST_CASE("The server has to be in the central office", "[REQ-SRV-4]") {
    CHECK(parse_spreadsheet(sample_csv, ip("10.0.3.4")));
    CHECK_FALSE(check_server(sample(), ip("10.0.3.4")));
    const auto outside = parse_spreadsheet(header + "Boston,Default,Central,10.1.0.0/24,,,,\n" + central_row, ip("10.1.0.4"));
    REQUIRE(outside.refusals().size() == 1);
    CHECK(outside.refusals()[0].row == 3);
    CHECK(outside.refusals()[0].column == "Subnet");
    CHECK(outside.refusals()[0].reason.find("10.1.0.4 is in office 'Boston' (row 2)") != std::string::npos);
    CHECK(check_server(sample(), ip("10.1.0.4"))->row == 2);
    CHECK(check_server(sample(), ip("172.16.0.1"))->reason.find("no office") != std::string::npos);
}

TEST_CASE("Limits of a file", "[limits][REQ-OFF-5]") {
    auto large = header + central_row;
    large.append(limits::spreadsheet_bytes_max - large.size(), '\n');
    CHECK(parse_spreadsheet(large));
    CHECK_FALSE(parse_spreadsheet(large + "\n"));

    auto rows = header + central_row;
    rows.append(limits::spreadsheet_rows_max - 3, '\n');
    CHECK(parse_spreadsheet(rows + "Central\n"));
    const auto over = parse_spreadsheet(rows + "\nCentral\n");
    REQUIRE(over.refusals().size() == 1);
    CHECK(over.refusals()[0].row == static_cast<int>(limits::spreadsheet_rows_max) + 1);

    CHECK_FALSE(parse_spreadsheet(header + central_row + std::string(100'000, ',') + "\n"));
}

TEST_CASE("No text makes the reader fail", "[REQ-OFF-5][property]") {
    const std::vector<std::string> pieces{",",
                                          ";",
                                          "\"",
                                          "\n",
                                          "\r\n",
                                          "Central",
                                          "Default",
                                          "VPN",
                                          "10.0.0.0/16",
                                          "10.1.0.0/24",
                                          "10.1.0.1",
                                          "Office",
                                          "Type",
                                          "Parent",
                                          "Subnet",
                                          "\xff",
                                          std::string(1, '\0'),
                                          "=",
                                          "'",
                                          " "};
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        random_source random(seed);
        std::string text = random.below(2) != 0 ? header : "";
        for (auto i = random.below(40); i > 0; --i) text += pieces[random.below(pieces.size())];
        CAPTURE(seed, text);
        const auto checked = parse_spreadsheet(text);
        REQUIRE(checked.has_value() == checked.refusals().empty());
        REQUIRE(std::is_sorted(checked.refusals().begin(), checked.refusals().end(), [](auto& a, auto& b) { return a.row < b.row; }));
        for (const auto& each : checked.refusals()) {
            REQUIRE(each.row >= 1);
            REQUIRE_FALSE(each.reason.empty());
        }
        if (checked) REQUIRE(valid(parse_spreadsheet(to_spreadsheet(*checked))) == *checked);
    }
}
