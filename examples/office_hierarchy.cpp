// The office hierarchy alone: read an organisation's spreadsheet, and ask who belongs where and who is above whom.

#include <iostream>
#include <p2pdist/office/spreadsheet.hpp>

constexpr auto spreadsheet =
    "Office,Type,Parent,Subnet,Range start,Range end,Preferred,Description\n"
    "Central,Default,,10.0.0.0/16,,,10.0.0.5,head office\n"
    "Boston,Default,Central,10.1.0.0/24,,,,\n"
    "Boston,,,,10.1.1.10,10.1.1.200,,\n"
    "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/20,,,,\n"
    "Remote,VPN,Central,10.200.0.0/16,,,,\n";

int main() {
    const auto server = p2pdist::ip_address::parse("10.0.0.2");
    const auto checked = p2pdist::parse_spreadsheet(spreadsheet, *server);
    for (const auto& refusal : checked.refusals()) std::cerr << refusal.to_string() << '\n';
    if (!checked) return 1;
    const p2pdist::topology& offices = *checked;

    for (const auto text : {"10.1.0.17", "10.1.130.4", "10.200.3.3", "192.168.1.1"}) {
        const auto place = offices.place(*p2pdist::ip_address::parse(text));
        std::cout << text << ": " << (place.office ? offices[*place.office].name : "an office of its own");
        // Content comes down the hierarchy, so the offices above are where a client asks.
        if (place.parent) {
            for (const auto above : offices.path_to_central(*place.parent)) std::cout << " < " << offices[above].name;
        }
        if (place.office && !offices.shares(*place.office)) std::cout << " (does not share)";
        std::cout << '\n';
    }
    std::cout << '\n' << p2pdist::to_spreadsheet(offices);
}
