#include "p2pdist/office/detected_topology.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

/// Whether devices with such a subnet can be taken for neighbours.
bool tells_neighbours(const subnet& block) {
    const auto link_local_v4 = subnet::of(ip_address::v4(0xa9fe0000), 16);
    const auto loopback_v4 = subnet::of(ip_address::v4(0x7f000000), 8);
    const auto link_local_v6 = subnet::of(ip_address::v6({0xfe, 0x80}), 10);
    constexpr int prefix_bits_min = 8;
    if (block.prefix_bits() < prefix_bits_min || block.prefix_bits() > block.network().bits() - 2) return false;
    return !link_local_v4.contains(block.network()) && !loopback_v4.contains(block.network()) && !link_local_v6.contains(block.network());
}

}  // namespace

detected_topology::detected_topology(std::vector<subnet> server_subnets) : central_(std::move(server_subnets)) {
    P2PDIST_ASSERT(!central_.empty());
    std::sort(central_.begin(), central_.end());
    central_.erase(std::unique(central_.begin(), central_.end()), central_.end());
}

bool detected_topology::add(const ip_address& client, int prefix_bits) {
    if (prefix_bits < 0 || prefix_bits > client.bits()) return false;
    return add(subnet::of(client, prefix_bits));
}

bool detected_topology::add(const subnet& client_subnet) {
    if (!tells_neighbours(client_subnet) || full()) return false;
    if (std::binary_search(central_.begin(), central_.end(), client_subnet)) return false;
    if (!others_.insert(client_subnet).second) return false;
    current_.reset();
    return true;
}

bool detected_topology::full() const noexcept { return others_.size() + 1 >= limits::detected_offices_max; }

const topology& detected_topology::current() const {
    if (current_) return *current_;
    std::vector<office> offices(1);
    offices.front().name = central_.front().to_string();
    offices.front().areas.assign(central_.begin(), central_.end());
    offices.front().description = "detected";
    for (const auto& block : others_) {
        office each;
        each.name = block.to_string();
        each.parent = offices.front().name;
        each.areas.emplace_back(block);
        each.description = "detected";
        offices.push_back(std::move(each));
    }
    const auto checked = topology::make(std::move(offices));
    current_ = *checked;  // subnets are nested or apart, and each is named once
    return *current_;
}

}  // namespace p2pdist
