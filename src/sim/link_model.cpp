#include "p2pdist/sim/link_model.hpp"

#include <algorithm>

namespace p2pdist::sim {
namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

/// a * b / c, rounded up, without overflow on the way.
std::uint64_t scaled_up(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>(a) * b + c - 1) / c);
}

}  // namespace

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
    }
    return "";
}

duration link_model::line_time(std::uint64_t ip_bytes) const noexcept {
    if (settings_.bytes_per_second == 0) return duration::zero();
    return duration(static_cast<duration::rep>(scaled_up(ip_bytes, nanoseconds_per_second, settings_.bytes_per_second)));
}

std::uint64_t link_model::queue_bytes(time_point now) const noexcept {
    return scaled_up(static_cast<std::uint64_t>(queue_delay(now).count()), settings_.bytes_per_second, nanoseconds_per_second);
}

link_passage link_model::offer(time_point now, std::uint64_t ip_bytes, bool carries_data) {
    ++counters_.offered;
    if (settings_.down) {
        ++counters_.down_dropped;
        return {link_passage::fate::down};
    }
    const auto queued = queue_bytes(now) + ip_bytes;
    if (settings_.bytes_per_second > 0 && queued > settings_.queue_bytes) {
        ++counters_.queue_dropped;
        return {link_passage::fate::queue_full};
    }
    counters_.queue_bytes_max = std::max(counters_.queue_bytes_max, queued);
    busy_until_ = std::max(busy_until_, now) + line_time(ip_bytes);
    ++counters_.carried;
    counters_.carried_bytes += ip_bytes;
    if (carries_data) counters_.data_bytes += ip_bytes;
    if (chance(settings_.loss)) {
        ++counters_.lost;
        return {link_passage::fate::lost};
    }
    link_passage out{link_passage::fate::carried, busy_until_ + settings_.delay};
    if (settings_.jitter > duration::zero()) {
        out.arrives += duration(static_cast<duration::rep>(random_.below(static_cast<std::uint64_t>(settings_.jitter.count()))));
    }
    out.arrives = last_arrival_ = std::max(out.arrives, last_arrival_);
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

}  // namespace p2pdist::sim
