#include "p2pdist/ranking/step_settings.hpp"

#include "p2pdist/base/amount.hpp"

namespace p2pdist {

ranking_steps steps_from_settings(const std::function<const std::string*(std::string_view key)>& value_of) {
    ranking_steps out;
    const auto read = [&](std::string_view key, auto parse, auto& to) {
        const auto* text = value_of(key);
        if (text == nullptr) return;
        if (const auto value = parse(*text)) to = *value;
    };
    read(free_storage_step_setting, parse_size, out.free_storage_bytes);
    read(usable_storage_step_setting, parse_size, out.usable_storage_bytes);
    read(uptime_step_setting, parse_duration, out.uptime);
    return out;
}

}  // namespace p2pdist
