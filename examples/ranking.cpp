// The ranking alone: order devices as the system does, ask why, and change the criteria.

#include <iostream>
#include <p2pdist/ranking/ranking.hpp>

namespace {

p2pdist::candidate device(const char* id, std::uint64_t free_gib, p2pdist::device_model model, std::chrono::hours uptime) {
    p2pdist::candidate out;
    out.id = p2pdist::client_id::parse(id).value();
    out.profile.free_storage_bytes = free_gib << 30;
    out.profile.model = model;
    out.profile.uptime = uptime;
    return out;
}

void print(const p2pdist::ranking& order, std::vector<p2pdist::candidate> devices) {
    order.sort(devices);
    for (std::size_t i = 0; i + 1 < devices.size(); ++i) std::cout << order.explain(devices[i], devices[i + 1]).to_string() << '\n';
}

}  // namespace

int main() {
    using namespace std::chrono_literals;
    const std::vector devices{
        device("0000000000000000000000000000000a", 80, p2pdist::device_model::laptop, 2h),
        device("0000000000000000000000000000000b", 80, p2pdist::device_model::desktop, 100h),
        device("0000000000000000000000000000000c", 250, p2pdist::device_model::laptop, 1h),
        device("0000000000000000000000000000000d", 80, p2pdist::device_model::desktop, 700h),
    };
    std::cout << "The six standard criteria:\n";
    print(p2pdist::ranking::standard(), devices);

    // A criterion is a value: here is one of our own before the standard ones.
    auto criteria = p2pdist::standard_criteria();
    criteria.insert(criteria.begin(), {"restarted_today",
                                       [](const p2pdist::device_profile& left, const p2pdist::device_profile& right) -> std::weak_ordering {
                                           return (left.uptime < 24h) <=> (right.uptime < 24h);  // what ran longer comes first
                                       },
                                       [](const p2pdist::device_profile& profile) { return profile.uptime < 24h ? "yes" : "no"; }});
    std::cout << "\nDevices that did not restart today first:\n";
    print(p2pdist::ranking(criteria), devices);
}
