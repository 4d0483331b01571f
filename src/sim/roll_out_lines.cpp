#include "roll_out_lines.hpp"

#include <algorithm>

#include "p2pdist/base/amount.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist::sim {
namespace {

const office_lines* own_of(const roll_out_plan& plan, const std::string& office) {
    const auto found = plan.network.offices.find(office);
    return found == plan.network.offices.end() ? nullptr : &found->second;
}

bool outside(const roll_out_plan& plan) { return plan.source == "cdn" || plan.source == "file_store"; }

/// The uppermost office of its way that fetches, which reads a source that is in no office; empty: there is no such source.
std::string reader_of(const roll_out_plan& plan, const std::string& office) {
    std::string out;
    if (!outside(plan)) return out;
    for (const auto step : plan.offices.path_to_central(*plan.offices.find(office))) {
        const auto& name = plan.offices[step].name;
        if (clients_of(plan, name) > 0 && std::ranges::find(plan.who, name) != plan.who.end()) out = name;
    }
    return out;
}

/// Where the office's bytes come from: the nearest office upwards that holds the content, else the central one.
std::string origin_of(const roll_out_plan& plan, const std::string& office) {
    for (const auto step : plan.offices.path_to_central(*plan.offices.find(office))) {
        if (holds_before(plan, plan.offices[step].name)) return plan.offices[step].name;
    }
    return plan.offices[plan.offices.central()].name;
}

/// Seconds that a byte which arrives takes of the line; 0: none.
double seconds_per_byte(const link_settings& of) {
    auto rate = static_cast<double>(of.bytes_per_second);
    if (of.policer.bytes_per_second > 0 && (rate <= 0 || static_cast<double>(of.policer.bytes_per_second) < rate))
        rate = static_cast<double>(of.policer.bytes_per_second);
    if (rate <= 0 || mean_loss(of) >= 1) return 0;
    return 1 / (rate * (1 - mean_loss(of)));
}

/// With its overhead shared by as much as one transmission holds.
double seconds_per_byte(const wifi_settings& of) {
    return 1 / static_cast<double>(of.bytes_per_second) + to_seconds(of.overhead) / static_cast<double>(of.aggregate_bytes);
}

/// Of the content: where clients don't share each takes a copy of its own. A line that changes in mid-run counts as it is at its best.
double line_seconds_per_byte(const roll_out_plan& plan, const std::string& office) {
    auto out = seconds_per_byte(wan_of(plan, office).down);
    for (const auto& each : plan.changes) {
        if (each.office == office) out = std::min(out, seconds_per_byte(each.down));
    }
    return plan.offices.shares(*plan.offices.find(office)) ? out : out * clients_of(plan, office);
}

double own_seconds_per_byte(const roll_out_plan& plan, const std::string& office, bool from_within) {
    const auto air = air_of(plan, office);
    const auto clients = clients_of(plan, office);
    if (!air) return clients > (from_within ? 1 : 0) ? seconds_per_byte(lan_of(plan, office)) : 0;
    // The server of a Wi-Fi centre is a station as the others.
    const bool server_within = plan.source == "server" && *plan.offices.find(office) == plan.offices.central() && !from_within;
    const int crossings = clients <= 0 ? 0 : from_within ? 2 * (clients - 1) : server_within ? 2 * clients : 2 * clients - 1;
    return crossings * seconds_per_byte(*air);
}

double source_seconds_per_byte(const roll_out_plan& plan) {
    return 1 / (plan.source == "cdn" ? plan.cdn_bytes_per_second : world_options(plan.offices).file_store_bytes_per_second);
}

/// One copy leaves whoever has it.
double origin_seconds_per_byte(const roll_out_plan& plan, const std::string& origin) {
    if (outside(plan) && !holds_before(plan, origin)) return source_seconds_per_byte(plan);
    const auto air = air_of(plan, origin);
    return air ? seconds_per_byte(*air) : seconds_per_byte(lan_of(plan, origin));
}

/// The server gives to the central office's clients only, and content flows within an office and downwards.
std::optional<std::string> supply_refusal(const roll_out_plan& plan) {
    const auto& central = plan.offices[plan.offices.central()].name;
    const bool from_server = plan.source == "server";
    if (outside(plan) || (from_server && clients_of(plan, central) > 0)) return std::nullopt;
    std::vector<std::string> without;
    for (const auto& office : plan.who) {
        if (clients_of(plan, office) == 0) continue;
        const auto path = plan.offices.path_to_central(*plan.offices.find(office));
        const bool served = std::ranges::any_of(path, [&](office_index step) { return holds_before(plan, plan.offices[step].name); });
        if (!served) without.push_back(office);
    }
    if (without.empty()) return std::nullopt;
    if (from_server) {
        return "the server gives a content to clients of the central office only, and " + central + " has none, so " + list_of(without) +
               " cannot get it: give " + central + " a client, prepare a device in an office on the way, or let the source be cdn or file_store";
    }
    return "content flows within an office and downwards only, so " + list_of(without) + " cannot get it from " + plan.source + ": let who be " +
           plan.source + " and offices below it, or the source server, cdn, file_store or an office above";
}

/// Neither the first nor the last address of an area is given to anybody.
std::optional<std::string> room_refusal(const roll_out_plan& plan) {
    for (const auto& office : plan.offices.offices()) {
        const bool central = *plan.offices.find(office.name) == plan.offices.central();
        const auto range = range_of(office.areas.front());
        const auto clients = clients_of(plan, office.name);
        const int needed = clients + (central ? 2 : 0);
        int room = 0;
        for (auto at = range.first.next(); room < needed && range.contains(at) && at != range.last; at = at.next()) ++room;
        if (room < needed && clients > 0) {
            return "office " + office.name + " has " + std::to_string(clients) + " clients, but its first subnet " + to_string(office.areas.front()) +
                   " has room for " + std::to_string(std::max(0, room - (central ? 2 : 0))) + (central ? " beside server and connector" : "");
        }
    }
    return std::nullopt;
}

std::optional<std::string> name_refusal(const roll_out_plan& plan) {
    const auto known = [&](const std::string& office) { return plan.offices.find(office).has_value(); };
    for (const auto& office : plan.who) {
        if (!known(office)) return "there is no office '" + office + "' that could fetch";
    }
    for (const auto& [office, count] : plan.clients) {
        if (!known(office)) return "there is no office '" + office + "' that could have clients";
    }
    for (const auto& each : plan.changes) {
        if (!known(each.office) || *plan.offices.find(each.office) == plan.offices.central())
            return "there is no line of '" + each.office + "' to a parent that could change";
    }
    return std::nullopt;
}

std::optional<std::string> mtu_refusal(const std::string& office, std::uint64_t mtu) {
    constexpr auto least = limits::datagram_bytes_max + ip_overhead_bytes;
    if (mtu >= least) return std::nullopt;
    return "the MTU of " + office + "'s line is " + std::to_string(mtu) + ", but datagrams of " + std::to_string(least) +
           " IP bytes are sent and never cut up: nothing would come through";
}

}  // namespace

