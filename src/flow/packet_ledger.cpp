#include "packet_ledger.hpp"

#include <algorithm>

namespace p2pdist::detail::flow {

namespace {

constexpr std::uint64_t reordering_packets_max = 128;
constexpr int reordering_eighths_max = 16;
constexpr duration granularity = std::chrono::milliseconds(1);

}  // namespace

void ledger_change::clear() {
    acknowledged.clear();
    lost.clear();
    acknowledged_bytes = acknowledged_packets = lost_bytes = lost_packets = 0;
    newest_lost_sent_at = newest_acknowledged_sent_at = {};
}

std::uint32_t packet_ledger::on_sent(const sent_packet& packet) {
    const auto number = next_number();
    packets_.push_back(packet);
    bytes_in_flight_ += packet.bytes;
    ++packets_in_flight_;
    return static_cast<std::uint32_t>(number);
}

void packet_ledger::skip(time_point now) {
    skipped_.push_back(next_number());
    if (skipped_.size() > skips_remembered) skipped_.pop_front();
    packets_.push_back({now, {}, 0, sent_packet::fate::skipped});
}

bool packet_ledger::all_sent(const index_range& numbers) const noexcept {
    const auto next_skip = std::ranges::lower_bound(skipped_, numbers.first);
    const bool reached = numbers.first < next_number() && numbers.length <= next_number() - numbers.first;
    return reached && (next_skip == skipped_.end() || *next_skip >= numbers.end());
}

/// How many packets after `number` were sent, up to `later`.
std::uint64_t packet_ledger::sent_between(std::uint64_t number, std::uint64_t later) const noexcept {
    const auto skips = std::ranges::upper_bound(skipped_, later) - std::ranges::upper_bound(skipped_, number);
    return later - number - static_cast<std::uint64_t>(skips);
}

void packet_ledger::acknowledge(const std::vector<index_range>& ranges, ledger_change& change) {
    for (const auto& range : ranges) {
        const auto low = std::max(range.first, first_);
        const auto high = std::min(range.end(), next_number());
        for (auto number = low; number < high; ++number) acknowledge_one(number, packets_[number - first_], change);
    }
}

void packet_ledger::acknowledge_one(std::uint64_t number, sent_packet& packet, ledger_change& change) {
    if (packet.state == sent_packet::fate::acknowledged || packet.state == sent_packet::fate::skipped) return;
    if (packet.state == sent_packet::fate::in_flight) {
        bytes_in_flight_ -= packet.bytes;
        --packets_in_flight_;
        change.acknowledged_bytes += packet.bytes;
        ++change.acknowledged_packets;
    } else if (packet.state == sent_packet::fate::lost && any_acknowledged_ && largest_acknowledged_ > number) {
        // It was late, not lost: this path reorders by at least that much.
        reordering_packets_ = std::clamp(sent_between(number, largest_acknowledged_) + 1, reordering_packets_, reordering_packets_max);
        reordering_eighths_ = std::min(reordering_eighths_ + 2, reordering_eighths_max);
    }
    packet.state = sent_packet::fate::acknowledged;
    change.acknowledged.push_back(packet.range);
    change.newest_acknowledged_sent_at = std::max(change.newest_acknowledged_sent_at, packet.sent_at);
    largest_acknowledged_ = any_acknowledged_ ? std::max(largest_acknowledged_, number) : number;
    any_acknowledged_ = true;
}

void packet_ledger::detect_losses(time_point now, const rtt_estimator& rtt, ledger_change& change) {
    loss_time_ = never;
    const auto round_trip = std::max(rtt.smoothed(), rtt.latest());
    const auto patience = std::max(round_trip * reordering_eighths_ / 8, round_trip + granularity);
    if (any_acknowledged_) {
        const auto stop = std::min(largest_acknowledged_, next_number());
        for (auto number = first_; number < stop; ++number) {
            auto& packet = packets_[number - first_];
            if (packet.state != sent_packet::fate::in_flight) continue;
            const bool overtaken = sent_between(number, largest_acknowledged_) >= reordering_packets_;
            const bool old = packet.sent_at + patience <= now;
            if (!overtaken && !old) {
                // All later ones are younger and less overtaken; only the first in flight matters for the timer.
                loss_time_ = packet.sent_at + patience;
                break;
            }
            packet.state = sent_packet::fate::lost;
            bytes_in_flight_ -= packet.bytes;
            --packets_in_flight_;
            change.lost.push_back(packet.range);
            change.lost_bytes += packet.bytes;
            ++change.lost_packets;
            change.newest_lost_sent_at = std::max(change.newest_lost_sent_at, packet.sent_at);
        }
    }
    forget_settled(now, patience * 2);
}

void packet_ledger::forget_settled(time_point now, duration keep) {
    while (!packets_.empty()) {
        const auto& front = packets_.front();
        if (front.state == sent_packet::fate::in_flight) return;
        // Packets thought lost are remembered a while, so that their late acknowledgement teaches something.
        const bool settled = front.state == sent_packet::fate::acknowledged || front.state == sent_packet::fate::skipped;
        if (!settled && front.sent_at + keep > now) return;
        packets_.pop_front();
        ++first_;
    }
}

const sent_packet* packet_ledger::find(std::uint64_t number) const noexcept {
    if (number < first_ || number >= next_number()) return nullptr;
    return &packets_[number - first_];
}

std::optional<index_range> packet_ledger::supersede_oldest() {
    for (auto& packet : packets_) {
        if (packet.state != sent_packet::fate::in_flight) continue;
        packet.state = sent_packet::fate::superseded;
        bytes_in_flight_ -= packet.bytes;
        --packets_in_flight_;
        return packet.range;
    }
    return std::nullopt;
}

}  // namespace p2pdist::detail::flow
