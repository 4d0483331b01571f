#include "p2pdist/base/amount.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace p2pdist {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr std::array<unit, 6> size_units{
    {{"", 1}, {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"TiB", std::uint64_t{1} << 40}}};
constexpr std::array<unit, 5> time_units{{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};
constexpr std::uint64_t size_max = std::uint64_t{1} << 50;
constexpr std::uint64_t seconds_max = 86400 * 366;

/// A whole number and a unit, from 1 to `greatest`.
template <std::size_t Count>
std::optional<std::uint64_t> read_amount(std::string_view text, const std::array<unit, Count>& units, std::uint64_t greatest) noexcept {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number == 0) return std::nullopt;
    auto name = text.substr(static_cast<std::size_t>(end - text.data()));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    const auto at = std::find_if(units.begin(), units.end(), [&](const unit& known) { return known.name == name; });
    if (at == units.end() || number > greatest / at->factor) return std::nullopt;
    return number * at->factor;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept { return read_amount(text, size_units, size_max); }

std::optional<duration> parse_duration(std::string_view text) noexcept {
    const auto seconds = read_amount(text, time_units, seconds_max);
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
}

std::string fixed(double value, int digits) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

std::string rate_text(double bytes_per_second) { return fixed(bytes_per_second * 8e-6, 1) + " Mbit/s"; }

}  // namespace p2pdist
