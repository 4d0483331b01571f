// What would help a roll-out: changes that concern the office that ends last, each tried by another simulation.

#include <algorithm>

#include "p2pdist/base/amount.hpp"
#include "slowest_office.hpp"

namespace p2pdist::sim {
namespace {

struct trial {
    std::string change;
    roll_out_plan plan;
};

void add_line_trials(const roll_out_plan& plan, const std::string& of, std::vector<trial>& out) {
    auto& lines = plan.network.offices;
    const auto found = lines.find(of);
    const auto down = found != lines.end() && found->second.wan_down ? *found->second.wan_down : plan.network.wan_down;
    const auto up = found != lines.end() && found->second.wan_up ? *found->second.wan_up : plan.network.wan_up;
    if (down.bytes_per_second > 0) {
        trial faster{"twice the rate of " + of + "'s line to its parent (" + rate_text(static_cast<double>(down.bytes_per_second * 2)) + ")", plan};
        auto& changed = faster.plan.network.offices[of];
        changed.wan_down = down;
        changed.wan_down->bytes_per_second *= 2;
        changed.wan_up = up;
        changed.wan_up->bytes_per_second *= 2;
        out.push_back(std::move(faster));
    }
    if (down.loss > 0) {
        trial clean{"no loss on " + of + "'s line to its parent (now " + fixed(down.loss * 100, 2) + " %)", plan};
        auto& changed = clean.plan.network.offices[of];
        changed.wan_down = down;
        changed.wan_up = up;
        changed.wan_down->loss = changed.wan_up->loss = 0;
        out.push_back(std::move(clean));
    }
}

std::vector<trial> trials_of(const roll_out_plan& plan, const prediction& found) {
    std::vector<trial> out;
    const auto* last = slowest(found);
    if (!last) return out;
    const auto index = *plan.offices.find(last->office);
    const bool central = index == plan.offices.central();
    if (!central) add_line_trials(plan, last->limited_by.empty() ? last->office : last->limited_by, out);
    if (const auto count = plan.clients.find(last->office); count != plan.clients.end() && count->second > 0 && last->office != plan.source && plan.offices.shares(index)) {
        trial ahead{"one device of " + last->office + " that has the package beforehand", plan};
        ahead.plan.prepared.push_back(last->office);
        out.push_back(std::move(ahead));
    }
    const auto lines = plan.network.offices.find(last->office);
    const auto lan = lines != plan.network.offices.end() && lines->second.lan ? *lines->second.lan : plan.network.lan;
    if (lan.bytes_per_second > 0 && last->limited_by.empty()) {
        trial inside{"twice the rate inside " + last->office + " (" + rate_text(static_cast<double>(lan.bytes_per_second * 2)) + ")", plan};
        auto& changed = inside.plan.network.offices[last->office].lan;
        changed = lan;
        changed->bytes_per_second *= 2;
        out.push_back(std::move(inside));
    }
    return out;
}

}  // namespace

prediction predict_with_advice(const roll_out_plan& plan) {
    constexpr double worth_telling = 0.97;   // of the time without
    auto out = predict(plan);
    for (auto& each : trials_of(plan, out)) {
        const auto then = predict(each.plan);
        const bool helps = then.complete && (!out.complete || static_cast<double>(then.took.count()) <= static_cast<double>(out.took.count()) * worth_telling);
        if (helps) out.remedies.push_back({std::move(each.change), then.took});
    }
    std::stable_sort(out.remedies.begin(), out.remedies.end(), [](const remedy& left, const remedy& right) { return left.took < right.took; });
    return out;
}

}  // namespace p2pdist::sim
