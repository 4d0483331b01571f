#include "sim/prediction.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

namespace p2pdist::tools {
namespace {

/// Three digits are what a sample is good for.
double rounded(double value) { return std::round(value * 1000) / 1000; }
json samples(const std::vector<float>& values) {
    auto out = json::array();
    for (const auto value : values) out.push_back(rounded(static_cast<double>(value)));
    return out;
}
json seconds_or_null(const std::optional<duration>& value) { return value ? json(to_seconds(*value)) : json(nullptr); }
json text_or_null(const std::string& value) { return value.empty() ? json(nullptr) : json(value); }
double megabits(std::uint64_t bytes_per_second) { return static_cast<double>(bytes_per_second) * 8e-6; }
std::uint64_t dropped(const sim::link_counters& of) { return of.queue_dropped + of.early_dropped + of.policed + of.down_dropped; }

json office_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.offices) {
        rows.push_back({{"office", each.office},
                        {"parent", text_or_null(each.parent)},
                        {"depth", each.depth},
                        {"clients", each.clients},
                        {"complete", each.complete},
                        {"failed", each.failed},
                        {"first_seconds", seconds_or_null(each.first)},
                        {"median_seconds", seconds_or_null(each.median)},
                        {"last_seconds", seconds_or_null(each.last)},
                        {"ideal_seconds", to_seconds(each.ideal)},
                        {"limit_kind", std::string(to_string(each.waits_for.kind))},
                        {"limited_by", text_or_null(each.waits_for.office)},
                        {"limit_use", rounded(each.waits_for.use)},
                        {"share", samples(each.share)}});
    }
    return rows;
}

json direction_of(const sim::link_counters& counters, std::uint64_t rate, double use) {
    return {{"rate_mbits", megabits(rate)}, {"bytes", counters.carried_bytes},
            {"use", rounded(use)},          {"queue_bytes_max", counters.queue_bytes_max},
            {"dropped", dropped(counters)}, {"lost", counters.lost},
            {"too_long", counters.too_long}};
}

json link_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.lines) {
        rows.push_back({{"office", each.office},
                        {"parent", each.parent},
                        {"copies", each.copies},
                        {"down", direction_of(each.down, each.down_bytes_per_second, each.down_use)},
                        {"up", direction_of(each.up, each.up_bytes_per_second, each.up_use)},
                        {"use", samples(each.use)}});
    }
    return rows;
}

json inside_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.insides) {
        rows.push_back({{"office", each.office},
                        {"kind", each.wireless ? "air" : "lan"},
                        {"rate_mbits", megabits(each.bytes_per_second)},
                        {"mean_use", rounded(each.mean_use)},
                        {"dropped", each.dropped},
                        {"use", samples(each.use)}});
    }
    return rows;
}

json client_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.clients) {
        json row{{"address", each.address.to_string()},
                 {"office", each.office},
                 {"complete", each.complete},
                 {"seconds", each.complete ? seconds_or_null(each.took) : json(nullptr)},
                 {"failure", text_or_null(each.failure)}};
        for (std::size_t i = 0; i < source_kind_count; ++i) row["sources"][std::string(to_string(static_cast<source_kind>(i)))] = each.split[i];
        rows.push_back(std::move(row));
    }
    return rows;
}

json remedy_rows(const sim::prediction& what, const std::vector<sim::remedy>& from) {
    auto rows = json::array();
    for (const auto& each : from) {
        rows.push_back({{"kind", std::string(to_string(each.kind))},
                        {"offices", each.offices},
                        {"direction", text_or_null(each.direction)},
                        {"factor", each.factor},
                        {"seconds", each.complete ? json(to_seconds(each.took)) : json(nullptr)},
                        {"baseline_seconds", what.complete ? json(to_seconds(what.took)) : json(nullptr)},
                        {"change", each.change}});
    }
    return rows;
}

json rival_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.rivals) {
        rows.push_back({{"kind", std::string(to_string(each.rival.kind))},
                        {"from", each.rival.from.office},
                        {"to", each.rival.to.office},
                        {"mbits", each.megabits_per_second()},
                        {"mean_delay_ms", to_seconds(each.got.mean_delay()) * 1e3},
                        {"lost_packets", each.got.lost_packets},
                        {"pages", each.got.pages},
                        {"mean_page_seconds", to_seconds(each.got.mean_page_time())}});
    }
    return rows;
}

json range_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.ranges) {
        rows.push_back({{"office", text_or_null(each.office)},
                        {"complete", each.complete},
                        {"min_seconds", seconds_or_null(each.least)},
                        {"median_seconds", seconds_or_null(each.median)},
                        {"max_seconds", seconds_or_null(each.most)}});
    }
    return rows;
}

std::string time_cell(const std::optional<duration>& value) { return value ? duration_text(to_seconds(*value)) : "-"; }
std::string percent(double share) { return fixed(share * 100, 0) + " %"; }

std::string limit_cell(const sim::use_limit& limit) {
    const auto used = " (" + percent(limit.use) + ")";
    switch (limit.kind) {
        case sim::limit_kind::line_down:
            return "line of " + limit.office + ", down" + used;
        case sim::limit_kind::line_up:
            return "line of " + limit.office + ", up" + used;
        case sim::limit_kind::lan:
            return "LAN of " + limit.office + used;
        case sim::limit_kind::air:
            return "air of " + limit.office + used;
        case sim::limit_kind::source:
            return "the source" + used;
        default:
            return "-";
    }
}

