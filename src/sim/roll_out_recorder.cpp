#include "roll_out_recorder.hpp"

#include <algorithm>

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

}  // namespace

roll_out_recorder::roll_out_recorder(world& of, const std::vector<std::string>& offices, content_info content)
    : world_(of), content_(std::move(content)), begin_(of.now()) {
    for (const auto& office : offices) offices_[office];
    for (std::size_t i = 0; i < world_.clients(); ++i) {
        const auto found = offices_.find(world_.office_of({i}));
        office_of_client_.push_back(found == offices_.end() ? nullptr : &found->second);
        if (office_of_client_.back()) ++office_of_client_.back()->clients;
    }
    for (const auto& wan : world_.wans()) lines_.push_back({wan.office, wan.down, wan.up, {}, {}});
    sample();
    sample_later();
}

roll_out_recorder::~roll_out_recorder() { *alive_ = false; }

void roll_out_recorder::sample() {
    for (auto& [name, office] : offices_) office.shares.push_back(0);
    for (const auto& fetch : world_.fetches()) {
        auto* const office = office_of_client_[fetch.client.value];
        if (office) office->shares.back() += static_cast<float>(got_share(fetch)) / static_cast<float>(office->clients);
    }
    for (auto& each : lines_) {
        const auto now = world_.wan(each.office);
        each.down_bytes.push_back(now.down.carried_bytes - each.down.carried_bytes);
        each.up_bytes.push_back(now.up.carried_bytes - each.up.carried_bytes);
    }
    ++samples_;
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
    for (auto& each : lines_) {
        keep_every_other(each.down_bytes);
        keep_every_other(each.up_bytes);
    }
    samples_ = (samples_ + 1) / 2;
    interval_ *= 2;
}

void roll_out_recorder::finish(prediction& out) {
    sample();   // the last one is at most an interval after the one before
    *alive_ = false;
    out.sample_interval = interval_;
    for (auto& each : lines_) {
        const auto now = world_.wan(each.office);
        line_prediction row;
        row.office = each.office;
        row.down = now.down;
        row.up = now.up;
        // Counters are of the world's whole life; what counts is the roll-out.
        row.down.carried_bytes = each.down_bytes.back();
        row.up.carried_bytes = each.up_bytes.back();
        row.down.foreign_bytes -= each.down.foreign_bytes;
        row.up.foreign_bytes -= each.up.foreign_bytes;
        const auto ours = row.down.carried_bytes + row.up.carried_bytes - row.down.foreign_bytes - row.up.foreign_bytes;
        row.copies = content_.size_bytes == 0 ? 0.0 : static_cast<double>(ours) / static_cast<double>(content_.size_bytes);
        const auto seconds = to_seconds(interval_);
        const auto use = [&](const std::vector<std::uint64_t>& bytes, std::size_t at, std::uint64_t rate) {
            return rate == 0 ? 0.0 : std::min(1.0, static_cast<double>(bytes[at] - bytes[at - 1]) / (static_cast<double>(rate) * seconds));
        };
        row.use.push_back(0);
        for (std::size_t at = 1; at < each.down_bytes.size(); ++at) {
            row.use.push_back(static_cast<float>(std::max(use(each.down_bytes, at, world_.net().wan_down(each.office).settings().bytes_per_second),
                                                          use(each.up_bytes, at, world_.net().wan_up(each.office).settings().bytes_per_second))));
        }
        out.lines.push_back(std::move(row));
    }
}

double roll_out_recorder::mean_use(const line_prediction& line, duration until) const {
    const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const auto& each) { return each.office == line.office; });
    const auto rate = world_.net().wan_down(line.office).settings().bytes_per_second;
    if (found == lines_.end() || rate == 0 || until <= duration::zero()) return 0;
    const auto at = std::min<std::size_t>(found->down_bytes.size() - 1, static_cast<std::size_t>((until + interval_ - duration(1)) / interval_));
    const auto seconds = to_seconds(std::min<duration>(until, interval_ * static_cast<duration::rep>(std::max<std::size_t>(at, 1))));
    return std::min(1.0, static_cast<double>(found->down_bytes[at]) / (static_cast<double>(rate) * seconds));
}

}  // namespace p2pdist::sim
