#pragma once
// Reads --config files for CLI11 with a real TOML parser.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>

namespace p2pdist::tools {

/// Keys are option names; those of the given command and of the program apply, those of other commands of the program are left alone.
class toml_config final : public CLI::Config {
public:
    explicit toml_config(const CLI::App& app) : app_(app) {}
    std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

private:
    const CLI::App& app_;
};

}  // namespace p2pdist::tools
