#include "sim/prediction.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace p2pdist::tools {
namespace {

double seconds(duration value) { return std::chrono::duration<double>(value).count(); }

std::string fixed(double value, int digits) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

json office_rows(sim::world& w, const scenario& what) {
    auto rows = json::array();
    for (const auto& office : what.who) {
        std::vector<double> times;
        std::size_t clients = 0, failed = 0;
        for (const auto& each : w.fetches()) {
            if (w.office_of(each.client) != office) continue;
            ++clients;
            if (each.complete()) times.push_back(seconds(each.took()));
            else if (each.failure) ++failed;
        }
        std::sort(times.begin(), times.end());
        json row{{"office", office}, {"clients", clients}, {"complete", times.size()}, {"failed", failed}};
        if (!times.empty()) {
            row["first_seconds"] = times.front();
            row["median_seconds"] = times[times.size() / 2];
            row["last_seconds"] = times.back();
        }
        rows.push_back(row);
    }
    return rows;
}

json link_rows(sim::world& w, std::uint64_t content_bytes) {
    auto rows = json::array();
    for (const auto& wan : w.wans()) {
        rows.push_back({{"office", wan.office},
                        {"down_bytes", wan.down.carried_bytes},
                        {"up_bytes", wan.up.carried_bytes},
                        {"copies", wan.copies(content_bytes)},
                        {"queue_bytes_max", wan.down.queue_bytes_max},
                        {"datagrams_dropped", wan.down.queue_dropped + wan.up.queue_dropped},
                        {"datagrams_lost", wan.down.lost + wan.up.lost}});
    }
    return rows;
}

json client_rows(sim::world& w) {
    auto rows = json::array();
    for (const auto& each : w.fetches()) {
        json row{{"address", w.address_of(each.client).to_string()}, {"office", w.office_of(each.client)}, {"complete", each.complete()}};
        if (each.ended) row["seconds"] = seconds(each.took());
        if (each.failure) row["failure"] = each.failure->message;
        for (std::size_t i = 0; i < source_kind_count; ++i) row["sources"][std::string(to_string(static_cast<source_kind>(i)))] = each.split[i];
        rows.push_back(row);
    }
    return rows;
}

}  // namespace

prediction predict(const scenario& what) {
    sim::world_options options(what.offices);
    options.network = what.network;
    options.seed = what.seed;
    options.server_file_store = what.source == "server";
    if (what.source == "cdn") options.cdn = "https://cdn.example/packages";
    sim::world w(options);
    std::map<std::string, std::vector<sim::client_index>> clients;
    for (const auto& [office, count] : what.clients) {
        for (int i = 0; i < count; ++i) {
            sim::device each;
            each.office = office;
            each.file_store = what.source == "file_store";
            clients[office].push_back(w.add_client(each));
        }
    }
    w.set_up();
    const auto content = w.make_content("package", what.content_bytes, what.kind);
    sim::placement_choice where;
    where.cdn = what.source == "cdn";
    where.file_store = what.source == "file_store";
    w.publish(content, where);
    if (clients.contains(what.source)) {
        w.import(clients[what.source].front(), content);
        w.run_for(std::chrono::seconds(10));
    }
    const auto begin = w.now();
    for (const auto& office : what.who) {
        for (const auto who : clients[office]) w.fetch(who, content);
    }
    prediction out;
    out.complete = w.run_until([&] { return w.all_fetched(); }, what.limit);
    duration last{};
    for (const auto& each : w.fetches()) {
        if (each.complete()) last = std::max(last, *each.ended - begin);
    }
    out.document = {{"seed", what.seed}, {"content_bytes", what.content_bytes}, {"complete", out.complete}, {"seconds", seconds(last)},
                    {"events", w.events()}, {"offices", office_rows(w, what)}, {"links", link_rows(w, what.content_bytes)}, {"clients", client_rows(w)}};
    return out;
}

void print_prediction(const json& document) {
    std::vector<std::vector<std::string>> offices{{"office", "clients", "complete", "first", "median", "last"}};
    for (const auto& row : document["offices"]) {
        const auto time = [&](const char* key) { return row.contains(key) ? duration_text(row[key].get<double>()) : std::string("-"); };
        offices.push_back({row["office"].get<std::string>(), row["clients"].dump(), row["complete"].dump(), time("first_seconds"),
                           time("median_seconds"), time("last_seconds")});
    }
    print_table(offices);
    std::cout << '\n';
    std::vector<std::vector<std::string>> links{{"link to parent", "down", "up", "copies", "longest queue", "dropped", "lost"}};
    for (const auto& row : document["links"]) {
        links.push_back({row["office"].get<std::string>(), size_text(row["down_bytes"].get<std::uint64_t>()), size_text(row["up_bytes"].get<std::uint64_t>()),
                         fixed(row["copies"].get<double>(), 3), size_text(row["queue_bytes_max"].get<std::uint64_t>()), row["datagrams_dropped"].dump(),
                         row["datagrams_lost"].dump()});
    }
    print_table(links);
    std::cout << '\n'
              << (document["complete"].get<bool>() ? "Everybody has it after " : "NOT everybody has it; the last that has it after ")
              << duration_text(document["seconds"].get<double>()) << ".\n";
}

}  // namespace p2pdist::tools
