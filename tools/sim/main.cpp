// p2pdist-sim: run, fuzz, play.

#include <fstream>
#include <iostream>
#include <new>

#include "common/program.hpp"
#include "sim/fuzz_command.hpp"
#include "sim/picture.hpp"
#include "sim/prediction.hpp"
#include "sim/progress.hpp"
#include "sim/scenario.hpp"

using namespace p2pdist;

namespace {

struct options {
    std::string scenario;
    std::optional<std::uint64_t> seed;
    std::size_t seeds = 1;
    std::string picture;
    bool json = false, no_advice = false, progress = false;
};

/// Before anything is simulated: a run may take hours. What is there stays.
void check_writable(const std::string& path) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    if (!file) throw std::runtime_error("cannot write " + path);
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

int run(const options& given) {
    auto what = tools::read_scenario(given.scenario);
    if (given.seed) what.seed = *given.seed;
    if (const auto why = sim::refusal_of(what)) throw std::runtime_error(given.scenario + ": " + *why);
    tools::check_memory(what);
    if (!given.picture.empty()) check_writable(given.picture);
    tools::progress_line progress(given.progress);
    auto prediction = given.no_advice ? sim::predict(what, progress.sink()) : sim::predict_with_advice(what, progress.sink());
    if (given.seeds > 1) sim::add_ranges(what, given.seeds, prediction, progress.sink());
    progress.clear();
    if (given.json)
        std::cout << tools::document_of(prediction).dump() << '\n';
    else
        tools::print_prediction(prediction);
    if (!given.picture.empty()) write_file(given.picture, tools::picture_of(prediction));
    return prediction.complete ? tools::done : tools::failed;
}

/// An answer that nobody could read is none: a full disk, a closed pipe.
int with_checked_output(int code) {
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "p2pdist: the output could not be written\n";
    return tools::failed;
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
    running
        ->add_option("--seeds", given.seeds,
                     "Simulate so many seeds, and print the least, the median and the greatest times; all else is of the first")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    running->add_flag("--progress", given.progress, "Say on standard error where the simulation is, also where that is no terminal");
    running->add_flag("--no-advice", given.no_advice, "One simulation only: don't try what would help");

    tools::add_fuzz_commands(app, action);
    tools::finish_options(app);
    return with_checked_output(tools::run_program(app, argc, argv, [&] {
        try {
            return action();
        } catch (const std::bad_alloc&) {
            std::cerr << "p2pdist: there is not enough memory for this simulation: take a smaller content, or fewer clients\n";
            return static_cast<int>(tools::failed);
        }
    }));
}
