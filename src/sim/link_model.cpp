#include "p2pdist/sim/link_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "line_weather.hpp"
#include "p2pdist/base/assert.hpp"
#include "queue_discipline.hpp"

namespace p2pdist::sim {
namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

/// a * b / c, rounded up, without overflow on the way.
std::uint64_t scaled_up(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
    std::uint64_t product = 0;
    if (!__builtin_mul_overflow(a, b, &product) && product < UINT64_MAX - c) return (product + c - 1) / c;
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>(a) * b + c - 1) / c);
}

bool needs_more(const link_settings& settings) {
    return settings.queue.kind != queue_kind::tail_drop || settings.fades.every > duration::zero() || settings.bursts.enter > 0 ||
           settings.jitter_memory > duration::zero() || settings.policer.bytes_per_second > 0;
}

}  // namespace

struct link_model::active {
    explicit active(std::uint64_t seed) : random(seed) {}

    random_source random;   // its own: what it draws changes nothing on the lines that don't need it
    correlated_noise noise;
    fade_clock fades;
    token_bucket tokens;
    bool in_burst = false;
    std::unique_ptr<queue_discipline> queue;
    bool agreed = false;    // that depart() is called at a certain time

    /// Whether a datagram is lost: in bursts, or else with `loss`.
    bool loses(const loss_bursts& bursts, double loss) {
        if (random.unit() < (in_burst ? bursts.leave : bursts.enter)) in_burst = !in_burst;
        const auto probability = in_burst ? bursts.loss : loss;
        return probability > 0 && random.unit() < probability;
    }
};

