#include "sample.hpp"

namespace p2pdist::test {
namespace {

std::string strange_text(random_source& random) {
    static const std::vector<std::string> pieces{"=1+1", "+",      "-2", "@x", "'",  "''",  "\"", ",", ";",
                                                 "é",    "办公室", "a",  "Z",  " b", "\tc", ".",  "=", "#"};
    std::string text;
    for (auto i = 1 + random.below(4); i > 0; --i) text += pieces[random.below(pieces.size())];
    const auto first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "x" : text.substr(first);
}

}  // namespace

topology random_topology(random_source& random, std::uint32_t count) {
    std::vector<office> offices(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        auto& each = offices[i];
        auto name = strange_text(random);
        for (auto& c : name) c = c == '\t' ? '_' : c;
        each.name = name + std::to_string(i);
        if (random.below(2) != 0) each.description = strange_text(random) + (random.below(4) == 0 ? "\r\nmore\nlines" : "");
        if (i == 0) {
            each.areas.emplace_back(net("10.0.0.0/8"));  // encloses many of the others
            each.areas.emplace_back(net("192.168.7.0/24"));
            if (random.below(2) != 0) each.preferred = {ip("192.168.7.1"), ip("192.168.7.9")};
            continue;
        }
        auto above = random.below(i);
        while (offices[above].type == office_type::vpn) above = random.below(above);
        each.parent = offices[above].name;
        const auto kind = random.below(8);
        each.type = kind == 0 ? office_type::vpn : kind == 1 ? office_type::wifi : office_type::standard;
        const auto base = (10u << 24) + (i << 10);
        each.areas.emplace_back(subnet::of(ip_address::v4(base), static_cast<int>(24 + random.below(3))));
        if (random.below(3) == 0) each.areas.emplace_back(address_range{ip_address::v4(base + 256), ip_address::v4(base + 300)});
        // A range that could be written as a subnet has to stay a range.
        if (random.below(3) == 0) each.areas.emplace_back(address_range{ip_address::v4(base + 512), ip_address::v4(base + 767)});
        // Inside the addresses of another office, or near them.
        const auto host = static_cast<std::uint32_t>(random.below(i));
        if (i < 64 && random.below(3) == 0)
            each.areas.emplace_back(subnet::of(ip_address::v4((10u << 24) + (host << 10) + 512 + 4 * i), 30));
        if (random.below(3) == 0) each.areas.emplace_back(net("2001:db8:" + std::to_string(i) + "::/48"));
        if (random.below(4) == 0) each.preferred.push_back(ip_address::v4(base + 1));
    }
    return valid(topology::make(std::move(offices)));
}

}  // namespace p2pdist::test
