#include "common/toml_config.hpp"

#include <algorithm>
#include <cstdlib>
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
    else throw CLI::ConversionError("--config: the value is neither text, number nor true/false");
    return out.str();
}

/// A list is written as on the command line: with commas.
std::string value_of(const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr) return text_of(node);
    std::string out;
    for (const auto& entry : *list) out += (out.empty() ? "" : ",") + text_of(entry);
    return out;
}

const CLI::Option* find_setting(const CLI::App& command, const std::string& key) {
    if (key == "help" || key == "version" || key == "config") return nullptr;
    return command.get_option_no_throw("--" + key);
}

/// Whether any command of the program has this setting: one file can serve them all.
bool is_known(const CLI::App& command, const std::string& key) {
    if (find_setting(command, key) != nullptr) return true;
    const auto below = command.get_subcommands([](const CLI::App*) { return true; });
    return std::any_of(below.begin(), below.end(), [&](const CLI::App* sub) { return is_known(*sub, key); });
}

bool is_in_environment(const CLI::Option& option) {
    const auto name = option.get_envname();
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    return value != nullptr && *value != '\0';
}

}  // namespace

std::vector<CLI::ConfigItem> toml_config::from_config(std::istream& input) const {
    std::vector<const CLI::App*> commands{&app_};  // the program, its command, that one's command
    while (!commands.back()->get_subcommands().empty()) commands.push_back(commands.back()->get_subcommands().front());
    std::vector<CLI::ConfigItem> settings;
    try {
        const auto table = toml::parse(input);
        for (const auto& [name, value] : table) {
            const std::string key(name.str());
            if (!is_known(app_, key)) throw CLI::ConfigError("--config: there is no setting '" + key + "'; the keys are the names of the options, see --help");
            auto depth = commands.size();
            while (depth > 0 && find_setting(*commands[depth - 1], key) == nullptr) --depth;
            if (depth == 0 || is_in_environment(*find_setting(*commands[depth - 1], key))) continue;  // of another command; the environment wins
            CLI::ConfigItem item;
            for (std::size_t i = 1; i < depth; ++i) item.parents.push_back(commands[i]->get_name());
            item.name = key;
            item.inputs.push_back(value_of(value));
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