line_pair wan_of(const roll_out_plan& plan, const std::string& office) {
    const auto* own = own_of(plan, office);
    return {own && own->wan_down ? *own->wan_down : plan.network.wan_down, own && own->wan_up ? *own->wan_up : plan.network.wan_up};
}

link_settings lan_of(const roll_out_plan& plan, const std::string& office) {
    const auto* own = own_of(plan, office);
    return own && own->lan ? *own->lan : plan.network.lan;
}

std::optional<wifi_settings> air_of(const roll_out_plan& plan, const std::string& office) {
    const auto* own = own_of(plan, office);
    if (plan.offices[*plan.offices.find(office)].type != office_type::wifi || (own && own->wired)) return std::nullopt;
    return own && own->wifi ? own->wifi : plan.network.wifi;
}

int clients_of(const roll_out_plan& plan, const std::string& office) {
    const auto found = plan.clients.find(office);
    return found == plan.clients.end() ? 0 : found->second;
}

void change_wan(roll_out_plan& plan, const std::string& office, const std::function<void(line_pair&)>& how) {
    auto first = wan_of(plan, office);
    how(first);
    auto& own = plan.network.offices[office];
    own.wan_down = first.down;
    own.wan_up = first.up;
    for (auto& each : plan.changes) {
        if (each.office != office) continue;
        line_pair later{each.down, each.up};
        how(later);
        each.down = later.down;
        each.up = later.up;
    }
}

bool holds_before(const roll_out_plan& plan, const std::string& office) {
    if (!plan.offices.shares(*plan.offices.find(office))) return false;   // who has it there gives it to nobody
    return clients_of(plan, office) > 0 && (office == plan.source || std::ranges::find(plan.prepared, office) != plan.prepared.end());
}

