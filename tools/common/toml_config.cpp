#include "common/toml_config.hpp"

#include <sstream>

#include <toml++/toml.h>

namespace p2pdist::tools {
namespace {

std::string text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    std::ostringstream out;
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (const auto* number = node.as_integer()) out << number->get();
    else if (const auto* real = node.as_floating_point()) out << real->get();
    else throw CLI::ConversionError("the value is neither text, number nor true/false", "config");
    return out.str();
}

}  // namespace

std::vector<CLI::ConfigItem> toml_config::from_config(std::istream& input) const {
    std::vector<std::string> command;
    for (const auto* at = &app_; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        command.push_back(at->get_name());
    }
    std::vector<CLI::ConfigItem> settings;
    try {
        const auto table = toml::parse(input);
        for (const auto& [key, value] : table) {
            CLI::ConfigItem item;
            item.parents = command;
            item.name = std::string(key.str());
            if (const auto* list = value.as_array()) {
                for (const auto& entry : *list) item.inputs.push_back(text_of(entry));
            } else {
                item.inputs.push_back(text_of(value));
            }
            settings.push_back(std::move(item));
        }
    } catch (const toml::parse_error& problem) {
        std::ostringstream where;
        where << "line " << problem.source().begin.line << ": " << problem.description();
        throw CLI::FileError("--config: " + where.str());
    }
    return settings;
}

}  // namespace p2pdist::tools
