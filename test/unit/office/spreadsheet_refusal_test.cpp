// Every kind of mistake in a topology file, with the row and column that it is reported at.

#include <utility>

#include "p2pdist/office/spreadsheet.hpp"
#include "sample.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

using places = std::vector<std::pair<int, std::string>>;

places refused(const std::string& text) {
    places out;
    const auto checked = parse_spreadsheet(text);
    for (const auto& each : checked.refusals()) {
        UNSCOPED_INFO(each.to_string());
        out.emplace_back(each.row, each.column);
    }
    return out;
}

/// The mistakes of rows after the header and a central office in row 2.
places refused_rows(const std::string& rows) { return refused(header + "Central,Default,,10.0.0.0/16,,,,\n" + rows); }

std::string first_reason(const std::string& rows) {
    return parse_spreadsheet(header + "Central,Default,,10.0.0.0/16,,,,\n" + rows).refusals().at(0).reason;
}

}  // namespace

TEST_CASE("Refused: types", "[REQ-OFF-5][REQ-OFF-3]") {
    CHECK(refused_rows("A,Wired,Central,10.1.0.0/16,,,,\n") == places{{3, "Type"}});
    CHECK(refused_rows("A,,Central,10.1.0.0/16,,,,\n") == places{{3, "Type"}});
    CHECK(refused_rows("A,VPN,Central,10.1.0.0/16,,,,\nA,Default,,10.2.0.0/16,,,,\n") == places{{4, "Type"}});
    CHECK(first_reason("A,Wired,Central,10.1.0.0/16,,,,\n").find("Default, VPN and Wi-Fi") != std::string::npos);
}

TEST_CASE("Refused: parents", "[REQ-OFF-5][REQ-OFF-2]") {
    CHECK(refused_rows("A,Default,Nowhere,10.1.0.0/16,,,,\n") == places{{3, "Parent"}});
    CHECK(first_reason("A,Default,central,10.1.0.0/16,,,,\n") == "there is no office 'central'; did you mean 'Central'?");
    CHECK(refused_rows("A,Default,Central,10.1.0.0/16,,,,\nB,Default,Central,10.2.0.0/16,,,,\nA,,B,10.3.0.0/16,,,,\n") ==
          places{{5, "Parent"}});
    // Without a parent it is a second central office: both rows can be the wrong one.
    CHECK(refused_rows("A,Default,,10.1.0.0/16,,,,\n") == places{{2, "Parent"}, {3, "Parent"}});
    CHECK(first_reason("A,Default,,10.1.0.0/16,,,,\n").find("'A' (row 3)") != std::string::npos);
}

TEST_CASE("Refused: cycles, and no central office", "[REQ-OFF-5][REQ-OFF-2]") {
    CHECK(refused_rows("A,Default,A,10.1.0.0/16,,,,\n") == places{{3, "Parent"}});
    CHECK(refused_rows("A,Default,C,10.1.0.0/16,,,,\nB,Default,A,10.2.0.0/16,,,,\nC,Default,B,10.3.0.0/16,,,,\n"
                       "D,Default,C,10.4.0.0/16,,,,\n") == places{{3, "Parent"}, {4, "Parent"}, {5, "Parent"}});
    CHECK(refused(header + "A,Default,B,10.1.0.0/16,,,,\nB,Default,A,10.2.0.0/16,,,,\n") ==
          places{{2, "Parent"}, {2, "Parent"}, {3, "Parent"}});
}

TEST_CASE("Refused: a VPN office with children", "[REQ-OFF-5][REQ-OFF-3]") {
    const std::string rows = "R,VPN,Central,10.1.0.0/16,,,,\nA,Default,R,10.2.0.0/16,,,,\nB,Wi-Fi,R,10.3.0.0/16,,,,\n";
    CHECK(refused_rows(rows) == places{{4, "Parent"}, {5, "Parent"}});
    CHECK(first_reason(rows).find("'R' (row 3) is VPN") != std::string::npos);
}

