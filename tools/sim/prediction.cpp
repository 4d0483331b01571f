#include "sim/prediction.hpp"

#include <cmath>
#include <iostream>

namespace p2pdist::tools {
namespace {

/// Three digits are what a sample is good for.
json samples(const std::vector<float>& values) {
    auto out = json::array();
    for (const auto value : values) out.push_back(std::round(static_cast<double>(value) * 1000) / 1000);
    return out;
}

json office_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.offices) {
        json row{{"office", each.office}, {"depth", each.depth}, {"clients", each.clients}, {"complete", each.complete}, {"failed", each.failed}};
        if (each.last) {
            row["first_seconds"] = to_seconds(*each.first);
            row["median_seconds"] = to_seconds(*each.median);
            row["last_seconds"] = to_seconds(*each.last);
        }
        row["ideal_seconds"] = to_seconds(each.ideal);
        row["limited_by"] = each.limited_by;
        row["limit_use"] = each.limit_use;
        row["share"] = samples(each.share);
        rows.push_back(std::move(row));
    }
    return rows;
}

json link_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.lines) {
        rows.push_back({{"office", each.office},
                        {"down_bytes", each.down.carried_bytes},
                        {"up_bytes", each.up.carried_bytes},
                        {"copies", each.copies},
                        {"queue_bytes_max", each.down.queue_bytes_max},
                        {"datagrams_dropped", each.down.queue_dropped + each.up.queue_dropped},
                        {"datagrams_lost", each.down.lost + each.up.lost},
                        {"use", samples(each.use)}});
    }
    return rows;
}

json client_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.clients) {
        json row{{"address", each.address.to_string()}, {"office", each.office}, {"complete", each.complete}};
        if (each.took) row["seconds"] = to_seconds(*each.took);
        if (!each.failure.empty()) row["failure"] = each.failure;
        for (std::size_t i = 0; i < source_kind_count; ++i) row["sources"][std::string(to_string(static_cast<source_kind>(i)))] = each.split[i];
        rows.push_back(std::move(row));
    }
    return rows;
}

json remedy_rows(const sim::prediction& what) {
    auto rows = json::array();
    for (const auto& each : what.remedies) rows.push_back({{"change", each.change}, {"seconds", to_seconds(each.took)}});
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

std::string time_cell(const std::optional<duration>& value) { return value ? duration_text(to_seconds(*value)) : "-"; }

void print_offices(const sim::prediction& what) {
    std::vector<std::vector<std::string>> rows{{"office", "clients", "complete", "first", "median", "last", "ideal", "waits for"}};
    for (const auto& each : what.offices) {
        const auto waits_for = each.limited_by.empty() ? std::string("-") : "line of " + each.limited_by + " (" + fixed(each.limit_use * 100, 0) + " %)";
        rows.push_back({std::string(static_cast<std::size_t>(each.depth) * 2, ' ') + each.office, std::to_string(each.clients), std::to_string(each.complete),
                        time_cell(each.first), time_cell(each.median), time_cell(each.last),
                        each.ideal > duration::zero() ? duration_text(to_seconds(each.ideal)) : "-", waits_for});
    }
    print_table(rows);
}

void print_links(const sim::prediction& what) {
    std::vector<std::vector<std::string>> rows{{"link to parent", "down", "up", "copies", "longest queue", "dropped", "lost"}};
    for (const auto& each : what.lines) {
        rows.push_back({each.office, size_text(each.down.carried_bytes), size_text(each.up.carried_bytes), fixed(each.copies, 3), size_text(each.down.queue_bytes_max),
                        std::to_string(each.down.queue_dropped + each.up.queue_dropped), std::to_string(each.down.lost + each.up.lost)});
    }
    print_table(rows);
}

void print_rivals(const sim::prediction& what) {
    if (what.rivals.empty()) return;
    std::vector<std::vector<std::string>> rows{{"beside it", "from", "to", "got", "mean delay", "pages"}};
    for (const auto& each : what.rivals) {
        rows.push_back({std::string(to_string(each.rival.kind)), each.rival.from.office, each.rival.to.office, fixed(each.megabits_per_second(), 1) + " Mbit/s",
                        fixed(to_seconds(each.got.mean_delay()) * 1e3, 1) + " ms",
                        each.got.pages == 0 ? "-" : std::to_string(each.got.pages) + ", " + duration_text(to_seconds(each.got.mean_page_time())) + " each"});
    }
    print_table(rows);
    std::cout << '\n';
}

}  // namespace

json document_of(const sim::prediction& what) {
    return {{"seed", what.seed},
            {"content_bytes", what.content_bytes},
            {"complete", what.complete},
            {"seconds", to_seconds(what.took)},
            {"events", what.events},
            {"sample_seconds", to_seconds(what.sample_interval)},
            {"bottleneck", what.bottleneck},
            {"remedies", remedy_rows(what)},
            {"offices", office_rows(what)},
            {"links", link_rows(what)},
            {"rivals", rival_rows(what)},
            {"clients", client_rows(what)}};
}

void print_prediction(const sim::prediction& what) {
    print_offices(what);
    std::cout << '\n';
    print_links(what);
    std::cout << '\n';
    print_rivals(what);
    std::cout << (what.complete ? "Everybody has it after " : "NOT everybody has it; the last that has it after ") << duration_text(to_seconds(what.took)) << ".\n"
              << "Bottleneck: " << what.bottleneck << ".\n";
    for (const auto& each : what.remedies) std::cout << "What would help: " << each.change << ": " << duration_text(to_seconds(each.took)) << ".\n";
}

}  // namespace p2pdist::tools
