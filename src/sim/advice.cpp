// What would help a roll-out: changes that concern the offices that end last, each tried by another simulation.

#include <algorithm>
#include <set>

#include "p2pdist/base/amount.hpp"
#include "roll_out_lines.hpp"
#include "roll_out_verdict.hpp"

namespace p2pdist::sim {
namespace {

/// Below this share of the time without it helps.
constexpr double worth_telling = 0.97;
constexpr std::size_t trials_max = 6;
/// A line, LAN or air that is not faster than so many times the limiting one limits next.
constexpr double about_equal = 1.9;
/// A delay below this is not worth a trial.
constexpr duration delay_min = std::chrono::milliseconds(2);
/// From this use on of what limits, delays and jitter are no reason.
constexpr double full_from = 0.9;

struct trial {
    remedy what;
    roll_out_plan plan;
};

double rate(std::uint64_t bytes_per_second) { return static_cast<double>(bytes_per_second); }
std::string possessive(const std::vector<std::string>& names, const std::string& thing) {
    return names.size() == 1 ? names.front() + "'s " + thing : "the " + thing + "s of " + list_of(names);
}

/// What limits the slow offices, and the changes to try.
class trials {
public:
    trials(const roll_out_plan& plan, const prediction& found) : plan_(plan), found_(found), slow_(slow_ones(found)) {}

    std::vector<trial> make() {
        if (slow_.empty()) return {};
        if (found_.bottleneck.kind == limit_kind::unfinished && got_nothing()) {
            add_prepared();
            return std::move(out_);
        }
        const bool rates_count = slow_.front()->waits_for.kind != limit_kind::none;
        if (!rates_count) add_weather();
        add_lines();
        add_insides();
        add_prepared();
        if (rates_count) add_weather();
        if (out_.size() > trials_max) out_.erase(out_.begin() + trials_max, out_.end());
        return std::move(out_);
    }

private:
    using names = std::vector<std::string>;
    static void add_name(names& to, const std::string& name) {
        if (std::ranges::find(to, name) == to.end()) to.push_back(name);
    }
    [[nodiscard]] bool got_nothing() const {
        return std::ranges::all_of(slow_, [](const auto* each) { return each->share.empty() || each->share.back() <= 0; });
    }
    [[nodiscard]] names in_order(names offices) const {
        std::ranges::sort(offices, {}, [&](const auto& name) { return *plan_.offices.find(name); });
        return offices;
    }
    trial& add(remedy_kind kind, names offices, double factor, std::string direction = {}) {
        out_.push_back({{kind, std::move(offices), std::move(direction), factor, {}, true, {}}, plan_});
        return out_.back();
    }

    /// What an office may wait for: the busiest may give way where another one is wider, so all that were busy count. Where nothing was, what was
    /// so for a part of the time.
    static std::vector<use_limit> limits_of(const office_prediction& office, const prediction& found) {
        if (!office.busy.empty() || office.waits_for.use < busy_from / 2) return office.busy;
        auto limit = office.waits_for;
        const auto line = std::ranges::find(found.lines, limit.office, &line_prediction::office);
        const auto inside = std::ranges::find(found.insides, limit.office, &inside_prediction::office);
        const auto inside_use = inside == found.insides.end() ? 0.0 : inside->mean_use;
        const bool is_line = line != found.lines.end() && inside_use < std::max(line->down_use, line->up_use);
        if (is_line) {
            limit.kind = line->up_use > line->down_use ? limit_kind::line_up : limit_kind::line_down;
        } else if (inside != found.insides.end()) {
            limit.kind = inside->wireless ? limit_kind::air : limit_kind::lan;
        }
        return {limit};
    }

