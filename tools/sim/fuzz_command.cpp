#include "sim/fuzz_command.hpp"

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>

#include "p2pdist/base/canary.hpp"
#include "p2pdist/sim/fuzz.hpp"

namespace p2pdist::tools {
namespace {

struct fuzz_options {
    std::optional<std::uint64_t> seed, seeds;
    std::optional<double> time;
    double shrink_seconds = 30;
    bool json = false, trace = false, crashes = false, print = false;
    std::string canary;
};
struct play_options {
    std::string file;
    bool trace = false, measure = false, json = false;
    std::string canary;
};

/// Seconds since it was made.
class stopwatch {
public:
    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

sim::trace::line_sink lines_if(bool wanted) {
    if (!wanted) return {};
    return [](std::string_view line) { std::cout << line << '\n'; };
}

/// Only a canary build has any.
bool choose_canary([[maybe_unused]] const std::string& name) {
    if (name.empty()) return true;
#ifdef P2PDIST_CANARY
    for (const auto each : all_canaries) {
        if (to_string(each) != name) continue;
        chosen_canary() = each;
        return true;
    }
    std::cerr << "there is no canary '" << name << "'\n";
#else
    std::cerr << "this build has no canaries: configure with -DP2PDIST_CANARY=ON\n";
#endif
    return false;
}

void print_indented(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) std::cout << "    " << line << '\n';
}

void show_failure(const fuzz_options& given, std::uint64_t seed, const sim::fuzz_outcome& outcome) {
    std::cout << "seed " << seed << ": " << outcome.world << "\n  " << outcome.failure << "\n  replay: p2pdist-sim fuzz " << (given.crashes ? "--crashes " : "")
              << "--seed " << seed << " --trace" << std::endl;
    if (given.crashes || given.shrink_seconds <= 0) return;
    const stopwatch watch;
    const std::function<bool()> go_on = [&] { return watch.seconds() < given.shrink_seconds; };
    const auto small = sim::shrink(sim::random_script(seed), outcome.broken, go_on);
    const auto again = sim::play(small.smallest);
    std::cout << "  made small in " << small.runs << " worlds; save it as FILE, and p2pdist-sim play FILE --trace plays it (" << again.broken << ": " << again.failure << ")\n";
    print_indented(sim::to_text(small.smallest));
    std::cout << std::flush;
}

void show(const fuzz_options& given, std::uint64_t seed, const sim::fuzz_outcome& outcome) {
    if (given.json) {
        std::cout << json{{"seed", seed}, {"ok", outcome.ok()}, {"world", outcome.world}, {"broken", outcome.broken}, {"failure", outcome.failure},
                          {"events", outcome.events}, {"simulated_seconds", to_seconds(outcome.simulated)},
                          {"trace_hash", outcome.trace_hash}}
                         .dump()
                  << std::endl;
    } else if (!outcome.ok()) {
        show_failure(given, seed, outcome);
    }
}

/// One seed that was given, or many; every failure is shown, and decides the exit code.
int fuzz(const fuzz_options& given) {
    if (!choose_canary(given.canary)) return usage;
    const bool many = given.seeds || given.time;
    const auto first = given.seed.value_or(1);
    const auto count = given.seeds.value_or(many ? UINT64_MAX : given.seed ? 1 : 100);
    if (given.print) return std::cout << sim::to_text(sim::random_script(first)), done;
    const stopwatch watch;
    std::uint64_t ran = 0, failures = 0;
    for (; ran < count && (!given.time || watch.seconds() < *given.time); ++ran) {
        const auto lines = lines_if(given.trace);
        const auto outcome = given.crashes ? sim::run_crash_world(first + ran, lines) : sim::run_random_world(first + ran, lines);
        show(given, first + ran, outcome);
        if (outcome.ok()) continue;
        ++failures;
        if (!given.canary.empty()) break;   // it was found
    }
    const bool out_of_time = given.time && given.seeds && ran < count && given.canary.empty();
    if (out_of_time && given.json) std::cerr << ran << " of " << count << " worlds: --time has run out\n";
    if (!given.json) {
        std::cout << ran << (out_of_time ? " of " + std::to_string(count) + " worlds (--time has run out), " : " worlds, ") << failures << " failures, "
                  << static_cast<std::uint64_t>(watch.seconds()) << " s\n";
    }
    return failures == 0 ? done : failed;
}

int play(const play_options& given) {
    if (!choose_canary(given.canary)) return usage;
    std::ifstream file(given.file);
    std::stringstream text;
    text << file.rdbuf();
    const auto parsed = sim::parse_script(text.str());
    if (!parsed) {
        std::cerr << given.file << ": " << parsed.error().message << '\n';
        return usage;
    }
    const auto outcome = sim::play(*parsed, lines_if(given.trace));
    if (given.json) {
        std::cout << json{{"ok", outcome.ok()}, {"broken", outcome.broken}, {"failure", outcome.failure}, {"line", outcome.line}, {"measured", outcome.measured},
                          {"events", outcome.events}, {"simulated_seconds", to_seconds(outcome.simulated)},
                          {"trace_hash", outcome.trace_hash}}
                         .dump()
                  << '\n';
        return outcome.ok() ? done : failed;
    }
    if (given.measure) {
        for (const auto& each : outcome.measured) std::cout << each << '\n';
    }
    if (!outcome.ok()) std::cout << given.file << ": line " << outcome.line << ": " << outcome.broken << ": " << outcome.failure << '\n';
    else std::cout << given.file << ": ok, " << std::chrono::duration_cast<std::chrono::seconds>(outcome.simulated).count() << " simulated seconds\n";
    return outcome.ok() ? done : failed;
}

}  // namespace

void add_fuzz_commands(CLI::App& app, std::function<int()>& action) {
    const auto given = std::make_shared<fuzz_options>();
    auto* fuzzing = app.add_subcommand("fuzz", "Random worlds with faults: each seed is a world with its own mix of them, watched by every oracle. A failure is printed with its "
                                               "seed, one command that replays it, and a smaller world that fails in the same way");
    fuzzing->callback([&action, given] { action = [given] { return fuzz(*given); }; });
    fuzzing->add_option("--seeds", given->seeds, "How many worlds; default: 100, or the one of --seed")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
    fuzzing->add_option("--seed", given->seed, "The first seed");
    fuzzing->add_option("--time", given->time, "Seconds after which no further world is begun")->check(CLI::PositiveNumber);
    fuzzing->add_option("--shrink", given->shrink_seconds, "Seconds to make a failing world small; 0: not at all")->capture_default_str();
    fuzzing->add_flag("--crashes", given->crashes, "Very small worlds whose server and clients die all the time: what was acknowledged must be there");
    fuzzing->add_flag("--print", given->print, "Print the seed's world as text instead of playing it");
    fuzzing->add_flag("--json", given->json, "Print one JSON object a world");
    fuzzing->add_flag("--trace", given->trace, "Print the trace of each world: every datagram and event");
    fuzzing->add_option("--canary", given->canary, "In a canary build: the deliberate bug to be found; ends with the first failure");

    const auto played = std::make_shared<play_options>();
    auto* playing = app.add_subcommand("play", "Play a world written as text: a conversation, a golden scenario, or what fuzz made small");
    playing->callback([&action, played] { action = [played] { return play(*played); }; });
    playing->add_option("FILE", played->file, "Statements, one a line")->required()->check(CLI::ExistingFile);
    playing->add_flag("--measure", played->measure, "Print what each bound has measured");
    playing->add_flag("--json", played->json, "Print one JSON object");
    playing->add_flag("--trace", played->trace, "Print the trace: every datagram and event");
    playing->add_option("--canary", played->canary, "In a canary build: a deliberate bug");
    playing->footer("Statements:\n" + sim::script_help());
}

}  // namespace p2pdist::tools
