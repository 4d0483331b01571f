#include "p2pdist/office/detected_topology.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

/// Whether devices with such a subnet can be taken for neighbours.
bool tells_neighbours(const subnet& block) { return block.prefix_bits() <= block.network().bits() - 2; }

/// Whether such a subnet says something about who is beside whom.
bool counts(const subnet& block) {
    const auto link_local_v4 = subnet::of(ip_address::v4(0xa9fe0000), 16);
    const auto loopback_v4 = subnet::of(ip_address::v4(0x7f000000), 8);
    const auto link_local_v6 = subnet::of(ip_address::v6({0xfe, 0x80}), 10);
    constexpr int prefix_bits_min = 8;
    if (block.prefix_bits() < prefix_bits_min || (!tells_neighbours(block) && !block.network().is_v4())) return false;
    return !link_local_v4.contains(block.network()) && !loopback_v4.contains(block.network()) && !link_local_v6.contains(block.network());
}

std::optional<subnet> named_by(const ip_address& client, int prefix_bits) {
    if (prefix_bits < 0 || prefix_bits > client.bits()) return std::nullopt;
    const auto block = subnet::of(client, prefix_bits);
    return counts(block) ? std::optional(block) : std::nullopt;
}

bool encloses(const subnet& outer, const subnet& inner) {
    return outer.prefix_bits() <= inner.prefix_bits() && outer.contains(inner.network());
}

/// A subnet and the voices for it, and those for all that is nested in it.
struct candidate {
    subnet block;
    std::size_t own = 0;
    std::size_t nested = 0;
};

/// Fills in `nested`. An enclosing subnet stands before those nested in it.
void sum_up(std::vector<candidate>& all) {
    std::vector<candidate*> around;  // each encloses the next
    const auto close_last = [&] {
        const auto voices = around.back()->own + around.back()->nested;
        around.pop_back();
        if (!around.empty()) around.back()->nested += voices;
    };
    for (auto& each : all) {
        while (!around.empty() && !encloses(around.back()->block, each.block)) close_last();
        around.push_back(&each);
    }
    while (!around.empty()) close_last();
}

}  // namespace

detected_topology::detected_topology(std::vector<subnet> server_subnets) : central_(std::move(server_subnets)) {
    P2PDIST_ASSERT(!central_.empty());
    std::sort(central_.begin(), central_.end());
    central_.erase(std::unique(central_.begin(), central_.end()), central_.end());
}

bool detected_topology::add(const ip_address& client, int prefix_bits) {
    const auto block = named_by(client, prefix_bits);
    if (!block || ++named_[*block][client] > 1) return false;
    stale_ = true;
    return true;
}

bool detected_topology::remove(const ip_address& client, int prefix_bits) {
    const auto block = named_by(client, prefix_bits);
    const auto known = block ? named_.find(*block) : named_.end();
    if (known == named_.end()) return false;
    const auto at = known->second.find(client);
    if (at == known->second.end() || --at->second > 0) return false;
    known->second.erase(at);
    if (known->second.empty()) named_.erase(known);
    stale_ = true;
    return true;
}

std::vector<subnet> detected_topology::agreed_on() const {
    std::vector<candidate> all;
    for (const auto& [block, at] : named_) all.push_back({block, at.size(), 0});
    for (const auto& block : central_) all.push_back({block, 1, 0});  // the server's voice
    std::sort(all.begin(), all.end(), [](const candidate& left, const candidate& right) { return left.block < right.block; });
    sum_up(all);
    const auto in_central = [this](const subnet& block) {
        return std::any_of(central_.begin(), central_.end(), [&](const subnet& each) { return encloses(each, block); });
    };
    std::vector<candidate> agreed;
    for (const auto& each : all) {
        if (!agreed.empty() && encloses(agreed.back().block, each.block)) continue;
        if (each.own > each.nested && tells_neighbours(each.block) && !in_central(each.block)) agreed.push_back(each);
    }
    constexpr auto room = limits::detected_offices_max - 1;
    if (agreed.size() > room) {
        std::sort(agreed.begin(), agreed.end(), [](const candidate& left, const candidate& right) {
            return std::tuple(right.own, left.block) < std::tuple(left.own, right.block);
        });
        agreed.resize(room);
    }
    std::vector<subnet> out;
    for (const auto& each : agreed) out.push_back(each.block);
    std::sort(out.begin(), out.end());
    return out;
}

const topology& detected_topology::current() const {
    if (current_ && !stale_) return *current_;
    auto blocks = agreed_on();
    stale_ = false;
    if (current_ && blocks == offices_) return *current_;
    offices_ = std::move(blocks);
    ++builds_;
    std::vector<office> offices(1);
    offices.front().name = central_.front().to_string();
    offices.front().areas.assign(central_.begin(), central_.end());
    offices.front().description = "detected";
    for (const auto& block : offices_) {
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