    /// Of each line that slow offices wait for, and of all on their ways that are about as slow.
    void add_lines() {
        for (const bool up : {false, true}) {
            names limiting, ways;
            for (const auto* each : slow_) {
                for (const auto& limit : limits_of(*each, found_)) {
                    if (limit.kind != (up ? limit_kind::line_up : limit_kind::line_down)) continue;
                    add_name(limiting, limit.office);
                    const auto slowest = rate_of(limit.office, up);
                    for (const auto& name : way_of(plan_, each->office)) {
                        if (rate_of(name, up) < slowest * about_equal) add_name(ways, name);
                    }
                }
            }
            if (limiting.size() == 1) add_faster_lines(limiting, up);
            if (ways.size() > 1) add_faster_lines(in_order(ways), up);   // one of several that are about as slow helps nobody
        }
    }
    [[nodiscard]] double rate_of(const std::string& office, bool up) const {
        const auto wan = wan_of(plan_, office);
        return rate(up ? wan.up.bytes_per_second : wan.down.bytes_per_second);
    }
    void add_faster_lines(const names& offices, bool up) {
        auto& made = add(remedy_kind::line_rate, offices, 2, up ? "up" : "down");
        std::uint64_t first = 0;
        for (const auto& office : offices) {
            change_wan(made.plan, office, [&](line_pair& wan) {
                auto& line = up ? wan.up : wan.down;
                line.bytes_per_second *= 2;
                line.policer.bytes_per_second *= 2;
                if (line.queue_bytes < UINT64_MAX / 2) line.queue_bytes *= 2;   // it holds as much time
                if (first == 0) first = line.bytes_per_second;
            });
        }
        made.what.change = "twice the rate of " + possessive(offices, "line") + (up ? " to " : " from ") +
                           (offices.size() == 1 ? "its parent (" : "their parents (") + (up ? "up: " : "down: ") + rate_words(first) +
                           (offices.size() == 1 ? ")" : " and so on)");
    }

    /// LANs and airs that slow offices wait for, and those on their ways that are about as slow.
    void add_insides() {
        names lans, airs;
        for (const auto* each : slow_) {
            for (const auto& limit : limits_of(*each, found_)) {
                const auto inside = std::ranges::find(found_.insides, limit.office, &inside_prediction::office);
                if ((limit.kind != limit_kind::lan && limit.kind != limit_kind::air) || inside == found_.insides.end()) continue;
                for (const auto& name : insides_of(plan_, each->office)) {
                    const auto other = std::ranges::find(found_.insides, name, &inside_prediction::office);
                    if (other == found_.insides.end() || other->bytes_per_second == 0 || other->wireless != inside->wireless) continue;
                    if (rate(other->bytes_per_second) < rate(inside->bytes_per_second) * about_equal) add_name(inside->wireless ? airs : lans, name);
                }
            }
        }
        if (!lans.empty()) add_faster_lans(in_order(lans));
        if (airs.empty()) return;
        airs = in_order(airs);
        add_faster_airs(airs);
        auto& wired = add(remedy_kind::wired, airs, 1);
        for (const auto& office : airs) wired.plan.network.offices[office].wired = true;
        wired.what.change =
            "cables for the devices of " + list_of(airs) + " (" + rate_words(lan_of(wired.plan, airs.front()).bytes_per_second) + " each)";
    }
    void add_faster_lans(const names& offices) {
        auto& made = add(remedy_kind::lan_rate, offices, 2);
        for (const auto& office : offices) {
            auto lan = lan_of(plan_, office);
            lan.bytes_per_second *= 2;
            if (lan.queue_bytes < UINT64_MAX / 2) lan.queue_bytes *= 2;
            made.plan.network.offices[office].lan = lan;
        }
        made.what.change = "twice the rate inside " + list_of(offices) + " (LAN: " + rate_words(lan_of(made.plan, offices.front()).bytes_per_second) +
                           " for each host)";
    }
    void add_faster_airs(const names& offices) {
        auto& made = add(remedy_kind::air_rate, offices, 2);
        for (const auto& office : offices) {
            auto air = *air_of(plan_, office);
            air.bytes_per_second *= 2;
            made.plan.network.offices[office].wifi = air;
        }
        made.what.change =
            "twice the rate of the air of " + list_of(offices) + " (" + rate_words(air_of(made.plan, offices.front())->bytes_per_second) + ")";
    }

    void add_prepared() {
        names offices;
        for (const auto* each : slow_) {
            if (clients_of(plan_, each->office) > 0 && !holds_before(plan_, each->office) && plan_.offices.shares(*plan_.offices.find(each->office)))
                offices.push_back(each->office);
        }
        if (offices.empty()) return;
        auto& made = add(remedy_kind::prepared, offices, 1);
        made.plan.prepared.insert(made.plan.prepared.end(), offices.begin(), offices.end());
        made.what.change = offices.size() == 1 ? "one device of " + offices.front() + " that has the package beforehand"
                                               : "one device in each of " + list_of(offices) + " that has the package beforehand";
    }

