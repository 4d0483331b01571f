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
constexpr std::array<unit, 15> size_units{{{"", 1},
                                           {"B", 1},
                                           {"kB", 1000},
                                           {"KB", 1000},
                                           {"MB", 1'000'000},
                                           {"GB", 1'000'000'000},
                                           {"TB", 1'000'000'000'000},
                                           {"K", 1u << 10},
                                           {"M", 1u << 20},
                                           {"G", 1u << 30},
                                           {"T", std::uint64_t{1} << 40},
                                           {"KiB", 1u << 10},
                                           {"MiB", 1u << 20},
                                           {"GiB", 1u << 30},
                                           {"TiB", std::uint64_t{1} << 40}}};
// In milliseconds.
constexpr std::array<unit, 8> time_units{
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}}};

/// A number, maybe with a decimal point, and a unit. `greatest` is below 2^63.
template <std::size_t Count>
std::optional<std::uint64_t> read_amount(std::string_view text, const std::array<unit, Count>& units, std::uint64_t least,
                                         std::uint64_t greatest) noexcept {
    const auto* const end = text.data() + text.size();
    std::uint64_t whole = 0;
    auto [at, failure] = std::from_chars(text.data(), end, whole);
    if (failure != std::errc{}) return std::nullopt;
    double fraction = 0;
    if (at != end && *at == '.') {
        const auto read = std::from_chars(at, end, fraction, std::chars_format::fixed);
        if (read.ec != std::errc{} || read.ptr == at + 1) return std::nullopt;
        at = read.ptr;
    }
    auto name = std::string_view(at, static_cast<std::size_t>(end - at));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    const auto known = std::find_if(units.begin(), units.end(), [&](const unit& each) { return each.name == name; });
    if (known == units.end() || whole > greatest / known->factor) return std::nullopt;
    const auto amount = whole * known->factor + static_cast<std::uint64_t>(fraction * static_cast<double>(known->factor));
    return amount < least || amount > greatest ? std::nullopt : std::optional(amount);
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t greatest) noexcept {
    return read_amount(text, size_units, least, greatest);
}

std::optional<duration> parse_duration(std::string_view text, duration least, duration greatest) noexcept {
    const auto in_ms = [](duration time) { return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()); };
    const auto amount = read_amount(text, time_units, in_ms(least), in_ms(greatest));
    if (!amount) return std::nullopt;
    return std::chrono::milliseconds(*amount);
}

std::string fixed(double value, int digits) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

std::string rate_text(double bytes_per_second) { return fixed(bytes_per_second * 8e-6, 1) + " Mbit/s"; }

}  // namespace p2pdist
