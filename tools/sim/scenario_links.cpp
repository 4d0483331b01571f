#include <algorithm>
#include <map>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/sim/line_manners.hpp"
#include "sim/scenario_table.hpp"

namespace p2pdist::tools {
namespace {

const key_list line_keys{"preset", "rate_mbits", "up_mbits", "delay_ms",      "jitter_ms", "jitter_memory_ms", "queue_ms", "queue",
                         "loss",   "bursts",     "fades",    "policer_mbits", "reorder",   "duplicate",        "mtu"};
const key_list inside_keys{"lan_mbits", "wired"};

key_list together(key_list keys, const key_list& more) {
    keys.insert(keys.end(), more.begin(), more.end());
    return keys;
}

/// What a table says of a line; that of an office starts from what holds for all.
class link_table {
public:
    void read(const toml::table& table, bool general) {
        read_preset(table);
        read_rates(table);
        for (auto* each : {&wan_.down, &wan_.up}) read_line(table, *each);
        lan_ = number_of(table, "lan_mbits", lan_, 0.1, 1e6);
        if (!general && table.contains("lan_mbits")) air_.emplace().bytes_per_second = rate_of(table, "lan_mbits");
        wired_ = flag_of(table, "wired", wired_);
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
    [[nodiscard]] const sim::line_pair& wan() const noexcept { return wan_; }
    void cut(bool is_cut) { wan_.down.down = wan_.up.down = is_cut; }

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
        for (auto* each : {&wan_.down, &wan_.up})
            each->queue_bytes = static_cast<std::uint64_t>(static_cast<double>(each->bytes_per_second) * queue_ms_ * 1e-3);
    }
    static void read_line(const toml::table& table, sim::link_settings& out) {
        out.delay = milliseconds(number_of(table, "delay_ms", to_seconds(out.delay) * 1e3, 0, 10'000));
        out.jitter = milliseconds(number_of(table, "jitter_ms", to_seconds(out.jitter) * 1e3, 0, 10'000));
        out.jitter_memory = milliseconds(number_of(table, "jitter_memory_ms", to_seconds(out.jitter_memory) * 1e3, 0, 10'000));
        out.loss = number_of(table, "loss", out.loss, 0, 0.5);
        out.reorder = number_of(table, "reorder", out.reorder, 0, 1);
        out.duplicate = number_of(table, "duplicate", out.duplicate, 0, 1);
        out.queue.kind = queue_of(table, out.queue.kind);
        if (table.contains("bursts")) (out.bursts = sim::burst_of_ten).enter = number_of(table, "bursts", 0, 0, 1);
        if (table.contains("fades")) (out.fades = sim::suspension).every = duration_of(table, "fades", "0s");
        if (table.contains("policer_mbits")) out.policer = {rate_of(table, "policer_mbits"), sim::policer_burst_bytes};
        if (table.contains("mtu")) out.mtu_bytes = mtu_of(table);
    }
    static std::uint64_t mtu_of(const toml::table& table) {
        constexpr auto least = limits::datagram_bytes_max + sim::ip_overhead_bytes;
        const auto mtu = whole_of(table, "mtu", 1500, 68, 65'535);
        if (mtu < static_cast<double>(least))
            refuse(*table.get("mtu"), "mtu has to be " + std::to_string(least) +
                                          " or more: datagrams of so many IP bytes are sent and never cut up, so nothing would come through");
        return static_cast<std::uint64_t>(mtu);
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

bool is_central(const topology& offices, const std::string& name) { return *offices.find(name) == offices.central(); }

void read_office(const std::string& name, const toml::node& value, const topology& offices, link_table& out) {
    if (!value.is_table()) refuse(value, "the links of an office have to be a table");
    const auto& table = *value.as_table();
    check_keys(table, together(line_keys, inside_keys));
    for (const auto& key : line_keys) {
        if (is_central(offices, name) && table.contains(key))
            refuse(*table.get(key), name + " has no parent, and no line to it: " + key + " means nothing there (only lan_mbits and wired do)");
    }
    out.read(table, false);
}

/// In the order of time each starts from the line as it was before.
void read_changes(const toml::table& root, std::map<std::string, link_table>& lines, sim::roll_out_plan& out) {
    const auto* list = root.get("changes");
    if (!list) return;
    if (!list->is_array()) refuse(*list, "changes have to be [[changes]] tables");
    std::vector<std::pair<duration, const toml::table*>> in_order;
    for (const auto& each : *list->as_array()) {
        if (!each.is_table()) refuse(each, "changes have to be [[changes]] tables");
        const auto& table = *each.as_table();
        check_keys(table, together({"at", "office", "cut"}, line_keys));
        if (!table.contains("at")) refuse(table, "at is missing: when it changes, as \"10s\" since the clients asked");
        in_order.emplace_back(duration_of(table, "at", "0s"), &table);
    }
    std::ranges::stable_sort(in_order, {}, [](const auto& each) { return each.first; });
    for (const auto& [at, table] : in_order) {
        const auto* given = table->get("office");
        const auto name =
            office_named(given ? *given : static_cast<const toml::node&>(*table), given ? given->value_exact<std::string>() : std::nullopt,
                         "office has to be the office whose line changes", out.offices);
        if (is_central(out.offices, name)) refuse(*given, name + " has no parent, and no line to it that could change");
        auto& line = lines.at(name);
        line.read(*table, true);
        if (table->contains("cut")) line.cut(flag_of(*table, "cut", false));
        out.changes.push_back({name, at, line.wan().down, line.wan().up});
    }
}

}  // namespace

void read_links(const toml::table& root, sim::roll_out_plan& out) {
    link_table general;
    const auto* links = table_of(root, "links");
    if (links) {
        check_keys(*links, together(together(line_keys, inside_keys), {"offices"}));
        general.read(*links, true);
    }
    std::map<std::string, link_table> lines;
    for (const auto& each : out.offices.offices()) lines.emplace(each.name, general);
    if (const auto* offices = links ? table_of(*links, "offices") : nullptr) {
        for (const auto& [name, value] : *offices) {
            static_cast<void>(office_named(value, std::string(name.str()), "", out.offices));
            read_office(std::string(name.str()), value, out.offices, lines.at(std::string(name.str())));
        }
    }
    for (const auto& [name, line] : lines) out.network.offices[name] = line.lines();
    read_changes(root, lines, out);
}

}  // namespace p2pdist::tools