void print_offices(const sim::prediction& what) {
    std::vector<std::vector<std::string>> rows{{"office", "clients", "complete", "first", "median", "last", "ideal", "inside", "waits for"}};
    for (const auto& each : what.offices) {
        const auto inside = std::ranges::find(what.insides, each.office, &sim::inside_prediction::office);
        const auto used = inside == what.insides.end() || inside->bytes_per_second == 0
                              ? std::string("-")
                              : (inside->wireless ? "air " : "LAN ") + percent(inside->mean_use);
        rows.push_back({std::string(static_cast<std::size_t>(each.depth) * 2, ' ') + each.office, std::to_string(each.clients),
                        std::to_string(each.complete), time_cell(each.first), time_cell(each.median), time_cell(each.last),
                        each.ideal > duration::zero() ? duration_text(to_seconds(each.ideal)) : "-", used, limit_cell(each.waits_for)});
    }
    print_table(rows);
}

void print_links(const sim::prediction& what) {
    if (what.lines.empty()) return;
    std::vector<std::vector<std::string>> rows{
        {"link to parent", "", "Mbit/s", "carried", "use", "copies", "longest queue", "dropped", "lost", "too long"}};
    const auto add = [&](const std::string& office, const char* way, const sim::link_counters& counters, std::uint64_t rate, double use,
                         const std::string& copies) {
        rows.push_back({office, way, fixed(megabits(rate), megabits(rate) < 1 ? 3 : 1), size_text(counters.carried_bytes), percent(use), copies,
                        size_text(counters.queue_bytes_max), std::to_string(dropped(counters)), std::to_string(counters.lost),
                        std::to_string(counters.too_long)});
    };
    for (const auto& each : what.lines) {
        add(each.office, "down", each.down, each.down_bytes_per_second, each.down_use, fixed(each.copies, 3));
        add("", "up", each.up, each.up_bytes_per_second, each.up_use, "");
    }
    print_table(rows);
    std::cout << '\n';
}

void print_rivals(const sim::prediction& what) {
    if (what.rivals.empty()) return;
    std::vector<std::vector<std::string>> rows{{"beside it", "from", "to", "got", "mean delay", "pages"}};
    for (const auto& each : what.rivals) {
        rows.push_back(
            {std::string(to_string(each.rival.kind)), each.rival.from.office, each.rival.to.office, fixed(each.megabits_per_second(), 1) + " Mbit/s",
             fixed(to_seconds(each.got.mean_delay()) * 1e3, 1) + " ms",
             each.got.pages == 0 ? "-" : std::to_string(each.got.pages) + ", " + duration_text(to_seconds(each.got.mean_page_time())) + " each"});
    }
    print_table(rows);
    std::cout << '\n';
}

void print_ranges(const sim::prediction& what) {
    if (what.ranges.empty()) return;
    std::vector<std::vector<std::string>> rows{{"of " + std::to_string(what.seeds) + " seeds", "complete", "min", "median", "max"}};
    for (const auto& each : what.ranges) {
        rows.push_back({each.office.empty() ? "all" : each.office, std::to_string(each.complete), time_cell(each.least), time_cell(each.median),
                        time_cell(each.most)});
    }
    print_table(rows);
    std::cout << '\n';
}

}  // namespace

json document_of(const sim::prediction& what) {
    json out{{"seed", what.seed},
             {"content_bytes", what.content_bytes},
             {"complete", what.complete},
             {"seconds", what.complete ? json(to_seconds(what.took)) : json(nullptr)},
             {"simulated_seconds", to_seconds(what.simulated)},
             {"events", what.events},
             {"sample_seconds", to_seconds(what.sample_interval)},
             {"bottleneck",
              {{"kind", std::string(to_string(what.bottleneck.kind))},
               {"office", text_or_null(what.bottleneck.office)},
               {"use", rounded(what.bottleneck.use)},
               {"text", what.bottleneck.text}}},
             {"remedies", remedy_rows(what, what.remedies)},
             {"in_vain", remedy_rows(what, what.in_vain)},
             {"no_advice", text_or_null(what.no_advice)},
             {"offices", office_rows(what)},
             {"links", link_rows(what)},
             {"insides", inside_rows(what)},
             {"rivals", rival_rows(what)},
             {"clients", client_rows(what)}};
    if (!what.ranges.empty()) out["seeds"] = {{"count", what.seeds}, {"ranges", range_rows(what)}};
    return out;
}

void print_prediction(const sim::prediction& what) {
    print_offices(what);
    std::cout << '\n';
    print_links(what);
    print_rivals(what);
    print_ranges(what);
    if (what.complete)
        std::cout << "Everybody has it after " << duration_text(to_seconds(what.took)) << ".\n";
    else
        std::cout << "NOT everybody has it after " << duration_text(to_seconds(what.simulated))
                  << ", where the simulation ended; the last that has it after " << duration_text(to_seconds(what.took)) << ".\n";
    std::cout << "Bottleneck: " << what.bottleneck.text << ".\n";
    for (const auto& each : what.remedies) std::cout << "What would help: " << each.change << ": " << duration_text(to_seconds(each.took)) << ".\n";
    if (!what.no_advice.empty()) std::cout << "What would help: " << what.no_advice << ".\n";
}

}  // namespace p2pdist::tools
