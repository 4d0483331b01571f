// What changes on a network in mid-run: hosts that move, partitions, and routes.

#include <algorithm>

#include "network_parts.hpp"
#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {

void network::detach(host_index which) {
    auto& gone = *hosts_[which.value];
    if (!gone.plugged) return;
    gone.plugged = false;
    ++gone.stay;
    addresses_.erase(gone.address);
    std::erase(sites_[gone.at]->hosts, which.value);
    if (!sites_[gone.at]->wireless) return;
    for (const auto each : sites_[gone.at]->wireless->forget(which.value)) {
        drop(queue_.now(), flights_[each], gone.up->name, "detached");
        release(each);
    }
}

result<void> network::move(host_index which, const ip_address& address, int prefix_bits) {
    const auto found = addresses_.find(address);
    if (found != addresses_.end() && found->second != which.value) return {errc::already_exists, "the address " + address.to_string() + " is taken"};
    detach(which);
    plug(which.value, address, prefix_bits);
    return {};
}

bool network::attached(host_index which) const { return hosts_[which.value]->plugged; }

void network::block(host_index from, host_index to, bool blocked) {
    const std::pair pair{from.value, to.value};
    if (blocked) blocked_hosts_.insert(pair);
    else blocked_hosts_.erase(pair);
}

void network::block(const std::string& from_office, const std::string& to_office, bool blocked) {
    const std::pair pair{site_named(from_office), site_named(to_office)};
    if (blocked) blocked_sites_.insert(pair);
    else blocked_sites_.erase(pair);
}

void network::unblock_all() noexcept {
    blocked_hosts_.clear();
    blocked_sites_.clear();
}

bool network::blocked(std::uint32_t sender, std::uint32_t receiver) const {
    return blocked_hosts_.contains({sender, receiver}) || blocked_sites_.contains({hosts_[sender]->at, hosts_[receiver]->at});
}

void network::reroute(const std::string& office, const std::string& parent, const link_settings& down, const link_settings& up) {
    const auto which = site_named(office);
    const auto above = site_named(parent);
    P2PDIST_ASSERT(sites_[which]->parent.has_value());
    const auto& path = sites_[above]->path;
    P2PDIST_ASSERT(std::find(path.begin(), path.end(), which) == path.end());
    sites_[which]->parent = above;
    put(*sites_[which]->down, down);
    put(*sites_[which]->up, up);
    rebuild_paths();
}

}  // namespace p2pdist::sim
