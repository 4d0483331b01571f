// Topologies as spreadsheets.

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/office/topology_lint.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(spreadsheet) {
    const auto probe = ip_address::v4(input.u32());
    const auto text = input.rest_text();
    const auto read = parse_spreadsheet(text, input.flag() ? std::optional(probe) : std::nullopt);
    if (!read) return fuzz::check(!read.refusals().empty(), "a spreadsheet is refused without a reason");
    fuzz::check(read.refusals().empty(), "a topology and reasons why there is none");
    const auto& offices = *read;
    const auto written = to_spreadsheet(offices);
    const auto again = parse_spreadsheet(written);
    fuzz::check(again && *again == offices, "a topology is another one when it is written and read again");
    fuzz::check(to_spreadsheet(*again) == written, "one topology has two texts");
    (void)lint(offices);

    const auto placed = offices.place(probe);
    fuzz::check(placed.office == offices.office_of(probe), "an address is in two places");
    for (std::uint32_t i = 0; i < offices.size(); ++i) {
        const office_index index{i};
        const auto path = offices.path_to_central(index);
        fuzz::check(!path.empty() && path.front() == index && path.back() == offices.central(),
                    "a path does not lead to the central office");
        fuzz::check(static_cast<int>(path.size()) == offices.depth(index) + 1, "an office is at another depth than its path is long");
        if (i >= 4) continue;   // views are copies
        const auto view = offices.view_for(index);
        fuzz::check(view.find(offices[index].name).has_value(), "an office is not in its own view");
    }
}
