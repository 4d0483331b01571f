#include "common/program.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "common/toml_config.hpp"

namespace p2pdist::tools {
namespace {

std::string environment_name(std::string option) {
    for (auto& c : option) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return "P2PDIST_" + option;
}

void prepare_options(CLI::App& app) {
    for (auto* option : app.get_options()) {
        const auto name = option->get_single_name();
        if (name != "help" && name != "version" && name != "config" && !option->get_lnames().empty() && option->get_envname().empty())
            option->envname(environment_name(name));
    }
    app.fallthrough();   // options of the program may stand behind its command too
    for (auto* command : app.get_subcommands({})) prepare_options(*command);
}

}  // namespace

int exit_code_of(errc code) noexcept {
    switch (code) {
        case errc::invalid_argument: return usage;
        case errc::unreachable:
        case errc::timed_out: return unreachable;
        case errc::refused:
        case errc::revoked:
        case errc::not_authorised:
        case errc::not_activated:
        case errc::already_exists:
        case errc::version_unsupported: return refused;
        case errc::cancelled: return interrupted;
        default: return failed;
    }
}

void finish_options(CLI::App& app) {
    app.set_version_flag("--version", std::string(P2PDIST_VERSION));
    // CLI11 reads the file before it looks at the environment, so the name of the file is looked up here.
    const char* file = std::getenv("P2PDIST_CONFIG");
    const bool named = file != nullptr && *file != '\0';
    app.set_config("--config", named ? file : "", "Read settings from this TOML file; keys are the options' names", named)->envname("P2PDIST_CONFIG");
    app.config_formatter(std::make_shared<toml_config>(app));
    app.allow_config_extras(CLI::config_extras_mode::error);
    prepare_options(app);
}

int report(const error& why) {
    std::cerr << "p2pdist: " << why.message << '\n';
    return exit_code_of(why.code);
}

namespace {

/// A licence key, or what stands before the host in a URL: everybody on this machine can read a process's arguments.
void hide(char* value, bool is_url) {
    char* end = value + std::strlen(value);
    if (is_url) {
        char* host = std::strstr(value, "://");
        if (host == nullptr) return;
        value = host + 3;
        end = std::find_if(value, end, [](char c) { return c == '/' || c == '?' || c == '#'; });
        end = std::find(std::reverse_iterator(end), std::reverse_iterator(value), '@').base();
        if (end == value) return;
        --end;
    }
    std::fill(value, end, '*');
}

void hide_secrets(int argc, char** argv) {
    constexpr std::pair<const char*, bool> secret_options[] = {{"licence", false}, {"cdn", true}, {"database", true}};
    for (const auto& [name, is_url] : secret_options) {
        const auto option = "--" + std::string(name);
        for (int i = 1; i < argc; ++i) {
            const std::string_view argument(argv[i]);
            if (argument == option && i + 1 < argc) hide(argv[i + 1], is_url);
            if (argument.starts_with(option + "=")) hide(argv[i] + option.size() + 1, is_url);
        }
        if (char* variable = std::getenv(environment_name(name).c_str())) hide(variable, is_url);
    }
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& action) {
    try {
        app.parse(argc, argv);
        hide_secrets(argc, argv);
        return action();
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::CallForAllHelp& help) {
        return app.exit(help);
    } catch (const CLI::CallForVersion& version) {
        return app.exit(version);
    } catch (const CLI::Error& problem) {
        app.exit(problem);
        return usage;
    } catch (const std::system_error& problem) {
        // what() is our sentence with the category's words behind it, which say nothing more.
        std::string sentence = problem.what();
        const auto tail = ": " + problem.code().message();
        if (problem.code().category() == error_category() && sentence.ends_with(tail)) sentence.resize(sentence.size() - tail.size());
        std::cerr << "p2pdist: " << sentence << '\n';
        return problem.code().category() == error_category() ? exit_code_of(static_cast<errc>(problem.code().value())) : static_cast<int>(failed);
    } catch (const std::exception& problem) {
        std::cerr << "p2pdist: " << problem.what() << '\n';
        return failed;
    }
}

void log_options::add_to(CLI::App& app) {
    app.add_option("--log-level", level, "debug, info, warning, error or off")->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
}

log_sink log_options::sink() const {
    constexpr std::pair<const char*, log_level> names[] = {{"debug", log_level::debug}, {"info", log_level::info},
                                                           {"warning", log_level::warning}, {"error", log_level::error}, {"off", log_level::off}};
    const auto threshold = std::ranges::find_if(names, [&](const auto& item) { return level == item.first; })->second;
    auto logger = spdlog::stderr_color_mt("p2pdist");
    logger->set_level(spdlog::level::trace);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
    return {threshold, [logger](log_level of, std::string_view line) {
                constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err, spdlog::level::off};
                logger->log(levels[static_cast<int>(of)], "{}", line);
            }};
}

stop_signals::stop_signals(asio::io_context& io, std::function<void()> stop) : signals_(io, SIGINT, SIGTERM) {
    signals_.async_wait([this, stop = std::move(stop)](std::error_code failure, int) {
        if (failure) return;
        signals_.clear();   // a second one ends the program at once
        stop();
    });
}

}  // namespace p2pdist::tools
