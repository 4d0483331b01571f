#include "settings_book.hpp"

#include <algorithm>
#include <array>

#include "p2pdist/base/amount.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/ranking/step_settings.hpp"
#include "p2pdist/wire/message_words.hpp"

namespace p2pdist {
namespace {

result<std::string> checked_size(std::string_view value) {
    if (parse_size(value)) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) + "' is no size: give bytes, or a number with one of " + std::string(size_unit_names)};
}

result<std::string> checked_time(std::string_view value) {
    if (parse_duration(value)) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) + "' is no time: give seconds, or a number with one of " + std::string(time_unit_names)};
}

result<std::string> checked_grace(std::string_view value) {
    const auto grace = parse_duration(value);
    if (grace && *grace >= key_epoch_grace_min && *grace <= key_epoch_grace_max) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) + "' is no grace period: give 1h to 90d"};
}

result<std::string> checked_rate(std::string_view value) {
    if (value == "0" || parse_size(value)) return std::string(value);
    return {errc::invalid_argument, "'" + std::string(value) +
                                        "' is no rate: give bytes a second, or a number with one of " + std::string(size_unit_names) + "; 0 means unlimited"};
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
constexpr std::array<known_setting, 6> known_settings{{{"cdn", checked_url},
                                                       {fallback_rate_setting, checked_rate},
                                                       {free_storage_step_setting, checked_size},
                                                       {key_epoch_grace_setting, checked_grace},
                                                       {uptime_step_setting, checked_time},
                                                       {usable_storage_step_setting, checked_size}}};

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

duration settings_book::key_epoch_grace() const {
    const auto at = values_.find(std::string(key_epoch_grace_setting));
    const auto set = at == values_.end() ? std::nullopt : parse_duration(at->second);
    return set.value_or(key_epoch_grace_default);
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
    return steps_from_settings([this](std::string_view key) -> const std::string* {
        const auto at = values_.find(std::string(key));
        return at == values_.end() ? nullptr : &at->second;
    });
}

}  // namespace p2pdist
