#include "p2pdist/sim/prediction.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "p2pdist/base/amount.hpp"
#include "roll_out_lines.hpp"
#include "roll_out_recorder.hpp"
#include "roll_out_verdict.hpp"

namespace p2pdist::sim {
namespace {

/// From here on signatures would take most of the time.
constexpr int many_clients = 300;

/// Each office behind its parent, a branch of the hierarchy together.
std::vector<office_index> downwards(const topology& offices) {
    std::vector<office_index> order, open{offices.central()};
    while (!open.empty()) {
        const auto next = open.back();
        open.pop_back();
        order.push_back(next);
        const auto& below = offices.children(next);
        open.insert(open.end(), below.rbegin(), below.rend());
    }
    return order;
}

/// A plan's world, and what came of it.
class roll_out {
public:
    explicit roll_out(const roll_out_plan& plan) : plan_(plan), world_(options_of(plan)), order_(downwards(plan.offices)) {}

    prediction run(const progress_sink& progress) {
        if (progress) progress({});
        prepare();
        recorder_.emplace(world_, plan_, content_->info(), progress);
        const auto begin = world_.now();
        for (const auto& each : plan_.rivals) rivals_.push_back(world_.net().add_rival(each));
        for (const auto& office : plan_.who) {
            for (const auto who : clients_[office]) world_.fetch(who, *content_);
        }
        for (const auto& each : plan_.changes) {
            world_.at(begin + each.at, [this, &each] {
                world_.net().wan_down(each.office).change(each.down);
                world_.net().wan_up(each.office).change(each.up);
            });
        }
        prediction out;
        out.content_bytes = plan_.content_bytes;
        out.seed = plan_.seed;
        out.complete = world_.run_until([&] { return world_.all_fetched(); }, plan_.limit);
        for (const auto& each : world_.fetches()) {
            if (each.complete()) out.took = std::max(out.took, *each.ended - begin);
        }
        out.simulated = world_.now() - begin;
        recorder_->finish(out);
        sort_downwards(out.lines);
        sort_downwards(out.insides);
        out.events = world_.events();
        add_clients(out);
        add_offices(out);
        add_rivals(out, out.simulated);
        out.bottleneck = verdict_of(out);
        return out;
    }

private:
    static world_options options_of(const roll_out_plan& plan) {
        world_options out(plan.offices);
        out.network = plan.network;
        out.seed = plan.seed;
        out.server_file_store = plan.source == "server";
        if (plan.source == "cdn") out.cdn = "https://cdn.example/packages";
        out.cdn_bytes_per_second = plan.cdn_bytes_per_second;
        int clients = 0;
        for (const auto& [office, count] : plan.clients) clients += count;
        out.fast_crypto = clients >= many_clients;   // no byte on a line is another for it
        return out;
    }

    void prepare() {
        for (const auto& [office, count] : plan_.clients) {
            for (int i = 0; i < count; ++i) {
                device each;
                each.office = office;
                each.file_store = plan_.source == "file_store";
                clients_[office].push_back(world_.add_client(each));
            }
        }
        world_.set_up();
        content_ = world_.make_content("package", plan_.content_bytes, plan_.kind);
        placement_choice where;
        where.cdn = plan_.source == "cdn";
        where.file_store = plan_.source == "file_store";
        world_.publish(*content_, where);
        std::set<std::string> holders(plan_.prepared.begin(), plan_.prepared.end());
        if (clients_.contains(plan_.source)) holders.insert(plan_.source);
        for (const auto& office : holders) {
            if (const auto found = clients_.find(office); found != clients_.end() && !found->second.empty())
                world_.import(found->second.front(), *content_);
        }
        if (!holders.empty()) world_.run_for(std::chrono::seconds(10));   // until the server knows of it
    }

    template <class Row>
    void sort_downwards(std::vector<Row>& rows) const {
        std::map<std::string, std::size_t> rank;
        for (const auto index : order_) rank.emplace(plan_.offices[index].name, rank.size());
        std::sort(rows.begin(), rows.end(), [&](const auto& left, const auto& right) { return rank.at(left.office) < rank.at(right.office); });
    }

    void add_clients(prediction& out) {
        for (const auto& each : world_.fetches()) {
            client_prediction row{world_.office_of(each.client), world_.address_of(each.client), each.complete(), {}, {}, each.split};
            if (each.ended) row.took = each.took();
            if (each.failure)
                row.failure = each.failure->message;
            else if (!each.ended)
                row.failure = waits_of(each.client);
            out.clients.push_back(std::move(row));
        }
    }

    /// What it says itself, as `p2pdist-client status` would.
    std::string waits_of(client_index who) {
        const auto progress = world_.is_up(who) ? world_.core(who).progress(content_->info().id) : std::nullopt;
        if (!progress) return "it knows nothing of the content yet: no word from the server";
        if (!progress->reason.empty()) return progress->reason;
        return std::string(to_string(progress->state)) + ", with " +
               percent(static_cast<double>(progress->verified_bytes) / static_cast<double>(std::max<std::uint64_t>(1, plan_.content_bytes))) +
               " of it";
    }

