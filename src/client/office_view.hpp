#pragma once
// The topology as this client sees it: where it belongs, who its neighbours are, and who stands below it (OFF-1 to OFF-3).

#include <optional>
#include <string>
#include <vector>

#include "p2pdist/office/topology.hpp"

namespace p2pdist::client_room {

/// Where another device stands as seen from this one.
enum class relation : std::uint8_t { office, above, below, elsewhere, unknown };

class office_view {
public:
    office_view(ip_address own, int prefix_bits) : own_(own), prefix_bits_(prefix_bits) {}

    void set_address(ip_address own, int prefix_bits) {
        own_ = own;
        prefix_bits_ = prefix_bits;
    }
    void set_topology(std::optional<topology> offices) { offices_ = std::move(offices); }
    [[nodiscard]] bool known() const noexcept { return offices_.has_value(); }

    /// Where the device at `address` stands; unknown as long as there is no topology.
    [[nodiscard]] relation relation_of(const ip_address& address) const;
    [[nodiscard]] bool in_own_subnet(const ip_address& address) const { return subnet::of(own_, prefix_bits_).contains(address); }

    /// Own office's name; empty where the own address is in none.
    [[nodiscard]] std::string office() const;
    [[nodiscard]] std::string office_of(const ip_address& address) const;
    /// "Default", "VPN", "Wi-Fi"; empty where the own address is in no office.
    [[nodiscard]] std::string type() const;
    /// Own office, parent, ..., central office.
    [[nodiscard]] std::vector<std::string> path() const;
    /// Whether clients of the own office share content: all but those of a VPN office. False without a topology.
    [[nodiscard]] bool shares() const;
    /// Whether clients of the own office send broadcast discovery: all but those of a Wi-Fi office. False without a topology.
    [[nodiscard]] bool broadcasts() const;
    [[nodiscard]] bool is_vpn() const;
    [[nodiscard]] bool is_central() const;
    /// The office next below the own one on the way to the device: whose link its bytes cross. Empty where it is not below.
    [[nodiscard]] std::string child_towards(const ip_address& address) const;

private:
    std::optional<topology> offices_;
    ip_address own_;
    int prefix_bits_;
};

[[nodiscard]] std::string_view to_string(relation where) noexcept;

}  // namespace p2pdist::client_room
