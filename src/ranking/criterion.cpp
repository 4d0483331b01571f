#include "p2pdist/ranking/ranking.hpp"

#include <algorithm>
#include <array>

namespace p2pdist {
namespace {

/// A criterion by which more comes first; `quantity` gives an integer.
template <class Quantity, class Describe>
criterion most(std::string name, Quantity quantity, Describe describe) {
    return {std::move(name),
            [quantity](const device_profile& left, const device_profile& right) -> std::weak_ordering {
                return quantity(right) <=> quantity(left);
            },
            std::move(describe)};
}

/// "1.50 GiB": rounded down to hundredths, so that equal texts don't hide which of two is larger more than they have to.
std::string bytes_text(std::uint64_t count) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    while (unit + 1 < units.size() && count >> (10 * (unit + 1)) != 0) ++unit;
    if (unit == 0) return std::to_string(count) + " B";
    const auto shift = 10 * unit;
    const auto hundredths = ((count >> (shift - 10)) & 1023) * 100 / 1024;
    const auto fraction = std::to_string(hundredths);
    return std::to_string(count >> shift) + (fraction.size() == 1 ? ".0" : ".") + fraction + " " + units[unit];
}

/// "3 d 4 h 5 min".
std::string duration_text(duration value) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(std::max(value, duration{})).count();
    std::string out;
    if (minutes >= 24 * 60) out += std::to_string(minutes / (24 * 60)) + " d ";
    if (minutes >= 60) out += std::to_string(minutes / 60 % 24) + " h ";
    return out + std::to_string(minutes % 60) + " min";
}

}  // namespace

criterion most_free_storage(std::uint64_t step_bytes) {
    const auto step = std::max<std::uint64_t>(step_bytes, 1);
    return most(
        "free_storage", [step](const device_profile& profile) { return profile.free_storage_bytes / step; },
        [](const device_profile& profile) { return bytes_text(profile.free_storage_bytes); });
}

criterion preferred_first() {
    return most(
        "preferred", [](const device_profile& profile) { return profile.preferred ? 1 : 0; },
        [](const device_profile& profile) { return std::string(profile.preferred ? "yes" : "no"); });
}

criterion desktop_first() {
    return most(
        "device_model", [](const device_profile& profile) { return profile.model == device_model::desktop ? 1 : 0; },
        [](const device_profile& profile) { return std::string(profile.model == device_model::desktop ? "desktop" : "laptop"); });
}

criterion server_os_first() {
    return most(
        "os_kind", [](const device_profile& profile) { return profile.os == os_kind::server ? 1 : 0; },
        [](const device_profile& profile) { return std::string(profile.os == os_kind::server ? "server" : "workstation"); });
}

criterion longest_uptime(duration step) {
    const auto positive_step = std::max(step, duration{1});
    return most(
        "uptime", [positive_step](const device_profile& profile) { return std::max(profile.uptime, duration{}) / positive_step; },
        [](const device_profile& profile) { return duration_text(profile.uptime); });
}

criterion most_usable_storage(std::uint64_t step_bytes) {
    const auto step = std::max<std::uint64_t>(step_bytes, 1);
    return most(
        "usable_storage", [step](const device_profile& profile) { return profile.usable_storage_bytes / step; },
        [](const device_profile& profile) { return bytes_text(profile.usable_storage_bytes); });
}

std::vector<criterion> standard_criteria(const ranking_steps& steps) {
    return {
        most_free_storage(steps.free_storage_bytes),    preferred_first(), desktop_first(), server_os_first(), longest_uptime(steps.uptime),
        most_usable_storage(steps.usable_storage_bytes)};
}

}  // namespace p2pdist
