#pragma once
// Gives out the addresses of offices, one after another.

#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "p2pdist/office/topology.hpp"

namespace p2pdist::sim {

class address_pool {
public:
    explicit address_pool(const topology& offices) : offices_(offices) {}

    struct assigned {
        ip_address address;
        int prefix_bits = 0;
    };
    /// The next free one of the office's first area that belongs to no other office.
    [[nodiscard]] assigned next_of(office_index office) {
        const auto& area = offices_[office].areas.front();
        const auto range = range_of(area);
        auto [at, fresh] = cursors_.try_emplace(office, range.first.next());   // the first one names the network
        while (range.contains(at->second)) {
            const auto address = at->second;
            at->second = address.next();
            if (at->second == address) break;
            if (offices_.office_of(address) == office && address != range.last && taken_.insert(address).second) return {address, prefix_of(address)};
        }
        throw std::runtime_error("the first area of office " + offices_[office].name + " has no free address left");
    }
    void take(const ip_address& address) { taken_.insert(address); }

    /// Of the interface that has this address: the narrowest subnet of its office that holds it, or what is usual.
    [[nodiscard]] int prefix_of(const ip_address& address) const {
        int bits = 0;
        if (const auto office = offices_.office_of(address)) {
            for (const auto& area : offices_[*office].areas) {
                const auto* block = std::get_if<subnet>(&area);
                if (block && block->contains(address)) bits = std::max(bits, block->prefix_bits());
            }
        }
        return bits > 0 ? bits : address.is_v4() ? 24 : 64;
    }

private:
    topology offices_;
    std::map<office_index, ip_address> cursors_;
    std::set<ip_address> taken_;
};

}  // namespace p2pdist::sim
