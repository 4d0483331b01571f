// p2pdist-sim: run, fuzz.

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>

#include "common/program.hpp"
#include "p2pdist/sim/fuzz.hpp"
#include "sim/picture.hpp"
#include "sim/prediction.hpp"
#include "sim/scenario.hpp"

using namespace p2pdist;

namespace {

struct options {
    std::string scenario;
    std::optional<std::uint64_t> seed, seeds;
    std::optional<double> time;
    std::string picture;
    bool json = false, trace = false, crashes = false, no_advice = false;
};

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

int run(const options& given) {
    auto what = tools::read_scenario(given.scenario);
    if (given.seed) what.seed = *given.seed;
    const auto prediction = given.no_advice ? sim::predict(what) : sim::predict_with_advice(what);
    if (given.json) std::cout << tools::document_of(prediction).dump() << '\n';
    else tools::print_prediction(prediction);
    if (!given.picture.empty()) write_file(given.picture, tools::picture_of(prediction));
    return prediction.complete ? tools::done : tools::failed;
}

void show(const options& given, std::uint64_t seed, const sim::fuzz_outcome& outcome) {
    if (given.json) {
        std::cout << tools::json{{"seed", seed}, {"ok", outcome.ok()}, {"world", outcome.world}, {"failure", outcome.failure}, {"events", outcome.events},
                                 {"simulated_seconds", std::chrono::duration<double>(outcome.simulated).count()}, {"trace_hash", outcome.trace_hash}}
                         .dump()
                  << std::endl;
    } else if (!outcome.ok()) {
        std::cout << "seed " << seed << ": " << outcome.world << "\n  " << outcome.failure << "\n  replay: p2pdist-sim fuzz " << (given.crashes ? "--crashes " : "") << "--seed " << seed << " --trace"
                  << std::endl;
    }
}

/// One seed that was given, or many; every failure is shown, and decides the exit code.
int fuzz(const options& given) {
    const bool many = given.seeds || given.time;
    const auto first = given.seed.value_or(1);
    const auto count = given.seeds.value_or(many ? UINT64_MAX : given.seed ? 1 : 100);
    const auto begin = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    sim::trace::line_sink lines;
    if (given.trace) lines = [](std::string_view line) { std::cout << line << '\n'; };
    std::uint64_t ran = 0, failures = 0;
    for (; ran < count && (!given.time || elapsed() < *given.time); ++ran) {
        const auto outcome = given.crashes ? sim::run_crash_world(first + ran, lines) : sim::run_random_world(first + ran, lines);
        show(given, first + ran, outcome);
        if (!outcome.ok()) ++failures;
    }
    if (!given.json) std::cout << ran << " worlds, " << failures << " failures, " << static_cast<std::uint64_t>(elapsed()) << " s\n";
    return failures == 0 ? tools::done : tools::failed;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The simulator of libp2pdist: predicts a roll-out over a topology, and searches random worlds for faults."};
    app.require_subcommand(1);
    options given;
    std::function<int()> action;

    auto* running = app.add_subcommand("run", "Predict a roll-out: times, bytes over each link, the bottleneck and what would help");
    running->callback([&] { action = [&] { return run(given); }; });
    running->add_option("SCENARIO", given.scenario, "A TOML file; docs/simulator.md describes it")->required()->check(CLI::ExistingFile);
    running->add_option("--seed", given.seed, "Instead of the scenario's");
    running->add_flag("--json", given.json, "Print one JSON document");
    running->add_option("--svg", given.picture, "Write a picture of the roll-out over time to this file");
    running->add_flag("--no-advice", given.no_advice, "One simulation only: don't try what would help");

    auto* fuzzing = app.add_subcommand("fuzz", "Random worlds with faults; prints the seed and a command that replays each failure");
    fuzzing->callback([&] { action = [&] { return fuzz(given); }; });
    fuzzing->add_option("--seeds", given.seeds, "How many worlds; default: 100, or the one of --seed");
    fuzzing->add_option("--seed", given.seed, "The first seed");
    fuzzing->add_option("--time", given.time, "Seconds after which no further world is begun")->check(CLI::PositiveNumber);
    fuzzing->add_flag("--crashes", given.crashes, "Very small worlds whose server and clients die all the time: what was acknowledged must be there");
    fuzzing->add_flag("--json", given.json, "Print one JSON object a world");
    fuzzing->add_flag("--trace", given.trace, "Print the trace of each world: every datagram and event");

    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
