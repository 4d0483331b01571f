#pragma once
// Worlds that several tests use.

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/world.hpp"

namespace p2pdist::test {

using namespace std::chrono_literals;

/// What a test is run with: one seed in the quick run, under sanitizers; three with P2PDIST_LONG_TESTS.
inline std::vector<std::uint64_t> seeds() {
    return std::getenv("P2PDIST_LONG_TESTS") != nullptr ? std::vector<std::uint64_t>{1, 2, 3} : std::vector<std::uint64_t>{1};
}

/// Central, two branches, and a Wi-Fi child of the first.
inline topology demo_offices() {
    return *parse_spreadsheet(
        "Office,Type,Parent,Subnet\n"
        "Central,Default,,10.0.0.0/24\n"
        "Boston,Default,Central,10.1.0.0/24\n"
        "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/24\n"
        "Delft,Default,Central,10.2.0.0/24\n");
}

/// The roll-out of the demonstration: two clients in the centre, three in each branch, two on Wi-Fi.
struct demo_world {
    static sim::world_options options_of(std::uint64_t seed) {
        sim::world_options options(demo_offices());
        options.seed = seed;
        return options;
    }
    explicit demo_world(std::uint64_t seed = 1) : demo_world(options_of(seed)) {}
    explicit demo_world(sim::world_options options) : w(std::move(options)) {
        add("Central", 2);
        add("Boston", 3);
        add("Delft", 3);
        add("Boston Wi-Fi", 2);
    }
    void add(const std::string& office, int count) {
        for (int i = 0; i < count; ++i) clients[office].push_back(w.add_client({.office = office}));
    }
    void fetch_all(const sim::generated_content& content) {
        for (const auto& [office, members] : clients) {
            for (const auto who : members) w.fetch(who, content);
        }
    }

    sim::world w;
    std::map<std::string, std::vector<sim::client_index>> clients;
};

/// What went wrong, for INFO: the fetches that are not complete.
inline std::string unfinished(sim::world& w) {
    std::string out;
    for (const auto& each : w.fetches()) {
        if (each.complete()) continue;
        out += w.address_of(each.client).to_string() + " in " + w.office_of(each.client) + ": ";
        if (each.failure) {
            out += each.failure->message;
        } else if (!w.is_up(each.client)) {
            out += "down";
        } else if (const auto progress = w.core(each.client).progress(each.content.id)) {
            out += std::string(to_string(progress->state)) + " " + std::to_string(progress->verified_bytes) + " " + progress->reason;
        } else {
            out += "nothing begun";
        }
        out += '\n';
    }
    return out;
}

}  // namespace p2pdist::test