TEST_CASE("Refused: subnets and ranges of two offices that are equal or overlap in part", "[REQ-OFF-5][REQ-OFF-1]") {
    CHECK(refused_rows("A,Default,Central,10.0.0.0/16,,,,\n") == places{{3, "Subnet"}});
    CHECK(refused_rows("A,Default,Central,,10.0.255.0,10.1.0.0,,\n") == places{{3, "Range start"}});
    CHECK(refused_rows("A,Default,Central,,10.0.0.0,10.0.255.255,,\n") == places{{3, "Range start"}});
    CHECK(refused_rows("A,Default,Central,,9.0.0.0,10.0.0.0,,\n") == places{{3, "Range start"}});
    CHECK(refused(header + "A,Default,Central,,10.0.255.0,10.1.0.0,,\nCentral,Default,,10.0.0.0/16,,,,\n") == places{{3, "Subnet"}});
    CHECK(first_reason("A,Default,Central,,10.0.255.0,10.1.0.0,,\n").find("10.0.0.0/16 of office 'Central' (row 2)") != std::string::npos);
    // Nested is fine, and so is what lies next to it or overlaps within the office.
    CHECK(refused_rows("A,Default,Central,10.0.7.0/24,,,,\nB,Default,Central,10.0.0.0/8,,,,\n") == places{});
    CHECK(refused_rows("A,Default,Central,,10.0.0.0,10.0.0.9,,\nB,Default,Central,,10.0.0.10,10.0.255.255,,\n") == places{});
    CHECK(refused_rows("Central,,,,10.0.255.0,10.1.0.0,,\nCentral,,,10.0.0.0/16,,,,\n") == places{});
}

TEST_CASE("Refused: malformed addresses", "[REQ-OFF-5]") {
    CHECK(refused_rows("A,Default,Central,10.1.0.0,,,,\n") == places{{3, "Subnet"}});
    CHECK(refused_rows("A,Default,Central,10.1.0.1/16,,,,\n") == places{{3, "Subnet"}});
    CHECK(first_reason("A,Default,Central,10.1.0.1/16,,,,\n").find("the subnet is 10.1.0.0/16") != std::string::npos);
    CHECK(refused_rows("A,Default,Central,10.1.0.0/33,,,,\n") == places{{3, "Subnet"}});
    CHECK(refused_rows("A,Default,Central,,10.1.0.x,10.1.0.9,,\n") == places{{3, "Range start"}});
    CHECK(refused_rows("A,Default,Central,,10.1.0.x,10.1.0,,\n") == places{{3, "Range start"}, {3, "Range end"}});
    CHECK(refused_rows("A,Default,Central,10.1.0.0/16,,,\"10.1.0.5 10.1.0.\",\n") == places{{3, "Preferred"}});
}

TEST_CASE("Refused: ranges that are none", "[REQ-OFF-5]") {
    CHECK(refused_rows("A,Default,Central,,10.1.0.1,,,\n") == places{{3, "Range end"}});
    CHECK(refused_rows("A,Default,Central,,,10.1.0.1,,\n") == places{{3, "Range start"}});
    CHECK(refused_rows("A,Default,Central,,10.1.0.9,10.1.0.1,,\n") == places{{3, "Range start"}});
    CHECK(refused_rows("A,Default,Central,,10.1.0.9,2001:db8::1,,\n") == places{{3, "Range end"}});
    CHECK(refused_rows("A,Default,Central,10.1.0.0/24,10.1.1.0,10.1.1.9,,\n") == places{{3, "Subnet"}});
    CHECK(refused_rows("A,Default,Central,,10.1.0.9,10.1.0.9,,\n") == places{});
}

TEST_CASE("Refused: an office without addresses", "[REQ-OFF-5]") {
    CHECK(refused_rows("A,Default,Central,,,,,\nA,,,,,,,\n") == places{{3, "Subnet"}});
}

TEST_CASE("Refused: a preferred device outside its office", "[REQ-OFF-5][REQ-RANK-2]") {
    CHECK(refused_rows("A,Default,Central,10.1.0.0/16,,,10.2.0.1,\n") == places{{3, "Preferred"}});
    CHECK(refused_rows("A,Default,Central,10.0.1.0/24,,,,\nCentral,,,,,,10.0.1.9,\n") == places{{4, "Preferred"}});
    CHECK(first_reason("A,Default,Central,10.0.1.0/24,,,,\nCentral,,,,,,10.0.1.9,\n") ==
          "10.0.1.9 is not in 'Central' but in office 'A' (row 3)");
}

