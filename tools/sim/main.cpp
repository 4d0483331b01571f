// p2pdist-sim: run, fuzz, play.

#include <fstream>
#include <iostream>

#include "common/program.hpp"
#include "sim/fuzz_command.hpp"
#include "sim/picture.hpp"
#include "sim/prediction.hpp"
#include "sim/scenario.hpp"

using namespace p2pdist;

namespace {

struct options {
    std::string scenario;
    std::optional<std::uint64_t> seed;
    std::string picture;
    bool json = false, no_advice = false;
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

    tools::add_fuzz_commands(app, action);
    tools::finish_options(app);
    return tools::run_program(app, argc, argv, [&] { return action(); });
}
