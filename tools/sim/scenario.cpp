#include "sim/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include <toml++/toml.h>

#include "common/program.hpp"
#include "p2pdist/office/spreadsheet.hpp"

namespace p2pdist::tools {
namespace {

[[noreturn]] void refuse(const toml::node& where, const std::string& why) {
    throw std::runtime_error("line " + std::to_string(where.source().begin.line) + ": " + why);
}

void check_keys(const toml::table& table, const std::set<std::string>& known) {
    for (const auto& [key, value] : table) {
        if (!known.contains(std::string(key.str()))) refuse(value, "unknown key '" + std::string(key.str()) + "'");
    }
}

const toml::table* table_of(const toml::table& parent, const char* key) {
    const auto* found = parent.get(key);
    if (found && !found->is_table()) refuse(*found, std::string(key) + " has to be a table");
    return found ? found->as_table() : nullptr;
}

std::string text_of(const toml::table& table, const char* key, std::string otherwise) {
    const auto* found = table.get(key);
    if (!found) return otherwise;
    if (const auto text = found->value_exact<std::string>()) return *text;
    refuse(*found, std::string(key) + " has to be a text");
}

double number_of(const toml::table& table, const char* key, double otherwise, double low, double high) {
    const auto* found = table.get(key);
    if (!found) return otherwise;
    const auto number = found->is_number() ? found->value<double>() : std::nullopt;
    if (!number || *number < low || *number > high)
        refuse(*found, std::string(key) + " has to be a number from " + std::to_string(low) + " to " + std::to_string(high));
    return *number;
}

/// What a [links] table says; that of an office starts from what holds for all.
class link_table {
public:
    void read(const toml::table& table, bool general) {
        std::set<std::string> known{"preset", "rate_mbits", "up_mbits", "delay_ms", "jitter_ms", "queue_ms", "queue", "loss", "mtu", "lan_mbits", "wired"};
        if (general) known.insert("offices");
        check_keys(table, known);
        read_preset(table);
        read_rates(table);
        for (auto* each : {&wan_.down, &wan_.up}) {
            each->delay = milliseconds(number_of(table, "delay_ms", to_seconds(each->delay) * 1e3, 0, 10'000));
            each->jitter = milliseconds(number_of(table, "jitter_ms", to_seconds(each->jitter) * 1e3, 0, 10'000));
            each->loss = number_of(table, "loss", each->loss, 0, 0.5);
            each->queue.kind = queue_of(table, each->queue.kind);
            if (table.contains("mtu")) each->mtu_bytes = static_cast<std::uint64_t>(number_of(table, "mtu", 1500, 576, 65'535));
        }
        lan_ = number_of(table, "lan_mbits", lan_, 0.1, 1e6);
        if (!general && table.contains("lan_mbits")) air_.emplace().bytes_per_second = rate_of(table, "lan_mbits");
        if (const auto* given = table.get("wired")) {
            if (!given->is_boolean()) refuse(*given, "wired has to be true or false");
            wired_ = *given->value<bool>();
        }
    }
    [[nodiscard]] sim::office_lines lines() const {
        sim::office_lines out;
        out.lan = sim::line(lan_, std::chrono::microseconds(50), std::chrono::milliseconds(5));
        out.wan_down = wan_.down;
        out.wan_up = wan_.up;
        out.wifi = air_;
        out.wired = wired_;
        return out;
    }

private:
    static duration milliseconds(double value) { return duration(static_cast<duration::rep>(value * 1e6)); }

    void read_preset(const toml::table& table) {
        const auto* given = table.get("preset");
        if (!given) return;
        const auto found = sim::line_preset(text_of(table, "preset", ""));
        if (!found) refuse(*given, "there is no such preset; there are " + std::string(sim::line_preset_names()));
        wan_ = *found;
        up_is_own_ = true;
        queue_ms_ = static_cast<double>(wan_.down.queue_bytes) * 1e3 / static_cast<double>(wan_.down.bytes_per_second);
    }
    /// A queue is given as the time that it takes to empty, so it follows the rate.
    void read_rates(const toml::table& table) {
        if (table.contains("rate_mbits")) {
            wan_.down.bytes_per_second = rate_of(table, "rate_mbits");
            if (!up_is_own_) wan_.up.bytes_per_second = wan_.down.bytes_per_second;
        }
        if (table.contains("up_mbits")) {
            wan_.up.bytes_per_second = rate_of(table, "up_mbits");
            up_is_own_ = true;
        }
        queue_ms_ = number_of(table, "queue_ms", queue_ms_, 1, 10'000);
        for (auto* each : {&wan_.down, &wan_.up}) each->queue_bytes = static_cast<std::uint64_t>(static_cast<double>(each->bytes_per_second) * queue_ms_ * 1e-3);
    }
    static std::uint64_t rate_of(const toml::table& table, const char* key) {
        return sim::line(number_of(table, key, 0, 0.01, 1e6), {}).bytes_per_second;
    }
    static sim::queue_kind queue_of(const toml::table& table, sim::queue_kind otherwise) {
        const auto* given = table.get("queue");
        if (!given) return otherwise;
        if (const auto kind = sim::parse_queue_kind(text_of(table, "queue", ""))) return *kind;
        refuse(*given, "queue has to be tail_drop, codel or fq_codel");
    }

    sim::line_pair wan_{sim::line(50, std::chrono::milliseconds(10)), sim::line(50, std::chrono::milliseconds(10))};
    double queue_ms_ = 100, lan_ = 1000;
    std::optional<sim::wifi_settings> air_;   // of a Wi-Fi office that says how fast its own is
    bool up_is_own_ = false, wired_ = false;
};

void read_links(const toml::table& root, sim::roll_out_plan& out) {
    link_table general;
    const auto* links = table_of(root, "links");
    if (links) general.read(*links, true);
    for (const auto& each : out.offices.offices()) out.network.offices[each.name] = general.lines();
    const auto* offices = links ? table_of(*links, "offices") : nullptr;
    if (!offices) return;
    for (const auto& [name, value] : *offices) {
        if (!out.offices.find(name.str())) refuse(value, "there is no office '" + std::string(name.str()) + "'");
        if (!value.is_table()) refuse(value, "the links of an office have to be a table");
        auto own = general;
        own.read(*value.as_table(), false);
        out.network.offices[std::string(name.str())] = own.lines();
    }
}

void read_clients(const toml::table& root, sim::roll_out_plan& out) {
    const auto* clients = table_of(root, "clients");
    int general = 3;
    if (clients) {
        check_keys(*clients, {"default", "offices"});
        general = static_cast<int>(number_of(*clients, "default", general, 0, 100'000));
    }
    for (const auto& each : out.offices.offices()) out.clients[each.name] = general;
    const auto* offices = clients ? table_of(*clients, "offices") : nullptr;
    if (!offices) return;
    for (const auto& [name, value] : *offices) {
        const std::string office(name.str());
        if (!out.offices.find(office)) refuse(value, "there is no office '" + office + "'");
        out.clients[office] = static_cast<int>(number_of(*offices, office.c_str(), general, 0, 100'000));
    }
}

std::vector<std::string> read_offices(const toml::node& list, const char* what, const topology& known) {
    if (!list.is_array()) refuse(list, what);
    std::vector<std::string> out;
    for (const auto& each : *list.as_array()) {
        const auto name = each.value_exact<std::string>();
        if (!name || !known.find(*name)) refuse(each, "there is no such office");
        out.push_back(*name);
    }
    return out;
}

std::string office_of(const toml::table& table, const char* key, const topology& known) {
    const auto name = text_of(table, key, "");
    if (!known.find(name)) refuse(table.contains(key) ? *table.get(key) : table, std::string(key) + " has to be an office");
    return name;
}

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
        rival.starts = parse_duration(text_of(table, "starts", "0s"), "starts");
        if (table.contains("stops")) rival.stops = parse_duration(text_of(table, "stops", ""), "stops");
        rival.megabits_per_second = number_of(table, "rate_mbits", rival.megabits_per_second, 0.001, 1e6);
        rival.seed = out.seed + out.rivals.size();
        out.rivals.push_back(rival);
    }
}

void read_rollout(const toml::table& root, sim::roll_out_plan& out) {
    for (const auto& each : out.offices.offices()) out.who.push_back(each.name);
    const auto* rollout = table_of(root, "rollout");
    if (!rollout) return;
    check_keys(*rollout, {"who", "source", "prepared", "limit"});
    out.source = text_of(*rollout, "source", out.source);
    if (out.source != "server" && out.source != "cdn" && out.source != "file_store") {
        const auto office = out.clients.find(out.source);
        if (office == out.clients.end() || office->second == 0)
            refuse(*rollout->get("source"), "source has to be server, cdn, file_store, or an office that has a client");
    }
    out.limit = parse_duration(text_of(*rollout, "limit", "4h"), "limit");
    if (const auto* prepared = rollout->get("prepared")) {
        out.prepared = read_offices(*prepared, "prepared has to be a list of offices", out.offices);
        for (const auto& name : out.prepared) {
            if (out.clients[name] == 0) refuse(*prepared, "office '" + name + "' has no client that could hold it");
        }
    }
    const auto* who = rollout->get("who");
    if (!who || who->value_exact<std::string>() == "all") return;
    out.who = read_offices(*who, "who has to be \"all\" or a list of offices", out.offices);
}

std::uint64_t read_size(const toml::table& content, const std::filesystem::path& directory) {
    check_keys(content, {"size", "file", "hash"});
    const auto path = text_of(content, "file", "");
    if (path.empty()) return parse_size(text_of(content, "size", ""), "size");
    if (const auto* size = content.get("size")) refuse(*size, "the content has either a size or a file");
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(directory / path, failure);
    if (failure) refuse(*content.get("file"), "cannot read " + (directory / path).string() + ": " + failure.message());
    return bytes;
}

topology read_topology(const toml::table& root, const std::filesystem::path& directory) {
    if (!root.get("topology")) throw std::runtime_error("topology is missing: the path of a CSV file, or the CSV text itself");
    auto text = text_of(root, "topology", "");
    if (text.find('\n') == std::string::npos) {
        const auto path = directory / text;
        std::ifstream file(path, std::ios::binary);
        if (!file) refuse(*root.get("topology"), "cannot read " + path.string());
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    const auto checked = parse_spreadsheet(text);
    if (!checked) refuse(*root.get("topology"), "the topology is refused: " + checked.refusals().front().to_string());
    return *checked;
}

}  // namespace

sim::roll_out_plan read_scenario(const std::filesystem::path& file) {
    try {
        const auto root = toml::parse_file(file.string());
        check_keys(root, {"seed", "topology", "content", "links", "clients", "rollout", "rivals"});
        sim::roll_out_plan out(read_topology(root, file.parent_path()));
        out.seed = static_cast<std::uint64_t>(number_of(root, "seed", 1, 0, 9e15));
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
