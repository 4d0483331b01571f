#include "fuzz_plan.hpp"

#include <algorithm>

#include "p2pdist/office/spreadsheet.hpp"

namespace p2pdist::sim {
namespace {

constexpr std::size_t clients_max = 12;

duration between(random_source& random, duration low, duration high) {
    return low + duration(static_cast<duration::rep>(random.below(static_cast<std::uint64_t>((high - low).count()))));
}

std::uint64_t size_of(random_source& random) {
    switch (random.below(8)) {
        case 0: return random.below(3);
        case 1: return chunk_bytes - 1 + random.below(3);
        default: return random.below(6u << 20);
    }
}

void spoil(random_source& random, link_settings& line, double share) {
    line.loss = share * 0.05 * random.unit();
    line.reorder = share * 0.1 * random.unit();
    line.duplicate = share * 0.02 * random.unit();
    line.jitter = between(random, duration(1), std::chrono::milliseconds(5));
}

}  // namespace

fuzz_plan::fuzz_plan(std::uint64_t seed) {
    random_source random(seed);
    with = static_cast<trouble>(random.below(3));

    spreadsheet = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n";
    offices = {"Central"};
    std::vector<std::string> parents = {"Central"};
    const auto count = 2 + random.below(3);
    for (std::uint64_t i = 1; i < count; ++i) {
        const auto name = "Office" + std::to_string(i);
        const auto draw = random.below(8);
        const auto* type = draw == 0 ? "VPN" : draw <= 2 ? "Wi-Fi" : "Default";
        spreadsheet += name + ',' + type + ',' + parents[random.below(parents.size())] + ",10." + std::to_string(i) + ".0.0/24\n";
        offices.push_back(name);
        if (draw > 2) parents.push_back(name);
    }
    for (const auto& office : offices) {
        const auto members = 1 + random.below(4);
        for (std::uint64_t i = 0; i < members && client_offices.size() < clients_max; ++i) client_offices.push_back(office);
    }

    slowest_mbits = 1000;
    network.lan = line(random.below(2) == 0 ? 100 : 1000, std::chrono::microseconds(50 + random.below(500)), std::chrono::milliseconds(5));
    for (const auto& office : offices) {
        const auto mbits = 2.0 + 98.0 * random.unit() * random.unit();
        slowest_mbits = std::min(slowest_mbits, mbits);
        office_lines lines;
        lines.wan_down = line(mbits, between(random, std::chrono::milliseconds(1), std::chrono::milliseconds(80)),
                              between(random, std::chrono::milliseconds(30), std::chrono::milliseconds(300)));
        lines.wan_up = line(mbits * (0.2 + 0.8 * random.unit()), lines.wan_down->delay, std::chrono::milliseconds(100));
        if (with != trouble::none) {
            spoil(random, *lines.wan_down, 1);
            spoil(random, *lines.wan_up, 1);
        }
        network.offices[office] = lines;
    }
    if (with != trouble::none) spoil(random, network.lan, 0.2);

    const auto origin_draw = random.below(10);
    from = origin_draw < 6 ? origin::server : origin_draw < 8 ? origin::holder : origin_draw == 8 ? origin::cdn : origin::file_store;
    size_bytes = size_of(random);
    kind = random.below(7) == 0 ? hash_kind::sha256 : hash_kind::sha256_tree;
    for (std::size_t i = 0; i < client_offices.size(); ++i) asks.push_back(between(random, duration(0), std::chrono::seconds(10)));
    if (with != trouble::deaths) return;
    const auto deaths = 1 + random.below(4);
    for (std::uint64_t i = 0; i < deaths; ++i) {
        const auto who = random.below(client_offices.size() + 2);
        faults.push_back({between(random, duration(0), std::chrono::seconds(20)),
                          who < client_offices.size() ? std::optional<std::size_t>(who) : std::nullopt,
                          between(random, std::chrono::milliseconds(100), std::chrono::seconds(20))});
    }
}

world_options fuzz_plan::options(std::uint64_t seed) const {
    world_options out(*parse_spreadsheet(spreadsheet));
    out.network = network;
    out.seed = seed;
    out.server_file_store = from == origin::server;
    out.heartbeat = std::chrono::seconds(20);
    if (from == origin::cdn) out.cdn = "https://cdn.example/packages";
    out.events_per_second_max = 3'000'000;
    return out;
}

std::string fuzz_plan::text() const {
    static constexpr const char* troubles[] = {"no faults", "bad lines", "bad lines and deaths"};
    static constexpr const char* origins[] = {"server", "holder", "CDN", "file store"};
    return std::to_string(offices.size()) + " offices, " + std::to_string(client_offices.size()) + " clients, " + std::to_string(size_bytes) +
           " bytes (" + std::string(to_string(kind)) + ") from the " + origins[static_cast<std::size_t>(from)] + ", slowest WAN " +
           std::to_string(static_cast<int>(slowest_mbits)) + " Mbit/s, " + troubles[static_cast<std::size_t>(with)] + " (" +
           std::to_string(faults.size()) + ")";
}

duration fuzz_plan::budget() const {
    const auto copy_seconds = static_cast<double>(size_bytes) * 8 / (slowest_mbits * 1e6);
    return std::chrono::minutes(10) + std::chrono::duration_cast<duration>(std::chrono::duration<double>(40 * copy_seconds));
}

duration fuzz_plan::last_fault() const {
    duration last = *std::max_element(asks.begin(), asks.end());
    for (const auto& fault : faults) last = std::max(last, fault.at + fault.back_after);
    return last;
}

}  // namespace p2pdist::sim
