#include "feedback_schedule.hpp"

#include <algorithm>

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t ip_udp_bytes = 28;
constexpr double background_share = 0.011;      // of the bytes that arrive, on the way back
constexpr double allowance_bytes_max = 3000;
constexpr double overdraft_bytes = 1500;        // what gaps may take in advance
constexpr duration background_spacing_max = 100ms;  // so often at least, whatever it costs
constexpr std::uint64_t first_packets = 64;     // answered eagerly: slow start feeds on answers
constexpr duration repeat_first = 200ms;
constexpr duration repeat_max = 1s;
constexpr duration idle_repeat = 3s;

}  // namespace

void feedback_schedule::on_packet(time_point now, std::uint64_t datagram_bytes) noexcept {
    ++packets_ever_;
    if (packets_++ == 0) first_packet_at_ = now;
    repeats_ = 0;
    allowance_bytes_ = std::min(allowance_bytes_ + background_share * static_cast<double>(datagram_bytes + ip_udp_bytes), allowance_bytes_max);
}

void feedback_schedule::on_feedback(time_point now, std::uint64_t datagram_bytes) noexcept {
    allowance_bytes_ = std::max(allowance_bytes_ - static_cast<double>(datagram_bytes + ip_udp_bytes), -2 * overdraft_bytes);
    if (packets_ == 0) ++repeats_;
    packets_ = 0;
    last_feedback_at_ = now;
    any_feedback_ = true;
    gap_ = urgent_ = false;
}

std::uint32_t feedback_schedule::packets_max() const noexcept {
    if (packets_ever_ <= first_packets) return background_ ? 4 : 8;
    return background_ ? 16 : 32;
}

duration feedback_schedule::hold_max() const noexcept {
    return background_ ? std::clamp<duration>(round_trip_ / 4, 2ms, 25ms) : std::clamp<duration>(round_trip_ / 4, 1ms, 10ms);
}

time_point feedback_schedule::due(bool waiting) const noexcept {
    if (urgent_ || !any_feedback_) return last_feedback_at_;
    if (packets_ > 0) {
        const bool enough = packets_ >= packets_max();
        auto when = enough ? first_packet_at_ : first_packet_at_ + hold_max();
        if (gap_ && (!background_ || allowance_bytes_ > -overdraft_bytes)) when = first_packet_at_;
        else if (background_ && allowance_bytes_ < 0) when = std::max(when, last_feedback_at_ + background_spacing_max);
        return when;
    }
    if (!waiting) return last_feedback_at_ + idle_repeat;
    const auto backoff = repeat_first * (1 << std::min(repeats_, 4));
    return last_feedback_at_ + std::min<duration>(backoff, repeat_max);
}

}  // namespace p2pdist::detail::flow
