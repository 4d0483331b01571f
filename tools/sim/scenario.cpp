#include "sim/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "common/program.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "sim/scenario_table.hpp"

namespace p2pdist::tools {
namespace {

constexpr double clients_max = 100'000;
/// More of a spreadsheet's refusals are only counted.
constexpr std::size_t refusals_shown = 20;

void read_clients(const toml::table& root, sim::roll_out_plan& out) {
    const auto* clients = table_of(root, "clients");
    int general = 3;
    if (clients) {
        check_keys(*clients, {"default", "offices"});
        general = static_cast<int>(whole_of(*clients, "default", general, 0, clients_max));
    }
    for (const auto& each : out.offices.offices()) out.clients[each.name] = general;
    const auto* offices = clients ? table_of(*clients, "offices") : nullptr;
    if (!offices) return;
    for (const auto& [name, value] : *offices) {
        const auto office = office_named(value, std::string(name.str()), "", out.offices);
        out.clients[office] = static_cast<int>(whole_of(*offices, office.c_str(), general, 0, clients_max));
    }
}

std::vector<std::string> read_offices(const toml::node& list, const char* what, const topology& known) {
    if (!list.is_array()) refuse(list, what);
    std::vector<std::string> out;
    for (const auto& each : *list.as_array()) {
        out.push_back(office_named(each, each.value_exact<std::string>(), what, known));
        if (std::ranges::count(out, out.back()) > 1) refuse(each, "office '" + out.back() + "' is there twice");
    }
    return out;
}

std::string office_of(const toml::table& table, const char* key, const topology& known) {
    const auto name = text_of(table, key, "");
    if (!known.find(name))
        refuse(table.contains(key) ? *table.get(key) : table, std::string(key) + " has to be an office" + instead_of(name, names_of(known)));
    return name;
}

/// TCP takes what it gets.
bool has_rate(sim::rival_kind kind) { return kind == sim::rival_kind::web || kind == sim::rival_kind::constant || kind == sim::rival_kind::on_off; }

void read_rivals(const toml::table& root, sim::roll_out_plan& out) {
    const auto* list = root.get("rivals");
    if (!list) return;
    if (!list->is_array()) refuse(*list, "rivals have to be [[rivals]] tables");
    for (const auto& each : *list->as_array()) {
        if (!each.is_table()) refuse(each, "rivals have to be [[rivals]] tables");
        const auto& table = *each.as_table();
        check_keys(table, {"kind", "from", "to", "starts", "stops", "rate_mbits"});
        sim::rival_options rival;
        const auto kind = sim::parse_rival_kind(text_of(table, "kind", ""));
        if (!kind) refuse(table, "kind has to be cubic, reno, bbr, bbr3, web, constant or on_off");
        rival.kind = *kind;
        rival.from.office = office_of(table, "from", out.offices);
        rival.to.office = office_of(table, "to", out.offices);
        rival.starts = duration_of(table, "starts", "0s");
        if (table.contains("stops")) rival.stops = duration_of(table, "stops", "");
        if (rival.stops && *rival.stops <= rival.starts) refuse(*table.get("stops"), "stops has to be after starts");
        if (table.contains("rate_mbits") && !has_rate(*kind))
            refuse(*table.get("rate_mbits"), "rate_mbits is of web, constant and on_off only: a TCP takes what it can get");
        rival.megabits_per_second = number_of(table, "rate_mbits", rival.megabits_per_second, 0.001, 1e6);
        rival.seed = out.seed + out.rivals.size();
        out.rivals.push_back(rival);
    }
}

void read_source(const toml::table& rollout, sim::roll_out_plan& out) {
    out.source = text_of(rollout, "source", out.source);
    if (out.source == "server" || out.source == "cdn" || out.source == "file_store") return;
    const auto office = out.clients.find(out.source);
    if (office != out.clients.end() && office->second > 0) return;
    auto known = names_of(out.offices);
    known.insert(known.end(), {"server", "cdn", "file_store"});
    refuse(*rollout.get("source"), "source has to be server, cdn, file_store, or an office that has a client" +
                                       (office == out.clients.end() ? instead_of(out.source, known) : std::string()));
}

void read_who(const toml::node& who, sim::roll_out_plan& out) {
    const std::string what = "who has to be \"all\" or a list of offices";
    if (who.value_exact<std::string>() == "all") return;
    out.who = read_offices(who, what.c_str(), out.offices);
    if (out.who.empty()) refuse(who, "who is empty: nobody would fetch");
    for (const auto& name : out.who) {
        if (out.clients[name] == 0) refuse(who, "office '" + name + "' of who has no client");
    }
}

void read_rollout(const toml::table& root, sim::roll_out_plan& out) {
    for (const auto& each : out.offices.offices()) out.who.push_back(each.name);
    const auto* rollout = table_of(root, "rollout");
    if (!rollout) return;
    check_keys(*rollout, {"who", "source", "prepared", "limit"});
    read_source(*rollout, out);
    out.limit = duration_of(*rollout, "limit", "4h");
    if (out.limit <= duration::zero()) refuse(*rollout->get("limit"), "limit has to be longer than nothing");
    if (const auto* prepared = rollout->get("prepared")) {
        out.prepared = read_offices(*prepared, "prepared has to be a list of offices", out.offices);
        for (const auto& name : out.prepared) {
            if (out.clients[name] == 0) refuse(*prepared, "office '" + name + "' has no client that could hold it");
        }
    }
    if (const auto* who = rollout->get("who")) read_who(*who, out);
}

std::uint64_t read_size(const toml::table& content, const std::filesystem::path& directory) {
    check_keys(content, {"size", "file", "hash"});
    const auto path = text_of(content, "file", "");
    const auto* size = content.get("size");
    if (path.empty() && !size) refuse(content, "[content] has neither a size, as size = \"100 MiB\", nor a file, as file = \"app.msi\"");
    if (path.empty()) {
        const auto text = text_of(content, "size", "");
        try {
            return parse_size(text, "size");
        } catch (const std::exception& wrong) {
            refuse(*size, wrong.what());
        }
    }
    if (size) refuse(*size, "the content has either a size or a file");
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(directory / path, failure);
    if (failure) refuse(*content.get("file"), "cannot read " + (directory / path).string() + ": " + failure.message());
    return bytes;
}

std::string refusals_of(const checked_topology& checked) {
    std::string out;
    for (std::size_t i = 0; i < checked.refusals().size() && i < refusals_shown; ++i) out += "\n  " + checked.refusals()[i].to_string();
    if (checked.refusals().size() > refusals_shown) out += "\n  and " + std::to_string(checked.refusals().size() - refusals_shown) + " more";
    return out;
}

topology read_topology(const toml::table& root, const std::filesystem::path& directory) {
    const auto* given = root.get("topology");
    if (!given) throw std::runtime_error("topology is missing: the path of a CSV file, or the CSV text itself");
    auto text = text_of(root, "topology", "");
    std::string name = "the topology";
    if (text.find('\n') == std::string::npos) {
        const auto path = directory / text;
        name = path.string();
        std::error_code unknown;
        if (std::filesystem::is_directory(path, unknown)) refuse(*given, "topology has to be a CSV file: " + name + " is a directory");
        std::ifstream file(path, std::ios::binary);
        if (!file) refuse(*given, "cannot read " + name);
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    const auto checked = parse_spreadsheet(text);
    if (!checked) refuse(*given, name + " is refused:" + refusals_of(checked));
    return *checked;
}

}  // namespace

sim::roll_out_plan read_scenario(const std::filesystem::path& file) {
    try {
        const auto root = toml::parse_file(file.string());
        check_keys(root, {"seed", "topology", "content", "links", "clients", "rollout", "rivals", "changes"});
        for (const auto* key : {"content", "links", "clients", "rollout"}) static_cast<void>(table_of(root, key));
        sim::roll_out_plan out(read_topology(root, file.parent_path()));
        out.seed = static_cast<std::uint64_t>(whole_of(root, "seed", 1, 0, 9e15));
        const auto* content = table_of(root, "content");
        if (!content) throw std::runtime_error("[content] is missing");
        out.content_bytes = read_size(*content, file.parent_path());
        const auto kind = text_of(*content, "hash", "sha256-tree");
        if (kind != "sha256-tree" && kind != "sha256") refuse(*content->get("hash"), "hash has to be sha256-tree or sha256");
        out.kind = kind == "sha256" ? hash_kind::sha256 : hash_kind::sha256_tree;
        read_links(root, out);
        read_clients(root, out);
        read_rollout(root, out);
        read_rivals(root, out);
        return out;
    } catch (const toml::parse_error& failure) {
        throw std::runtime_error(file.string() + ": line " + std::to_string(failure.source().begin.line) + ": " + std::string(failure.description()));
    } catch (const std::exception& failure) {
        throw std::runtime_error(file.string() + ": " + failure.what());
    }
}

}  // namespace p2pdist::tools
