#include "settings_book.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/limits.hpp"

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
std::optional<std::uint64_t> read_amount(std::string_view text, const std::array<unit, Count>& units, std::uint64_t greatest) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number == 0) return std::nullopt;
    auto name = text.substr(static_cast<std::size_t>(end - text.data()));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    const auto at = std::find_if(units.begin(), units.end(), [&](const unit& known) { return known.name == name; });
    if (at == units.end() || number > greatest / at->factor) return std::nullopt;
    return number * at->factor;
}

result<std::string> checked_size(std::string_view value) {
    if (read_amount(value, size_units, size_max)) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) + "' is no size: give bytes, or a whole number with KiB, MiB, GiB or TiB"};
}

result<std::string> checked_time(std::string_view value) {
    if (read_amount(value, time_units, seconds_max)) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) + "' is no time: give seconds, or a whole number with s, m, h or d"};
}

result<std::string> checked_url(std::string_view value) {
    const auto host_at = value.substr(0, 7) == "http://" ? 7u : value.substr(0, 8) == "https://" ? 8u : 0u;
    const auto host = value.substr(host_at, value.find('/', host_at) - host_at);
    const bool visible = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (host_at == 0 || host.empty() || !visible || value.size() > limits::message_value_bytes_max) {
        return {errc::invalid_argument, "'" + std::string(value) + "' is no URL of a CDN: give http://HOST/PATH or https://HOST/PATH"};
    }
    // Every client is told this value, over a network that is not encrypted (CON-3).
    if (host.find('@') != std::string_view::npos) {
        return {errc::invalid_argument, "the URL of the CDN must hold no user name or password, since every client is told it"};
    }
    return std::string(value);
}

struct known_setting {
    std::string_view key;
    result<std::string> (*check)(std::string_view);
};
constexpr std::array<known_setting, 4> known_settings{{{"cdn", checked_url},
                                                       {"ranking.free_storage_step", checked_size},
                                                       {"ranking.uptime_step", checked_time},
                                                       {"ranking.usable_storage_step", checked_size}}};

const known_setting* find_setting(std::string_view key) {
    const auto* const at =
        std::find_if(known_settings.begin(), known_settings.end(), [&](const known_setting& known) { return known.key == key; });
    return at == known_settings.end() ? nullptr : at;
}

}  // namespace

result<std::string> settings_book::checked(std::string_view key, std::string_view value) {
    const auto* known = find_setting(key);
    if (known == nullptr) {
        std::string names;
        for (const auto& setting : known_settings) names.append(names.empty() ? "" : ", ").append(setting.key);
        return {errc::not_found, "there is no setting of that name; the settings are " + names};
    }
    if (value.empty()) return std::string();
    return known->check(value);
}

void settings_book::put(const std::string& key, const std::string& value) {
    if (value.empty()) {
        values_.erase(key);
    } else {
        values_.insert_or_assign(key, value);
    }
}

std::vector<std::pair<std::string, std::string>> settings_book::for_clients() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : values_) {
        if (find_setting(key) != nullptr) out.emplace_back(key, value);
    }
    return out;
}

ranking_steps settings_book::steps() const {
    ranking_steps out;
    const auto read = [&](const char* key, const auto& units, std::uint64_t greatest) -> std::optional<std::uint64_t> {
        const auto at = values_.find(key);
        return at == values_.end() ? std::nullopt : read_amount(at->second, units, greatest);
    };
    if (const auto step = read("ranking.free_storage_step", size_units, size_max)) out.free_storage_bytes = *step;
    if (const auto step = read("ranking.usable_storage_step", size_units, size_max)) out.usable_storage_bytes = *step;
    if (const auto step = read("ranking.uptime_step", time_units, seconds_max)) out.uptime = std::chrono::seconds(*step);
    return out;
}

}  // namespace p2pdist
