// What it costs to order the devices of a large office, beside sorting the same values by a single integer.

#include "p2pdist/ranking/ranking.hpp"

#include <algorithm>

#include "harness.hpp"

namespace {

using namespace p2pdist;

/// Every value drawn by chance, so that the first criteria mostly decide.
std::vector<candidate> varied(std::size_t count) {
    random_source random(1);
    std::vector<candidate> out(count);
    for (auto& each : out) {
        for (auto& byte : each.id.value) byte = static_cast<std::uint8_t>(random() >> 56);
        each.profile.free_storage_bytes = random.below(std::uint64_t{1} << 40);
        each.profile.usable_storage_bytes = random.below(std::uint64_t{1} << 40);
        each.profile.preferred = random.below(50) == 0;
        each.profile.model = random.below(2) == 0 ? device_model::desktop : device_model::laptop;
        each.profile.os = random.below(10) == 0 ? os_kind::server : os_kind::workstation;
        each.profile.uptime = std::chrono::minutes(random.below(60 * 24 * 30));
    }
    return out;
}

/// Devices of one image: all six criteria are asked and only the id tells them apart.
std::vector<candidate> alike(std::vector<candidate> devices) {
    const auto profile = devices.front().profile;
    for (auto& each : devices) each.profile = profile;
    return devices;
}

bool in_order(const ranking& order, const std::vector<candidate>& devices) {
    return std::is_sorted(devices.begin(), devices.end(), [&](const auto& left, const auto& right) { return order.compare(left, right) < 0; });
}

}  // namespace

int main(int argc, char** argv) {
    bench::report report("ranking", argc, argv);
    const auto order = ranking::standard();
    const auto devices = varied(report.tiny() ? 100 : 10'000);
    const auto same = alike(devices);
    const int rounds = report.tiny() ? 1 : 10;  // a single one is too short for the clock
    const auto units = static_cast<double>(devices.size()) * rounds;
    std::vector<candidate> work;

    const auto reference = [&] {
        const auto by_storage = [](const candidate& left, const candidate& right) {
            return left.profile.free_storage_bytes < right.profile.free_storage_bytes;
        };
        for (int round = 0; round < rounds; ++round) {
            work = devices;
            std::sort(work.begin(), work.end(), by_storage);
            bench::require(work.front().profile.free_storage_bytes <= work.back().profile.free_storage_bytes, "std::sort");
        }
    };
    const auto subject_for = [&](const std::vector<candidate>& set) {
        return [&order, &work, &set, rounds] {
            for (int round = 0; round < rounds; ++round) {
                work = set;
                order.sort(work);
                bench::require(order.compare(work.front(), work.back()) < 0, "ranking::sort");
            }
        };
    };

    report.compare("ranking.varied", "candidates", units, reference, subject_for(devices));
    bench::require(in_order(order, work), "the order of varied devices");
    report.compare("ranking.alike", "candidates", units, reference, subject_for(same));
    bench::require(in_order(order, work), "the order of devices that are alike");
    report.print();
}
