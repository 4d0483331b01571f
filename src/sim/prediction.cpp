#include "p2pdist/sim/prediction.hpp"

#include <algorithm>
#include <set>

#include "p2pdist/base/amount.hpp"
#include "roll_out_recorder.hpp"
#include "slowest_office.hpp"

namespace p2pdist::sim {
namespace {

/// Below this use a line is not what an office waited for.
constexpr double busy_from = 0.6;
/// From here on signatures would take most of the time.
constexpr int many_clients = 300;

std::string percent(double share) { return fixed(share * 100, 0) + " %"; }

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

    prediction run() {
        prepare();
        recorder_.emplace(world_, plan_.who, content_->info());
        const auto begin = world_.now();
        for (const auto& each : plan_.rivals) rivals_.push_back(world_.net().add_rival(each));
        for (const auto& office : plan_.who) {
            for (const auto who : clients_[office]) world_.fetch(who, *content_);
        }
        prediction out;
        out.content_bytes = plan_.content_bytes;
        out.seed = plan_.seed;
        out.complete = world_.run_until([&] { return world_.all_fetched(); }, plan_.limit);
        for (const auto& each : world_.fetches()) {
            if (each.complete()) out.took = std::max(out.took, *each.ended - begin);
        }
        recorder_->finish(out);
        sort_downwards(out.lines);
        out.events = world_.events();
        add_clients(out);
        add_offices(out);
        add_rivals(out, world_.now() - begin);
        out.bottleneck = bottleneck_of(out);
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
            if (const auto found = clients_.find(office); found != clients_.end() && !found->second.empty()) world_.import(found->second.front(), *content_);
        }
        if (!holders.empty()) world_.run_for(std::chrono::seconds(10));   // until the server knows of it
    }

    void sort_downwards(std::vector<line_prediction>& lines) const {
        std::map<std::string, std::size_t> rank;
        for (const auto index : order_) rank.emplace(plan_.offices[index].name, rank.size());
        std::sort(lines.begin(), lines.end(), [&](const auto& left, const auto& right) { return rank.at(left.office) < rank.at(right.office); });
    }

    void add_clients(prediction& out) {
        for (const auto& each : world_.fetches()) {
            client_prediction row{world_.office_of(each.client), world_.address_of(each.client), each.complete(), {}, {}, each.split};
            if (each.ended) row.took = each.took();
            if (each.failure) row.failure = each.failure->message;
            out.clients.push_back(std::move(row));
        }
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
            if (!each.failure.empty()) ++row.failed;
            if (each.complete) times[each.office].push_back(*each.took);
        }
        for (const auto index : order_) {
            const auto& name = plan_.offices[index].name;
            if (std::find(plan_.who.begin(), plan_.who.end(), name) == plan_.who.end()) continue;
            auto& row = rows[name];
            auto& all = times[name];
            std::sort(all.begin(), all.end());
            row.office = name;
            row.depth = plan_.offices.depth(index);
            row.complete = all.size();
            if (!all.empty()) {
                row.first = all.front();
                row.median = all[all.size() / 2];
                row.last = all.back();
            }
            row.share = recorder_->share_of(name);
            find_limit(out, index, row);
            out.offices.push_back(std::move(row));
        }
    }

    /// The lines on the office's way, the nearest first: up to the first office that has the content before.
    [[nodiscard]] std::vector<std::string> way_of(office_index index) const {
        std::vector<std::string> out;
        for (const auto step : plan_.offices.path_to_central(index)) {
            const auto& name = plan_.offices[step].name;
            if (step == plan_.offices.central() || name == plan_.source || std::find(plan_.prepared.begin(), plan_.prepared.end(), name) != plan_.prepared.end()) break;
            out.push_back(name);
        }
        return out;
    }

    void find_limit(const prediction& out, office_index index, office_prediction& row) {
        for (const auto& name : way_of(index)) {
            const auto rate = world_.net().wan_down(name).settings().bytes_per_second;
            if (rate > 0) row.ideal = std::max(row.ideal, duration(static_cast<duration::rep>(static_cast<double>(plan_.content_bytes) / static_cast<double>(rate) * 1e9)));
            const auto line = std::find_if(out.lines.begin(), out.lines.end(), [&](const line_prediction& each) { return each.office == name; });
            if (line == out.lines.end()) continue;
            const auto use = recorder_->mean_use(*line, row.last.value_or(out.took));
            if (use > row.limit_use) {
                row.limit_use = use;
                row.limited_by = name;
            }
        }
        if (row.limit_use < busy_from) row.limited_by.clear();
    }

    [[nodiscard]] std::string bottleneck_of(const prediction& out) {
        const auto* const last = slowest(out);
        if (!last) return "nobody wanted it";
        const auto ends = last->office + (last->complete < last->clients ? " does not end" : " ends last");
        if (!last->limited_by.empty()) {
            const auto rate = world_.net().wan_down(last->limited_by).settings().bytes_per_second;
            return ends + ": the line of " + last->limited_by + " to its parent (" + rate_text(static_cast<double>(rate)) + ") was in use to " + percent(last->limit_use) + " until then";
        }
        if (!last->last) return ends + ": nobody there got it";
        if ((*last->last - *last->first) * 2 > *last->last) {
            return ends + ": its first client had it after " + fixed(to_seconds(*last->first), 1) +
                   " s; the rest of the time is spent inside the office";
        }
        for (const auto& name : way_of(*plan_.offices.find(last->office))) {
            const auto& settings = world_.net().wan_down(name).settings();
            if (settings.loss > 0) return ends + ": the line of " + name + " loses " + fixed(settings.loss * 100, 2) + " % of its datagrams, and was in use to " + percent(last->limit_use) + " only";
        }
        return ends + ": no line was in use to more than " + percent(last->limit_use) + "; delays and the start-up of each transfer count, not rates";
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

prediction predict(const roll_out_plan& plan) { return roll_out(plan).run(); }

}  // namespace p2pdist::sim
