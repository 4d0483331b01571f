#include "p2pdist/ranking/ranking.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

std::string rank_explanation::to_string() const {
    return winner.to_string() + " before " + loser.to_string() + ": " + criterion + " " + winner_value + ", " + loser_value;
}

ranking::ranking(std::vector<criterion> criteria) : criteria_(std::move(criteria)) {
    for (const auto& each : criteria_) {
        if (each.name.empty() || !each.compare)
            throw std::system_error(make_error_code(errc::invalid_argument), "a criterion of a ranking needs a name and a compare function");
    }
}

ranking ranking::standard(const ranking_steps& steps) { return ranking(standard_criteria(steps)); }

std::weak_ordering ranking::compare(const candidate& left, const candidate& right) const {
    for (const auto& each : criteria_) {
        if (const auto order = each.compare(left.profile, right.profile); order != 0) return order;
    }
    return left.id <=> right.id;
}

void ranking::sort(std::vector<candidate>& candidates) const {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [this](const candidate& left, const candidate& right) { return compare(left, right) < 0; });
}

rank_explanation ranking::explain(const candidate& left, const candidate& right) const {
    const bool left_wins = compare(left, right) <= 0;
    const auto& winner = left_wins ? left : right;
    const auto& loser = left_wins ? right : left;
    for (const auto& each : criteria_) {
        if (each.compare(left.profile, right.profile) == 0) continue;
        const auto describe = [&](const device_profile& profile) { return each.describe ? each.describe(profile) : std::string("?"); };
        return {winner.id, loser.id, each.name, describe(winner.profile), describe(loser.profile)};
    }
    return {winner.id, loser.id, "client_id", winner.id.to_string(), loser.id.to_string()};
}

}  // namespace p2pdist
