#include "roll_out_recorder.hpp"

#include <algorithm>

#include "roll_out_lines.hpp"

namespace p2pdist::sim {
namespace {

/// More are thinned out: every other one goes, and the interval doubles.
constexpr std::size_t samples_max = 400;

template <class T>
void keep_every_other(std::vector<T>& values) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < values.size(); at += 2) values[kept++] = values[at];
    values.resize(kept);
}

/// What happened since.
link_counters since(link_counters now, const link_counters& before) {
    for (const auto counter :
         {&link_counters::offered, &link_counters::carried, &link_counters::carried_bytes, &link_counters::data_bytes, &link_counters::foreign_bytes,
          &link_counters::lost, &link_counters::queue_dropped, &link_counters::early_dropped, &link_counters::marked, &link_counters::policed,
          &link_counters::too_long, &link_counters::down_dropped, &link_counters::duplicated, &link_counters::reordered}) {
        now.*counter -= before.*counter;
    }
    now.waited_byte_seconds -= before.waited_byte_seconds;
    return now;
}

/// What it lets through at most.
std::uint64_t capacity(const link_settings& of) {
    const auto policed = of.policer.bytes_per_second;
    return policed > 0 && (of.bytes_per_second == 0 || policed < of.bytes_per_second) ? policed : of.bytes_per_second;
}

/// Seconds that a line sends for so many bytes.
double seconds_for(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    return bytes_per_second == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(bytes_per_second);
}

}  // namespace

roll_out_recorder::roll_out_recorder(world& of, const roll_out_plan& plan, content_info content, progress_sink progress)
    : world_(of), content_(std::move(content)), progress_(std::move(progress)), begin_(of.now()) {
    for (const auto& office : plan.who) offices_[office];
    for (std::size_t i = 0; i < world_.clients(); ++i) {
        const auto found = offices_.find(world_.office_of({i}));
        office_of_client_.push_back(found == offices_.end() ? nullptr : &found->second);
        if (office_of_client_.back()) ++office_of_client_.back()->clients;
    }
    for (const auto& wan : world_.wans()) {
        auto& made = lines_[wan.office];
        made.down = wan.down;
        made.up = wan.up;
        made.down_bytes = wan.down.carried_bytes;
        made.up_bytes = wan.up.carried_bytes;
    }
    watch_insides(plan);
    sample();
    sample_later();
}

roll_out_recorder::~roll_out_recorder() { *alive_ = false; }

void roll_out_recorder::watch_insides(const roll_out_plan& plan) {
    const auto& central = plan.offices[plan.offices.central()].name;
    for (std::size_t i = 0; i < world_.clients(); ++i) add_host(insides_[world_.office_of({i})], world_.address_of({i}));
    add_host(insides_[central], world_.server_address());
    for (auto& [office, inside] : insides_) {
        const auto air = air_of(plan, office);
        inside.wireless = air.has_value();
        inside.bytes_per_second = air ? air->bytes_per_second : lan_of(plan, office).bytes_per_second;
        inside.dropped = dropped_inside(inside, office);
        if (air) inside.air_busy = world_.net().air_of(office).busy;
    }
}

void roll_out_recorder::add_host(watched_inside& to, const ip_address& address) {
    const auto found = world_.net().find(address);
    if (!found) return;
    to.hosts.push_back({*found, world_.net().lan_up(*found).counters().carried_bytes, world_.net().lan_down(*found).counters().carried_bytes});
}

std::uint64_t roll_out_recorder::dropped_inside(const watched_inside& of, const std::string& office) {
    std::uint64_t out = of.wireless ? world_.net().air_of(office).queue_dropped : 0;
    for (const auto& each : of.hosts)
        out += world_.net().lan_up(each.host).counters().queue_dropped + world_.net().lan_down(each.host).counters().queue_dropped;
    return out;
}

void roll_out_recorder::sample() {
    double complete = 0;
    std::size_t clients = 0;
    for (auto& [name, office] : offices_) office.shares.push_back(0);
    for (const auto& fetch : world_.fetches()) {
        auto* const office = office_of_client_[fetch.client.value];
        if (!office) continue;
        const auto share = got_share(fetch);
        office->shares.back() += static_cast<float>(share) / static_cast<float>(office->clients);
        complete += share;
        ++clients;
    }
    sample_lines();
    sample_insides();
    ++samples_;
    if (progress_) progress_({"", 1, 1, world_.now() - begin_, clients == 0 ? 0 : complete / static_cast<double>(clients)});
}

void roll_out_recorder::sample_lines() {
    const auto grow = [](gauge& of, double seconds) { of.push_back(of.empty() ? 0 : of.back() + seconds); };
    for (auto& [office, each] : lines_) {
        const auto now = world_.wan(office);
        // At the rate that the line has now: it may change in mid-run.
        grow(each.down_seconds, seconds_for(now.down.carried_bytes - each.down_bytes, capacity(world_.net().wan_down(office).settings())));
        grow(each.up_seconds, seconds_for(now.up.carried_bytes - each.up_bytes, capacity(world_.net().wan_up(office).settings())));
        each.down_bytes = now.down.carried_bytes;
        each.up_bytes = now.up.carried_bytes;
    }
}

