#include "p2pdist/office/topology.hpp"

#include "text.hpp"

namespace p2pdist {

std::string_view to_string(office_type type) noexcept {
    switch (type) {
        case office_type::standard:
            return "Default";
        case office_type::vpn:
            return "VPN";
        case office_type::wifi:
            return "Wi-Fi";
    }
    return "";
}

std::optional<office_type> parse_office_type(std::string_view text) noexcept {
    if (detail::equal_ignoring_case(text, "default")) return office_type::standard;
    if (detail::equal_ignoring_case(text, "vpn")) return office_type::vpn;
    if (detail::equal_ignoring_case(text, "wi-fi") || detail::equal_ignoring_case(text, "wifi")) return office_type::wifi;
    return std::nullopt;
}

address_range range_of(const office_area& area) noexcept {
    if (const auto* block = std::get_if<subnet>(&area)) return block->range();
    return *std::get_if<address_range>(&area);
}

std::string to_string(const office_area& area) {
    return std::visit([](const auto& value) { return value.to_string(); }, area);
}

}  // namespace p2pdist
