#include "p2pdist/office/topology_lint.hpp"

#include <algorithm>
#include <map>

#include "text.hpp"

namespace p2pdist {
namespace {

constexpr int depth_max = 5;
constexpr int prefix_bits_min_v4 = 16;
constexpr int prefix_bits_min_v6 = 48;

bool is_huge(const office_area& area) {
    const auto range = range_of(area);
    const auto bits = range.first.is_v4() ? prefix_bits_min_v4 : prefix_bits_min_v6;
    if (const auto* block = std::get_if<subnet>(&area)) return block->prefix_bits() < bits;
    // A range longer than a block touches more than two of them.
    const auto first_block = subnet::of(range.first, bits).range();
    return subnet::of(range.last, bits).network() > first_block.last.next();
}

}  // namespace

std::vector<topology_remark> lint(const topology& offices) {
    std::vector<topology_remark> remarks;
    std::map<std::string, std::string> names;
    for (std::uint32_t i = 0; i < offices.size(); ++i) {
        const office_index index{i};
        const auto& each = offices[index];
        const auto remark = [&](std::string text) { remarks.push_back({each.name, std::move(text)}); };
        const auto [other, fresh] = names.emplace(detail::lower(each.name), each.name);
        if (!fresh) remark("its name differs from that of " + detail::quoted(other->second) + " in upper and lower case only");
        if (index == offices.central() && each.type == office_type::vpn)
            remark("the central office is VPN: its clients do not share, so nobody can feed other offices");
        if (index == offices.central() && each.type == office_type::wifi)
            remark("the central office is Wi-Fi; the server's subnet is usually wired");
        if (index != offices.central() && each.type == office_type::wifi && !offices.children(index).empty())
            remark("a Wi-Fi office feeds other offices; usually a wired office feeds the Wi-Fi one");
        for (const auto& area : each.areas) {
            if (is_huge(area)) remark(to_string(area) + " is too large for one LAN; subnets joined by a WAN belong in separate offices");
        }
        if (offices.depth(index) > depth_max) remark("it lies more than " + std::to_string(depth_max) + " levels below the central office");
    }
    return remarks;
}

}  // namespace p2pdist
