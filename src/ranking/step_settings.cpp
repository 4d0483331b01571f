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
    const auto size_in = [](std::string_view text) { return parse_size(text); };
    read(free_storage_step_setting, size_in, out.free_storage_bytes);
    read(usable_storage_step_setting, size_in, out.usable_storage_bytes);
    read(uptime_step_setting, [](std::string_view text) { return parse_duration(text); }, out.uptime);
    return out;
}

}  // namespace p2pdist
