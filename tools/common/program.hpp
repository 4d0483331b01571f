#pragma once
// What every program of ours does alike: settings from arguments, environment and a TOML file, exit codes, logging, signals.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/amount.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist::tools {

using json = nlohmann::ordered_json;

/// Exit codes of every program; docs/exit-codes.md lists them.
enum exit_code : int { done = 0, failed = 1, usage = 2, unreachable = 3, refused = 4, interrupted = 130 };
[[nodiscard]] int exit_code_of(errc code) noexcept;

/// Gives the app --version, --config FILE (TOML) and the rule that every option is also P2PDIST_<NAME> in the environment; unknown
/// keys of the file are errors. Call it after all options have been added.
void finish_options(CLI::App& app);
/// Parses, runs `action`, prints errors to standard error, gives the exit code.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& action);
/// Prints "NAME: sentence" to standard error.
int report(const error& why);

struct log_options {
    std::string level = "info";
    void add_to(CLI::App& app);
    [[nodiscard]] log_sink sink() const;   ///< to standard error
};

/// SIGINT and SIGTERM call `stop`, once.
class stop_signals {
public:
    stop_signals(asio::io_context& io, std::function<void()> stop);
    void cancel() { signals_.cancel(); }

private:
    asio::signal_set signals_;
};

/// A key file, with a warning where others than its owner may read it. Throws what read_key_file() says.
[[nodiscard]] secret_key read_key(const std::string& file, const log_sink& log);

// Values of options. Each throws CLI::ValidationError with a sentence.
[[nodiscard]] ip_address parse_address(const std::string& text, const std::string& option);
[[nodiscard]] std::vector<ip_address> parse_addresses(const std::string& text, const std::string& option);
/// "64 GiB", "500MB", "1024"; powers of 1024 for KiB, MiB, ... and of 1000 for kB, MB, ...
[[nodiscard]] std::uint64_t parse_size(const std::string& text, const std::string& option);
/// "90", "90s", "15min", "12h", "30d".
[[nodiscard]] duration parse_duration(const std::string& text, const std::string& option);
/// A number moves the whole block; otherwise a file of lines `name = port`.
[[nodiscard]] port_plan parse_ports(const std::string& text, const std::string& option);

// For people.
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(double seconds);
/// Columns as wide as their widest cell; the first row is the head.
void print_table(const std::vector<std::vector<std::string>>& rows);

/// `firewall --format ...` of each program: the rules that open its role's inbound ports.
void add_firewall_command(CLI::App& app, role of, const std::string& program, std::function<int()>& action);

}  // namespace p2pdist::tools
