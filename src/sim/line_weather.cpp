#include "line_weather.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "chance.hpp"

namespace p2pdist::sim {
namespace {

/// Box and Muller.
double normal(random_source& random) {
    const auto radius = std::sqrt(-2 * std::log(1 - random.unit()));
    return radius * std::cos(2 * std::numbers::pi * random.unit());
}

}  // namespace

double correlated_noise::at(time_point now, duration memory, random_source& random) {
    const auto kept = begun_ ? std::exp(-to_seconds(std::max(now - last_, duration::zero())) / to_seconds(memory)) : 0.0;
    begun_ = true;
    last_ = std::max(last_, now);
    value_ = kept * value_ + std::sqrt(1 - kept * kept) * normal(random);
    return value_;
}

std::optional<time_point> fade_clock::bad_until(time_point when, const line_fades& settings, random_source& random) {
    if (!begun_) {
        begun_ = true;
        until_ = when;
    }
    while (until_ <= when) {
        bad_ = !bad_;
        since_ = until_;
        until_ += exponential(bad_ ? settings.length : settings.every, random);
    }
    return bad_ && when >= since_ ? std::optional(until_) : std::nullopt;
}

bool token_bucket::take(time_point now, std::uint64_t bytes, const line_policer& settings) {
    const auto full = static_cast<double>(settings.burst_bytes);
    tokens_ = begun_ ? std::min(full, tokens_ + to_seconds(now - last_) * static_cast<double>(settings.bytes_per_second)) : full;
    begun_ = true;
    last_ = now;
    if (tokens_ < static_cast<double>(bytes)) return false;
    tokens_ -= static_cast<double>(bytes);
    return true;
}

}  // namespace p2pdist::sim