void roll_out_recorder::sample_insides() {
    auto& net = world_.net();
    for (auto& [office, inside] : insides_) {
        double seconds = 0;
        if (inside.wireless) {
            seconds = to_seconds(net.air_of(office).busy - inside.air_busy);
        } else {
            for (const auto& each : inside.hosts) {
                const auto most = std::max(net.lan_up(each.host).counters().carried_bytes - each.up_bytes,
                                           net.lan_down(each.host).counters().carried_bytes - each.down_bytes);
                seconds = std::max(seconds, seconds_for(most, inside.bytes_per_second));
            }
        }
        inside.seconds.push_back(seconds);
    }
}

double roll_out_recorder::got_share(const fetch_record& fetch) const {
    if (fetch.complete()) return 1;
    if (content_.size_bytes == 0 || !world_.is_up(fetch.client)) return 0;
    const auto got = world_.core(fetch.client).progress(content_.id);
    return got ? static_cast<double>(got->verified_bytes) / static_cast<double>(content_.size_bytes) : 0;
}

void roll_out_recorder::sample_later() {
    world_.at(begin_ + interval_ * static_cast<duration::rep>(samples_), [this, alive = alive_] {
        if (!*alive) return;
        sample();
        if (samples_ > samples_max) thin_out();
        sample_later();
    });
}

void roll_out_recorder::thin_out() {
    for (auto& [name, office] : offices_) keep_every_other(office.shares);
    for (auto& [name, line] : lines_) {
        keep_every_other(line.down_seconds);
        keep_every_other(line.up_seconds);
    }
    for (auto& [name, inside] : insides_) keep_every_other(inside.seconds);
    samples_ = (samples_ + 1) / 2;
    interval_ *= 2;
}

std::vector<float> roll_out_recorder::uses(const gauge& of) const {
    std::vector<float> out{0};
    for (std::size_t at = 1; at < of.size(); ++at) out.push_back(static_cast<float>(std::min(1.0, (of[at] - of[at - 1]) / to_seconds(interval_))));
    return out;
}

void roll_out_recorder::finish(prediction& out) {
    sample();   // the last one is at most an interval after the one before
    *alive_ = false;
    lasted_ = world_.now() - begin_;
    out.sample_interval = interval_;
    for (const auto& [office, each] : lines_) {
        const auto now = world_.wan(office);
        line_prediction row;
        row.office = office;
        row.parent = world_.net().parent_of(office);
        row.down_bytes_per_second = world_.net().wan_down(office).settings().bytes_per_second;
        row.up_bytes_per_second = world_.net().wan_up(office).settings().bytes_per_second;
        row.down = since(now.down, each.down);
        row.up = since(now.up, each.up);
        const auto ours = row.down.carried_bytes + row.up.carried_bytes - row.down.foreign_bytes - row.up.foreign_bytes;
        row.copies = content_.size_bytes == 0 ? 0.0 : static_cast<double>(ours) / static_cast<double>(content_.size_bytes);
        row.down_use = mean(each.down_seconds, lasted_);
        row.up_use = mean(each.up_seconds, lasted_);
        row.use = uses(each.down_seconds);
        const auto up = uses(each.up_seconds);
        for (std::size_t at = 0; at < up.size(); ++at) row.use[at] = std::max(row.use[at], up[at]);
        out.lines.push_back(std::move(row));
    }
    for (const auto& [office, each] : insides_) {
        out.insides.push_back({office, each.wireless, each.bytes_per_second, dropped_inside(each, office) - each.dropped, mean(each.seconds, lasted_),
                               uses(each.seconds)});
    }
}

/// Between two samples it counts as even.
double roll_out_recorder::mean(const gauge& of, duration until) const {
    if (of.empty() || until <= duration::zero()) return 0;
    const auto before = static_cast<std::size_t>(until / interval_);
    auto seconds = of.back();
    if (before + 1 < of.size()) {
        const auto end = before + 2 == of.size() ? lasted_ : interval_ * static_cast<duration::rep>(before + 1);
        const auto begin = interval_ * static_cast<duration::rep>(before);
        const auto part = end > begin ? std::min(1.0, to_seconds(until - begin) / to_seconds(end - begin)) : 1.0;
        seconds = of[before] + (of[before + 1] - of[before]) * part;
    }
    return std::min(1.0, seconds / to_seconds(until));
}

double roll_out_recorder::down_use(const std::string& office, duration until) const {
    const auto found = lines_.find(office);
    return found == lines_.end() ? 0 : mean(found->second.down_seconds, until);
}

double roll_out_recorder::up_use(const std::string& office, duration until) const {
    const auto found = lines_.find(office);
    return found == lines_.end() ? 0 : mean(found->second.up_seconds, until);
}

double roll_out_recorder::inside_use(const std::string& office, duration until) const {
    const auto found = insides_.find(office);
    return found == insides_.end() ? 0 : mean(found->second.seconds, until);
}

}  // namespace p2pdist::sim