    void add_rivals(prediction& out, duration lasted) {
        for (std::size_t i = 0; i < rivals_.size(); ++i) {
            const auto& rival = plan_.rivals[i];
            const auto until = rival.stops ? std::min(*rival.stops, lasted) : lasted;
            out.rivals.push_back({rival, world_.net().rival(rivals_[i]), std::max(until - rival.starts, duration::zero())});
        }
    }

    void add_offices(prediction& out) {
        std::map<std::string, std::vector<duration>> times;
        std::map<std::string, office_prediction> rows;
        for (const auto& each : out.clients) {
            auto& row = rows[each.office];
            ++row.clients;
            if (each.took && !each.complete) ++row.failed;
            if (each.complete) times[each.office].push_back(*each.took);
        }
        for (const auto index : order_) {
            const auto& name = plan_.offices[index].name;
            if (std::find(plan_.who.begin(), plan_.who.end(), name) == plan_.who.end()) continue;
            auto& row = rows[name];
            auto& all = times[name];
            std::sort(all.begin(), all.end());
            row.office = name;
            if (const auto parent = plan_.offices.parent(index)) row.parent = plan_.offices[*parent].name;
            row.depth = plan_.offices.depth(index);
            row.complete = all.size();
            if (!all.empty()) {
                row.first = all.front();
                row.median = all[all.size() / 2];
                row.last = all.back();
            }
            row.share = recorder_->share_of(name);
            row.ideal = ideal_of(plan_, name);
            find_limit(out, name, row);
            out.offices.push_back(std::move(row));
        }
    }

    /// The busiest of all that the office's bytes cross, until its last client has them.
    void find_limit(const prediction& out, const std::string& office, office_prediction& row) const {
        const auto until = row.complete == row.clients ? row.last.value_or(duration::zero()) : out.simulated;
        const auto consider = [&](limit_kind kind, const std::string& where, double use) {
            if (use > row.waits_for.use) row.waits_for = {kind, where, use};
            if (use >= busy_from) row.busy.push_back({kind, where, use});
        };
        for (const auto& name : way_of(plan_, office)) {
            consider(limit_kind::line_down, name, recorder_->down_use(name, until));
            consider(limit_kind::line_up, name, recorder_->up_use(name, until));
        }
        for (const auto& name : insides_of(plan_, office))
            consider(air_of(plan_, name) ? limit_kind::air : limit_kind::lan, name, recorder_->inside_use(name, until));
        if (until > duration::zero()) consider(limit_kind::source, "", std::min(1.0, to_seconds(read_time_of(plan_, office)) / to_seconds(until)));
        std::ranges::stable_sort(row.busy, std::greater(), &use_limit::use);
        if (row.busy.empty()) row.waits_for.kind = limit_kind::none;
    }

    const roll_out_plan& plan_;
    world world_;
    std::vector<office_index> order_;
    std::map<std::string, std::vector<client_index>> clients_;
    std::vector<rival_index> rivals_;
    std::optional<generated_content> content_;
    std::optional<roll_out_recorder> recorder_;
};

}  // namespace

prediction predict(const roll_out_plan& plan, const progress_sink& progress) {
    if (const auto why = refusal_of(plan)) throw std::runtime_error(*why);
    return roll_out(plan).run(progress);
}

void add_ranges(const roll_out_plan& plan, std::size_t seeds, prediction& out, const progress_sink& progress) {
    std::map<std::string, std::vector<duration>> times;
    const auto take = [&](const prediction& from) {
        if (from.complete) times[""].push_back(from.took);
        for (const auto& each : from.offices) {
            if (each.last && each.complete == each.clients) times[each.office].push_back(*each.last);
        }
    };
    take(out);
    for (std::size_t i = 1; i < seeds; ++i) {
        auto other = plan;
        other.seed += i;
        for (auto& each : other.rivals) each.seed += i;
        take(predict(other, [&](roll_out_progress at) {
            if (!progress) return;
            at.what = "seed " + std::to_string(other.seed);
            at.number = i + 1;
            at.of = seeds;
            progress(at);
        }));
    }
    const auto add = [&](const std::string& office) {
        auto& all = times[office];
        std::sort(all.begin(), all.end());
        seed_range row{office, all.size(), {}, {}, {}};
        if (!all.empty()) {
            row.least = all.front();
            row.median = all[(all.size() - 1) / 2];
            row.most = all.back();
        }
        out.ranges.push_back(std::move(row));
    };
    out.seeds = seeds;
    out.ranges.clear();
    add("");
    for (const auto& each : out.offices) add(each.office);
}

}  // namespace p2pdist::sim
