// What a script lets people do and devices suffer.

#include "script_run.hpp"

namespace p2pdist::sim {
namespace {

void set_down(link_model& line, bool down) {
    auto settings = line.settings();
    settings.down = down;
    line.change(settings);
}

}  // namespace

const std::map<std::string_view, script_run::act>& script_run::acts() {
    static const std::map<std::string_view, act> all = {
        {"fetch", &script_run::fetch},     {"import", &script_run::import},   {"kill", &script_run::kill},
        {"restart", &script_run::restart}, {"sleep", &script_run::sleep},     {"stall", &script_run::stall},
        {"wake", &script_run::wake},       {"drift", &script_run::drift},     {"jump", &script_run::jump},
        {"wall", &script_run::wall},       {"freeze", &script_run::freeze},   {"full", &script_run::full},
        {"slow", &script_run::slow},       {"failing", &script_run::failing}, {"corrupt", &script_run::corrupt},
        {"move", &script_run::move},       {"cut", &script_run::cut},         {"fade", &script_run::fade},
        {"block", &script_run::block},     {"drop", &script_run::drop},       {"unplug", &script_run::unplug},
        {"rival", &script_run::rival},     {"run", &script_run::run_for},     {"expect", &script_run::expect},
    };
    return all;
}

void script_run::fetch(const script_values& what) {
    if (!first_ask_) first_ask_ = world_->now();
    const auto& content = content_of(what.text("CONTENT"));
    world_->fetch(client_of(what.text("CLIENT")), content, "/out/" + content.info().id.text());
}

void script_run::import(const script_values& what) {
    const auto who = client_of(what.text("CLIENT"));
    if (world_->is_up(who)) world_->import(who, content_of(what.text("CONTENT")));
}

void script_run::kill(const script_values& what) {
    const auto& name = what.text("NODE");
    if (name == "server") world_->kill_server();
    else world_->kill(client_of(name));
    later(what, [this, what] { restart(what); });
}

void script_run::restart(const script_values& what) {
    const auto& name = what.text("NODE");
    if (name == "server") world_->restart_server();
    else world_->restart(client_of(name));
}

void script_run::sleep(const script_values& what) {
    controls_of(what.text("NODE")).sleep();
    later(what, [this, what] { wake(what); });
}

void script_run::stall(const script_values& what) {
    controls_of(what.text("NODE")).stall();
    later(what, [this, what] { wake(what); });
}

void script_run::wake(const script_values& what) { controls_of(what.text("NODE")).wake(); }

void script_run::drift(const script_values& what) { controls_of(what.text("NODE")).drift(what.integer("PPM")); }

void script_run::jump(const script_values& what) { controls_of(what.text("NODE")).jump(what.time("TIME")); }

void script_run::wall(const script_values& what) { controls_of(what.text("NODE")).set_wall(std::chrono::seconds(what.integer("INTEGER"))); }

void script_run::freeze(const script_values& what) {
    auto& device = controls_of(what.text("NODE"));
    device.stop_clock();
    later(what, [&device] { device.start_clock(); });
}

void script_run::full(const script_values& what) {
    auto& disk = *controls_of(what.text("NODE")).disk_troubles();
    disk.full = true;
    watch_->distrust_disks();
    later(what, [&disk] { disk.full = false; });
}

void script_run::slow(const script_values& what) {
    auto& disk = *controls_of(what.text("NODE")).disk_troubles();
    disk.slowness = what.number("FACTOR");
    later(what, [&disk] { disk.slowness = 1; });
}

void script_run::failing(const script_values& what) {
    auto& disk = *controls_of(what.text("NODE")).disk_troubles();
    disk.failing = what.number("SHARE");
    watch_->distrust_disks();
    later(what, [&disk] { disk.failing = 0; });
}

void script_run::corrupt(const script_values& what) {
    auto& disk = *controls_of(what.text("NODE")).disk_troubles();
    disk.corrupt = what.number("SHARE");
    watch_->distrust_disks();
    later(what, [&disk] { disk.corrupt = 0; });
}

void script_run::move(const script_values& what) {
    auto& who = member_of(what.text("CLIENT"));
    who.office = what.text("OFFICE");
    world_->move(client_of(what.text("CLIENT")), who.office);
}

void script_run::cut(const script_values& what) {
    const auto& office = what.text("OFFICE");
    const auto& way = what.text("up|down|both");
    const auto set = [this, office, way](bool down) {
        if (way != "up") set_down(world_->net().wan_down(office), down);
        if (way != "down") set_down(world_->net().wan_up(office), down);
    };
    set(true);
    later(what, [set] { set(false); });
}

void script_run::fade(const script_values& what) {
    const auto& office = what.text("OFFICE");
    for (auto* line : {&world_->net().wan_down(office), &world_->net().wan_up(office)}) {
        const auto whole = full_rates_.try_emplace(line, line->settings().bytes_per_second).first->second;
        const auto set = [line](std::uint64_t rate) {
            auto settings = line->settings();
            settings.bytes_per_second = rate;
            line->change(settings);
        };
        set(std::max<std::uint64_t>(1000, static_cast<std::uint64_t>(static_cast<double>(whole) * what.number("SHARE"))));
        later(what, [set, whole] { set(whole); });
    }
}

void script_run::block(const script_values& what) {
    const auto from = what.text("FROM-OFFICE"), to = what.text("TO-OFFICE");
    world_->net().block(from, to, true);
    later(what, [this, from, to] { world_->net().block(from, to, false); });
}

void script_run::drop(const script_values& what) {
    const auto host = [this](const std::string& name) { return *world_->net().find(address_of(name)); };
    const auto from = host(what.text("FROM-NODE")), to = host(what.text("TO-NODE"));
    world_->net().block(from, to, true);
    later(what, [this, from, to] { world_->net().block(from, to, false); });
}

void script_run::unplug(const script_values& what) {
    const auto host = *world_->net().find(address_of(what.text("NODE")));
    const auto set = [this, host](bool down) {
        set_down(world_->net().lan_down(host), down);
        set_down(world_->net().lan_up(host), down);
    };
    set(true);
    later(what, [set] { set(false); });
}

void script_run::rival(const script_values& what) {
    rival_options made;
    made.kind = *parse_rival_kind(what.text("KIND"));
    made.from.office = what.text("FROM-OFFICE");
    made.to.office = what.text("TO-OFFICE");
    if (what.has("MBITS")) made.megabits_per_second = what.number("MBITS");
    made.seed = seed_ + ++rivals_;
    const auto index = world_->net().add_rival(made);
    later(what, [this, index] { world_->net().stop_rival(index); });
}

void script_run::run_for(const script_values& what) { world_->run_for(what.time("TIME")); }

void script_run::expect(const script_values& what) {
    if (what.has("quiet")) return expect_quiet();
    if (what.has("one-copy")) return expect_one_copy(what);
    if (what.has("took")) return expect_took(what);
    if (what.has("<=")) return expect_bound(what);
    expect_state(what);
}

}  // namespace p2pdist::sim