std::vector<std::string> way_of(const roll_out_plan& plan, const std::string& office) {
    std::vector<std::string> out;
    const auto reader = reader_of(plan, office);
    for (const auto step : plan.offices.path_to_central(*plan.offices.find(office))) {
        const auto& name = plan.offices[step].name;
        if (step == plan.offices.central() || holds_before(plan, name) || name == reader) break;
        out.push_back(name);
    }
    return out;
}

std::vector<std::string> insides_of(const roll_out_plan& plan, const std::string& office) {
    std::vector<std::string> out;
    const auto reader = reader_of(plan, office);
    for (const auto step : plan.offices.path_to_central(*plan.offices.find(office))) {
        const auto& name = plan.offices[step].name;
        // An office on the way hands the bytes on from the device that has them.
        if (clients_of(plan, name) > 0 || step == plan.offices.central()) out.push_back(name);
        if (holds_before(plan, name) || name == reader) break;
    }
    return out;
}

duration ideal_of(const roll_out_plan& plan, const std::string& office) {
    const auto origin = origin_of(plan, office);
    const bool from_within = holds_before(plan, office);
    auto slowest = own_seconds_per_byte(plan, office, from_within);
    if (clients_of(plan, office) > (from_within ? 1 : 0)) slowest = std::max(slowest, origin_seconds_per_byte(plan, origin));
    for (const auto& name : way_of(plan, office)) slowest = std::max(slowest, line_seconds_per_byte(plan, name));
    return duration(static_cast<duration::rep>(static_cast<double>(plan.content_bytes) * slowest * 1e9));
}

duration read_time_of(const roll_out_plan& plan, const std::string& office) {
    if (!outside(plan) || holds_before(plan, origin_of(plan, office))) return {};
    return duration(static_cast<duration::rep>(static_cast<double>(plan.content_bytes) * source_seconds_per_byte(plan) * 1e9));
}

double mean_loss(const link_settings& of) noexcept {
    if (of.bursts.enter <= 0) return of.loss;
    const auto in_burst = of.bursts.enter / (of.bursts.enter + of.bursts.leave);
    return in_burst * of.bursts.loss + (1 - in_burst) * of.loss;
}

std::string list_of(const std::vector<std::string>& names) {
    constexpr std::size_t named_max = 4;
    const auto shown = names.size() <= named_max ? names.size() : named_max - 1;
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    return shown < names.size() ? out + " and " + std::to_string(names.size() - shown) + " more" : out;
}

std::string rate_words(std::uint64_t bytes_per_second) {
    const auto megabits = static_cast<double>(bytes_per_second) * 8e-6;
    return fixed(megabits, megabits < 1 ? 3 : 1) + " Mbit/s";
}

std::string percent(double share) { return fixed(share * 100, 0) + " %"; }

std::optional<std::string> refusal_of(const roll_out_plan& plan) {
    if (auto why = name_refusal(plan)) return why;
    if (std::ranges::none_of(plan.who, [&](const auto& office) { return clients_of(plan, office) > 0; }))
        return "nobody fetches: no office of who has a client";
    if (auto why = room_refusal(plan)) return why;
    for (const auto& office : plan.offices.offices()) {
        if (*plan.offices.find(office.name) == plan.offices.central()) continue;
        const auto wan = wan_of(plan, office.name);
        if (auto why = mtu_refusal(office.name, std::min(wan.down.mtu_bytes, wan.up.mtu_bytes))) return why;
    }
    for (const auto& each : plan.changes) {
        if (auto why = mtu_refusal(each.office, std::min(each.down.mtu_bytes, each.up.mtu_bytes))) return why;
    }
    return supply_refusal(plan);
}

std::uint64_t memory_estimate(const roll_out_plan& plan) noexcept {
    constexpr std::uint64_t client_bytes = 250'000, world_bytes = 30'000'000;
    std::uint64_t clients = 0;
    for (const auto& [office, count] : plan.clients) clients += static_cast<std::uint64_t>(std::max(0, count));
    // The bytes, what the server's file store has of them, and what lies in between while they are placed.
    const auto contents = plan.content_bytes > UINT64_MAX / 4 ? UINT64_MAX / 2 : plan.content_bytes * 4;
    return contents + clients * client_bytes + world_bytes;
}

}  // namespace p2pdist::sim