link_settings line(double megabits_per_second, duration delay, duration queue_time) {
    link_settings out;
    out.bytes_per_second = static_cast<std::uint64_t>(megabits_per_second * 125'000);
    out.delay = delay;
    constexpr std::uint64_t datagrams_min = 10 * 1228;  // a router's queue holds a few datagrams however slow its line is
    out.queue_bytes = std::max(datagrams_min, scaled_up(out.bytes_per_second, static_cast<std::uint64_t>(queue_time.count()), nanoseconds_per_second));
    return out;
}

std::string_view to_string(link_passage::fate what) noexcept {
    switch (what) {
        case link_passage::fate::carried: return "carried";
        case link_passage::fate::lost: return "lost";
        case link_passage::fate::queue_full: return "queue full";
        case link_passage::fate::down: return "link down";
        case link_passage::fate::too_long: return "longer than the MTU";
        case link_passage::fate::policed: return "above the policer's rate";
        case link_passage::fate::early_drop: return "dropped by CoDel";
        case link_passage::fate::waiting: return "waiting";
    }
    return "";
}

link_model::link_model(const link_settings& settings, std::uint64_t seed) : settings_(settings), random_(seed), seed_(seed) { prepare(); }
link_model::~link_model() = default;
link_model::link_model(link_model&&) noexcept = default;
link_model& link_model::operator=(link_model&&) noexcept = default;

duration link_model::line_time(std::uint64_t ip_bytes) const noexcept {
    if (settings_.bytes_per_second == 0) return duration::zero();
    return duration(static_cast<duration::rep>(scaled_up(ip_bytes, nanoseconds_per_second, settings_.bytes_per_second)));
}

duration link_model::queue_delay(time_point now) const noexcept {
    const auto on_line = busy_until_ > now ? busy_until_ - now : duration::zero();
    return active_ && active_->queue ? on_line + line_time(active_->queue->bytes()) : on_line;
}

std::uint64_t link_model::queue_bytes(time_point now) const noexcept {
    const auto waiting = active_ && active_->queue ? active_->queue->bytes() : 0;
    if (busy_until_ <= now) return waiting;
    return waiting + scaled_up(static_cast<std::uint64_t>((busy_until_ - now).count()), settings_.bytes_per_second, nanoseconds_per_second);
}

/// What the settings ask for is there.
void link_model::prepare() {
    if (!active_ && needs_more(settings_)) active_ = std::make_unique<active>(seed_ ^ 0x6c696e65);
    if (!active_) return;
    auto& queue = active_->queue;
    if (settings_.queue.kind == queue_kind::tail_drop) {
        if (queue && queue->size() == 0 && !active_->agreed) queue.reset();
        return;   // what waits still leaves in its order
    }
    auto made = make_queue(settings_);
    if (!queue) {
        queue = std::move(made);
    } else if (kind_ == settings_.queue.kind) {
        queue->configure(settings_);
    } else {
        std::vector<link_departure> none;
        link_settings roomy = settings_;
        roomy.queue_bytes = UINT64_MAX;
        made->configure(roomy);
        for (const auto& each : queue->drain()) made->push(each, none);
        P2PDIST_ASSERT(none.empty());
        made->configure(settings_);
        queue = std::move(made);
    }
    kind_ = settings_.queue.kind;
}

void link_model::change(const link_settings& settings) {
    settings_ = settings;
    prepare();
}

void link_model::replace(const link_settings& settings, std::vector<link_departure>& dropped) {
    if (active_ && active_->queue) {
        for (const auto& each : active_->queue->drain()) {
            dropped.push_back({each.what.id, each.what.ecn, {link_passage::fate::down}});
            ++counters_.down_dropped;
        }
    }
    busy_until_ = last_arrival_ = {};
    change(settings);
}

/// Why it does not even come to the queue.
std::optional<link_passage::fate> link_model::refused(time_point now, std::uint64_t ip_bytes) {
    if (settings_.down) {
        ++counters_.down_dropped;
        return link_passage::fate::down;
    }
    if (ip_bytes > settings_.mtu_bytes) {
        ++counters_.too_long;
        return link_passage::fate::too_long;
    }
    if (active_ && settings_.policer.bytes_per_second > 0 && !active_->tokens.take(now, ip_bytes, settings_.policer)) {
        ++counters_.policed;
        return link_passage::fate::policed;
    }
    return std::nullopt;
}

/// Goes onto the line at `begins`.
void link_model::occupy(time_point begins, time_point came, std::uint64_t ip_bytes, cargo carries) {
    auto time = line_time(ip_bytes);
    const auto& fades = settings_.fades;
    if (active_ && fades.every > duration::zero() && fades.rate > 0 && active_->fades.bad_until(begins, fades, active_->random)) {
        time = duration(static_cast<duration::rep>(static_cast<double>(time.count()) / fades.rate));
    }
    busy_until_ = begins + time;
    ++counters_.carried;
    counters_.carried_bytes += ip_bytes;
    if (carries == cargo::data) counters_.data_bytes += ip_bytes;
    if (carries == cargo::foreign) counters_.foreign_bytes += ip_bytes;
    if (begins > came) counters_.waited_byte_seconds += static_cast<double>(ip_bytes) * static_cast<double>((begins - came).count()) * 1e-9;
}

/// From the line's other end on: what its last bit does that has left at `sent`.
link_passage link_model::travel(time_point sent) {
    const bool lost = active_ && settings_.bursts.enter > 0 ? active_->loses(settings_.bursts, settings_.loss) : chance(settings_.loss);
    if (lost) {
        ++counters_.lost;
        return {link_passage::fate::lost};
    }
    link_passage out{link_passage::fate::carried, sent + settings_.delay};
    if (settings_.jitter > duration::zero()) out.arrives += jitter(sent);
    out.arrives = std::max(out.arrives, last_arrival_);
    if (active_ && settings_.fades.every > duration::zero() && settings_.fades.rate <= 0) {
        if (const auto end = active_->fades.bad_until(out.arrives, settings_.fades, active_->random)) out.arrives = *end;
    }
    last_arrival_ = out.arrives;
    if (chance(settings_.reorder)) {
        ++counters_.reordered;
        out.arrives += settings_.reorder_delay;
    }
    if (chance(settings_.duplicate)) {
        ++counters_.duplicated;
        out.copy_arrives = out.arrives + std::chrono::microseconds(300);
    }
    return out;
}

/// Uniform from zero to the setting; with a memory by way of a normal process of which each value is given its rank.
duration link_model::jitter(time_point now) {
    const auto most = static_cast<std::uint64_t>(settings_.jitter.count());
    if (!active_ || settings_.jitter_memory <= duration::zero()) return duration(static_cast<duration::rep>(random_.below(most)));
    const auto rank = 0.5 * std::erfc(-active_->noise.at(now, settings_.jitter_memory, active_->random) / std::numbers::sqrt2);
    return duration(static_cast<duration::rep>(rank * static_cast<double>(most)));
}

link_passage link_model::offer(time_point now, std::uint64_t ip_bytes, cargo carries) {
    ++counters_.offered;
    if (const auto why = refused(now, ip_bytes)) return {*why};
    const auto queued = queue_bytes(now) + ip_bytes;
    if (settings_.bytes_per_second > 0 && queued > settings_.queue_bytes) {
        ++counters_.queue_dropped;
        return {link_passage::fate::queue_full};
    }
    counters_.queue_bytes_max = std::max(counters_.queue_bytes_max, queued);
    occupy(std::max(busy_until_, now), now, ip_bytes, carries);
    return travel(busy_until_);
}

link_passage link_model::offer(time_point now, const offered_datagram& what, std::vector<link_departure>& others) {
    if (!active_ || !active_->queue) return offer(now, what.ip_bytes, what.carries);
    auto& queue = *active_->queue;
    ++counters_.offered;
    if (const auto why = refused(now, what.ip_bytes)) return {*why};
    const auto first = others.size();
    queue.push({what, now}, others);
    count_gone(others, first);
    for (auto each = others.begin() + static_cast<std::ptrdiff_t>(first); each != others.end(); ++each) {
        if (each->id != what.id) continue;
        others.erase(each);
        return {link_passage::fate::queue_full};
    }
    counters_.queue_bytes_max = std::max(counters_.queue_bytes_max, queue_bytes(now));
    if (active_->agreed) return {link_passage::fate::waiting, never};
    active_->agreed = true;
    return {link_passage::fate::waiting, std::max(now, busy_until_)};
}

void link_model::count_gone(const std::vector<link_departure>& gone, std::size_t first) {
    for (std::size_t i = first; i < gone.size(); ++i) {
        ++(gone[i].passage.what == link_passage::fate::early_drop ? counters_.early_dropped : counters_.queue_dropped);
    }
}

time_point link_model::depart(time_point now, std::vector<link_departure>& gone) {
    P2PDIST_ASSERT(active_ && active_->queue && active_->agreed);
    auto& queue = *active_->queue;
    if (busy_until_ > now) return busy_until_;   // the line was slowed down since
    const auto first = gone.size();
    const auto next = queue.pop(now, gone);
    count_gone(gone, first);
    active_->agreed = queue.size() > 0;
    if (next) {
        occupy(now, next->since, next->what.ip_bytes, next->what.carries);
        if (next->marked) ++counters_.marked;
        gone.push_back({next->what.id, next->what.ecn, travel(busy_until_)});
    }
    if (active_->agreed) return busy_until_;
    if (settings_.queue.kind == queue_kind::tail_drop) active_->queue.reset();
    return never;
}

}  // namespace p2pdist::sim
