#include "p2pdist/sim/fuzz.hpp"

#include "random_script.hpp"

namespace p2pdist::sim {
namespace {

/// What is in it, in a line.
std::string brief(const script& what) {
    std::size_t offices = 0, clients = 0, faults = 0;
    std::string content;
    for (const auto& line : what.lines) {
        offices += line.verb() == "office" ? 1u : 0u;
        clients += line.verb() == "add" ? 1u : 0u;
        faults += line.after && line.verb() != "fetch" ? 1u : 0u;
        if (line.verb() != "content") continue;
        content = line.words[2] + " bytes";
        for (std::size_t i = 3; i < line.words.size(); ++i) content += ' ' + line.words[i];
    }
    return std::to_string(offices) + " offices, " + std::to_string(clients) + " devices, " + content + ", " + std::to_string(faults) + " faults";
}

}  // namespace

script random_script(std::uint64_t seed) { return make_random_script(seed); }

fuzz_outcome run_random_world(std::uint64_t seed, trace::line_sink lines) {
    const auto what = make_random_script(seed);
    const auto played = play(what, std::move(lines));
    return {played.ok() ? std::string() : played.broken + ": " + played.failure, played.broken, brief(what), played.trace_hash, played.events, played.simulated};
}

}  // namespace p2pdist::sim
