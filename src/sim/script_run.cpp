#include "script_run.hpp"

#include <algorithm>
#include <exception>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/line_manners.hpp"

namespace p2pdist::sim {
namespace {

using namespace std::chrono_literals;

constexpr duration ask_again_period = 2s;
constexpr int refusals_max = 5;              // of one client, after the last trouble
constexpr std::uint64_t events_per_second_max = 3'000'000;

link_settings wan_of(const script_values& what, link_settings out, std::string_view rate) {
    if (what.has(rate) || what.has("queue")) {
        const auto megabits = what.has(rate) ? what.number(rate) : static_cast<double>(out.bytes_per_second) / 125'000;
        const auto plain = line(megabits, {}, what.has("queue") ? what.time("queue") : duration(100ms));
        out.bytes_per_second = plain.bytes_per_second;
        out.queue_bytes = plain.queue_bytes;
    }
    if (what.has("delay")) out.delay = what.time("delay");
    if (what.has("aqm")) out.queue.kind = *parse_queue_kind(what.text("aqm"));
    if (what.has("mtu")) out.mtu_bytes = static_cast<std::uint64_t>(what.integer("mtu"));
    if (what.has("policer")) out.policer = {line(what.number("policer"), {}).bytes_per_second, policer_burst_bytes};
    if (what.has("loss")) out.loss = what.number("loss");
    if (what.has("bursts")) (out.bursts = burst_of_ten).enter = what.number("bursts");
    if (what.has("fades")) (out.fades = suspension).every = what.time("fades");
    if (what.has("reorder")) out.reorder = what.number("reorder");
    if (what.has("duplicate")) out.duplicate = what.number("duplicate");
    if (what.has("jitter")) out.jitter = what.time("jitter");
    return out;
}

std::pair<std::uint8_t, std::uint8_t> versions_of(const script_values& what) {
    if (!what.has("versions")) return {std::uint8_t{0}, std::uint8_t{0}};
    const auto& text = what.text("versions");
    return {static_cast<std::uint8_t>(text[0] - '0'), static_cast<std::uint8_t>(text[2] - '0')};
}

}  // namespace

script_run::script_run(const script& what, trace::line_sink lines) : script_(what), lines_(std::move(lines)) {}

script_outcome script_run::run() {
    try {
        for (const auto& line : script_.lines) {
            out_.line = line.number;
            const auto matched = match(line, names_);
            if (!matched) throw std::runtime_error(matched.error().message);
            take(line, *matched);
            if (!out_.ok()) break;
        }
        if (!world_) begin();
        if (out_.ok()) watch_->finish();
    } catch (const std::exception& failure) {
        fail("world", failure.what());
    }
    if (world_) {
        if (world_->livelocked()) fail("livelock", oracles::no_livelock(events_per_second_max + 1, events_per_second_max));
        world_->net().watch({});
        out_.trace_hash = world_->trace_hash();
        out_.events = world_->events();
        out_.simulated = world_->now() - event_queue::start_time;
    }
    return out_;
}

void script_run::fail(std::string_view broken, std::string why) {
    if (!out_.ok()) return;
    out_.broken = broken;
    out_.failure = std::move(why);
}

void script_run::take(const script_line& line, const matched_line& what) {
    const auto& verb = line.verb();
    const auto& values = what.values;
    if (verb == "seed") seed_ = static_cast<std::uint64_t>(values.integer("INTEGER"));
    else if (verb == "world") settings_ = values;
    else if (verb == "insist") insists_ = true;
    else if (verb == "office") {
        const auto& name = values.text("NEW-OFFICE");
        const auto parent = values.text_or("PARENT", offices_.empty() ? "" : offices_.front());
        const auto type = values.text_or("wi-fi|vpn", "Default");
        spreadsheet_ += '"' + name + "\"," + (type == "wi-fi" ? "Wi-Fi" : type == "vpn" ? "VPN" : type) + ",\"" + parent + "\",10." + std::to_string(offices_.size()) + ".0.0/24\n";
        offices_.push_back(name);
        auto& lines = network_.offices[name];
        const auto as_it_comes = values.has("preset") ? *line_preset(values.text("preset")) : line_pair{sim::line(50, 10ms), sim::line(50, 10ms)};
        lines.wan_down = wan_of(values, as_it_comes.down, "down");
        lines.wan_up = wan_of(values, as_it_comes.up, values.has("up") ? "up" : "down");
        if (values.has("lan")) lines.lan = sim::line(values.number("lan"), 50us, 5ms);
    } else if (!world_ && !line.after && verb == "add") first_members_.push_back(values);
    else if (!world_ && !line.after && verb == "content") first_contents_.push_back(values);
    else {
        if (!world_) begin();
        if (verb == "add") return add(values);
        if (verb == "content") return add_content(values);
        const auto found = acts().find(verb)->second;
        if (!line.after) return (this->*found)(values);
        last_trouble_ = std::max(last_trouble_, world_->now() + *line.after);
        world_->at(world_->now() + *line.after, [this, found, values, number = line.number] {
            try {
                if (out_.ok()) (this->*found)(values);
            } catch (const std::exception& failure) {
                fail("world", "line " + std::to_string(number) + ": " + failure.what());
            }
        });
    }
}

bool script_run::comes_from(std::string_view origin) const {
    return std::ranges::any_of(script_.lines, [&](const auto& each) { return each.verb() == "content" && std::ranges::find(each.words, origin) != each.words.end(); });
}

world_options script_run::options() {
    auto offices = parse_spreadsheet(spreadsheet_);
    if (!offices) throw std::runtime_error("these offices are refused: " + offices.refusals().front().reason);
    world_options out(*std::move(offices));
    network_.lan = line(settings_.has("lan") ? settings_.number("lan") : 1000, settings_.has("lan-delay") ? settings_.time("lan-delay") : duration(50us), 5ms);
    if (settings_.has("lan-loss")) network_.lan.loss = settings_.number("lan-loss");
    out.network = network_;
    out.seed = seed_;
    out.heartbeat = settings_.has("heartbeat") ? settings_.time("heartbeat") : duration(20s);
    if (settings_.has("commit")) out.catalogue.commit_delay = settings_.time("commit");
    if (settings_.has("sync")) out.disk.sync_latency = settings_.time("sync");
    out.events_per_second_max = events_per_second_max;
    out.trace_lines = lines_;
    std::tie(out.protocol_oldest, out.protocol_newest) = versions_of(settings_);
    if (comes_from("cdn")) out.cdn = "https://cdn.example/packages";
    return out;
}

/// All that was declared comes to life; the script goes on when every device has registered and every content is published.
void script_run::begin() {
    world_ = std::make_unique<world>(options());
    watch_ = std::make_unique<oracle_watch>(*world_, [this](std::string_view oracle, std::string why) { fail(oracle, std::move(why)); });
    for (const auto& each : first_members_) add(each);
    world_->set_up();
    begun_ = true;
    for (const auto& each : first_contents_) add_content(each);
    if (insists_) ask_again();
}

void script_run::add(const script_values& what) {
    device made;
    made.office = what.text("OFFICE");
    made.preferred = what.has("preferred") && what.integer("preferred") != 0;
    made.file_store = comes_from("file_store");
    if (what.has("store")) made.store_limit_bytes = what.size("store");
    std::tie(made.protocol_oldest, made.protocol_newest) = versions_of(what);
    member who{std::nullopt, made.office, false};
    if (what.has("liar")) {
        world_->add_liar(made, static_cast<std::uint64_t>(what.integer("liar")));
    } else {
        who.client = world_->add_client(made);
        who.stranger = !world_->speaks_with_server(*who.client);
        if (begun_) world_->restart(*who.client);
    }
    members_.emplace(what.text("NEW-CLIENT"), who);
}

void script_run::add_content(const script_values& what) {
    const auto& name = what.text("NEW-CONTENT");
    const auto kind = what.text_or("sha256|sha256-tree", "sha256-tree") == "sha256" ? hash_kind::sha256 : hash_kind::sha256_tree;
    const auto& content = contents_.emplace(name, world_->make_content(name, what.size("SIZE"), kind)).first->second;
    watch_->add(content);
    const auto origin = what.text_or("ORIGIN", "server");
    placement_choice where;
    where.server_file_store = origin == "server";
    where.cdn = origin == "cdn";
    where.file_store = origin == "file_store";
    world_->publish(content, where);
    if (where.server_file_store || where.cdn || where.file_store) return;
    const auto holder = client_of(origin);
    world_->import(holder, content);
    constexpr duration import_time = 1min;
    if (!world_->run_until([&] { return world_->imported(holder, content.info().key()); }, import_time)) throw std::runtime_error(origin + " could not import " + name);
    world_->run_for(5s);   // it tells the server
}

/// Whoever was refused asks again, as its user would; five times when all trouble is over.
void script_run::ask_again() {
    for (const auto& [name, who] : members_) {
        if (!counts(who)) continue;
        for (const auto& [id, content] : contents_) {
            const auto* last = world_->fetch_of(*who.client, content.info());
            if (!last || !last->failure) continue;
            if (world_->now() > last_trouble_ && ++refusals_[name] > refusals_max) return fail("refused", name + " is refused again and again: " + last->failure->message);
            world_->fetch(*who.client, content, last->output);
        }
    }
    world_->at(world_->now() + ask_again_period, [this] { ask_again(); });
}

script_run::member& script_run::member_of(const std::string& name) {
    const auto found = members_.find(name);
    if (found == members_.end()) throw std::runtime_error("'" + name + "' is not there yet");
    return found->second;
}

client_index script_run::client_of(const std::string& name) {
    const auto& who = member_of(name);
    if (!who.client) throw std::runtime_error("'" + name + "' is a liar, and does nothing that one asks of it");
    return *who.client;
}

device_controls& script_run::controls_of(const std::string& name) {
    return name == "server" ? world_->server_controls() : world_->controls(client_of(name));
}

ip_address script_run::address_of(const std::string& name) {
    return name == "server" ? world_->server_address() : world_->address_of(client_of(name));
}

void script_run::later(const script_values& what, std::function<void()> end) {
    if (!what.has("TIME")) return;
    const auto when = world_->now() + what.time("TIME");
    last_trouble_ = std::max(last_trouble_, when);
    world_->at(when, std::move(end));
}

script_outcome play(const script& what, trace::line_sink lines) { return script_run(what, std::move(lines)).run(); }

}  // namespace p2pdist::sim