TEST_CASE("Refused: names and headers", "[REQ-OFF-5]") {
    CHECK(refused_rows(",Default,Central,10.1.0.0/16,,,,\n") == places{{3, "Office"}});
    CHECK(refused_rows(std::string(200, 'x') + ",Default,Central,10.1.0.0/16,,,,\n") == places{{3, "Office"}});
    CHECK(refused_rows("\"A\nB\",Default,Central,10.1.0.0/16,,,,\n") == places{{3, "Office"}});
    CHECK(refused("Office,Type,Parent,Subnet,Colour\nCentral,Default,,10.0.0.0/16,red\n") == places{{1, "Colour"}});
    CHECK(refused("Office,Type,Parent,Subnet,SUB NET\nCentral,Default,,10.0.0.0/16,\n") == places{{1, "Subnet"}});
    CHECK(refused("Office,Type,Subnet\nCentral,Default,10.0.0.0/16\n") == places{{1, "Parent"}});
    CHECK(refused("Office,Type,Parent\nCentral,Default,\n") == places{{1, "Subnet"}});
    CHECK(refused("\n\nOffice,Kind,Parent,Subnet\n") == places{{3, "Kind"}, {3, "Type"}});
    CHECK(refused("Office,Type,Parent,Subnet,\nCentral,Default,,10.0.0.0/16,stray\n") == places{{2, ""}});
}

TEST_CASE("Refused: files that are no such CSV", "[REQ-OFF-5]") {
    CHECK(refused("") == places{{1, ""}});
    CHECK(refused("\xef\xbb\xbf\r\n  \r\n") == places{{1, ""}});
    CHECK(refused(header) == places{{1, "Office"}});
    CHECK(refused(std::string("\xff\xfeO\0f\0", 6)) == places{{1, ""}});
    CHECK(refused(std::string("PK\x03\x04 a workbook")) == places{{1, ""}});
    CHECK(refused_rows("\"A,Default,Central,10.1.0.0/16,,,,\nB,Default,Central,10.2.0.0/16,,,,\n") == places{{3, ""}});
    CHECK(refused_rows("A \"b\" c,Default,Central,10.1.0.0/16,,,,\n") == places{{3, ""}});
    CHECK(refused_rows("A\xff,Default,Central,10.1.0.0/16,,,,\nB,Default,Central,10.2.0.0/16,,,,caf\xe9\n") ==
          places{{3, "Office"}, {4, "Description"}});
    CHECK(refused_rows(std::string("A,Default,Central,10.1.0.0/16,,,,x\0y\n", 37)) == places{{3, "Description"}});
}

TEST_CASE("Rows are numbered as a spreadsheet program numbers them", "[REQ-OFF-5]") {
    // Blank rows count, a cell with line breaks is in one row, and CRLF ends one.
    CHECK(refused_rows("\n\nA,Default,Central,10.1.0.0/16,,,,\"two\nlines\r\nor three\"\n\nB,What,Central,10.2.0.0/16,,,,\n") ==
          places{{7, "Type"}});
    CHECK(refused(header + "Central,Default,,10.0.0.0/16,,,,\r\n\r\n,,,,,,,\r\nB,What,Central,10.2.0.0/16,,,,\r\n") == places{{5, "Type"}});
    CHECK(refused(header + "Central,Default,,10.0.0.0/16,,,,\r\rB,What,Central,10.2.0.0/16,,,,\r") == places{{4, "Type"}});
}

TEST_CASE("Every bad row is reported, and no consequence of one", "[REQ-OFF-5]") {
    CHECK(refused_rows("A,Sort,Central,10.1.0.0/99,,,10.1.0.5,\n"
                       "B,Default,Nowhere,10.2.0.0/16,,,,\n"
                       "C,Default,Central,10.0.0.0/16,,,,\n"
                       "D,Default,D,10.4.0.0/16,,,,\n"
                       ",,,10.5.0.0/16,,,,\n"
                       "E,Default,A,10.6.0.0/16,,,,\n") ==
          places{{3, "Type"}, {3, "Subnet"}, {4, "Parent"}, {5, "Subnet"}, {6, "Parent"}, {7, "Office"}});
    // An office whose subnet was refused is not blamed for what only that subnet would contain.
    CHECK(refused_rows("A,Default,Central,10.1.0.0/99,,,10.1.0.5,\n") == places{{3, "Subnet"}});
    const auto central_mistyped = parse_spreadsheet(header + "Central,Default,,10.0.0.0/99,,,,\n", ip("10.0.0.5"));
    CHECK(central_mistyped.refusals().size() == 1);
    CHECK(refusal{7, "Parent", "there is no office 'Bostn'"}.to_string() == "row 7, column Parent: there is no office 'Bostn'");
    CHECK(refusal{7, "", "x"}.to_string() == "row 7: x");
}
