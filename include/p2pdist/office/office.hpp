#pragma once
// An office: devices joined by a LAN, at one place of the hierarchy (OFF-1, OFF-3).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "p2pdist/base/address.hpp"

namespace p2pdist {

/// How an office's clients reach each other (OFF-3). Text forms: "Default", "VPN", "Wi-Fi".
enum class office_type : std::uint8_t {
    standard,  ///< a wired LAN: clients share content and send broadcast discovery
    vpn,       ///< clients do not share; no rendezvous point, no children; broadcast discovery is sent
    wifi,      ///< clients share; no broadcast discovery
};

[[nodiscard]] std::string_view to_string(office_type type) noexcept;
/// Regardless of case; "WiFi" is "Wi-Fi". Nothing for any other text.
[[nodiscard]] std::optional<office_type> parse_office_type(std::string_view text) noexcept;

/// A subnet or an address range, kept as it was given: a range that happens to be a subnet stays a range.
using office_area = std::variant<subnet, address_range>;

[[nodiscard]] address_range range_of(const office_area& area) noexcept;
[[nodiscard]] std::string to_string(const office_area& area);

/// An office as an organisation describes it. A value without promises; `topology` is the checked whole.
struct office {
    /// Unique, case-sensitive; 1 to limits::office_name_bytes_max bytes of UTF-8, no control characters, no blanks at its ends.
    std::string name;
    office_type type = office_type::standard;
    std::string parent;                 ///< the parent's name; empty: this is the central office
    std::vector<office_area> areas;     ///< one or more
    std::vector<ip_address> preferred;  ///< configured rendezvous points (RANK-2), addresses of this office
    std::string description;            ///< up to limits::office_description_bytes_max bytes of UTF-8, no blanks at its ends

    friend bool operator==(const office&, const office&) = default;
};

}  // namespace p2pdist