    /// Loss, jitter and delay of the lines on the slow offices' ways.
    void add_weather() {
        names lossy, jittery, late;
        for (const auto* each : slow_) {
            for (const auto& name : way_of(plan_, each->office)) {
                const auto wan = wan_of(plan_, name);
                if (mean_loss(wan.down) > 0 || mean_loss(wan.up) > 0) add_name(lossy, name);
                if (each->waits_for.kind != limit_kind::none && each->waits_for.use >= full_from) continue;
                if (std::max(wan.down.jitter, wan.up.jitter) > duration::zero()) add_name(jittery, name);
                if (std::max(wan.down.delay, wan.up.delay) >= delay_min) add_name(late, name);
            }
        }
        for (auto* each : {&lossy, &jittery, &late}) *each = in_order(*each);
        if (!lossy.empty()) {
            const auto most = mean_loss(wan_of(plan_, lossy.front()).down);
            add_weather_trial(remedy_kind::loss, lossy, 0, "no loss on " + possessive(lossy, "line") + " (now " + fixed(most * 100, 2) + " %)",
                              [](link_settings& line) { line.loss = line.bursts.enter = 0; });
        }
        if (!jittery.empty()) {
            const auto most = to_seconds(wan_of(plan_, jittery.front()).down.jitter) * 1e3;
            add_weather_trial(remedy_kind::jitter, jittery, 0, "no jitter on " + possessive(jittery, "line") + " (now " + fixed(most, 1) + " ms)",
                              [](link_settings& line) { line.jitter = {}; });
        }
        if (late.empty()) return;
        const auto most = to_seconds(wan_of(plan_, late.front()).down.delay) * 1e3;
        add_weather_trial(remedy_kind::delay, late, 0.5, "half the delay of " + possessive(late, "line") + " (" + fixed(most / 2, 1) + " ms one way)",
                          [](link_settings& line) { line.delay /= 2; });
    }
    void add_weather_trial(remedy_kind kind, const names& offices, double factor, std::string change,
                           const std::function<void(link_settings&)>& how) {
        auto& made = add(kind, offices, factor, "both");
        made.what.change = std::move(change);
        for (const auto& office : offices) {
            change_wan(made.plan, office, [&](line_pair& wan) {
                how(wan.down);
                how(wan.up);
            });
        }
    }

    const roll_out_plan& plan_;
    const prediction& found_;
    std::vector<const office_prediction*> slow_;
    std::vector<trial> out_;
};

std::string why_nothing_helps(const prediction& of) {
    if (of.in_vain.empty()) return "there is nothing to try: what these offices wait for has no rate, delay or loss that could be changed";
    std::string tried;
    for (const auto& each : of.in_vain) tried += (tried.empty() ? "" : "; ") + each.change;
    return "nothing that was tried ends it 3 % earlier, as no single one of these is what all wait for (" + tried + ")";
}

}  // namespace

prediction predict_with_advice(const roll_out_plan& plan, const progress_sink& progress) {
    auto out = predict(plan, progress);
    auto each_trial = trials(plan, out).make();
    std::size_t number = 1;
    for (auto& each : each_trial) {
        ++number;
        const auto then = predict(
            each.plan, !progress ? progress_sink() : [&](roll_out_progress at) {
                at.what = each.what.change;
                at.number = number;
                at.of = each_trial.size() + 1;
                progress(at);
            });
        each.what.complete = then.complete;
        each.what.took = then.complete ? then.took : then.simulated;
        const bool helps =
            then.complete && (!out.complete || static_cast<double>(then.took.count()) <= static_cast<double>(out.took.count()) * worth_telling);
        (helps ? out.remedies : out.in_vain).push_back(std::move(each.what));
    }
    std::stable_sort(out.remedies.begin(), out.remedies.end(), [](const remedy& left, const remedy& right) { return left.took < right.took; });
    refine_verdict(out);
    if (out.remedies.empty()) out.no_advice = why_nothing_helps(out);
    return out;
}

}  // namespace p2pdist::sim
