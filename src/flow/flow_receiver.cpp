#include "flow_receiver.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/limits.hpp"
#include "wire_time.hpp"

namespace p2pdist::detail::flow {

void flow_receiver::want(const std::vector<index_range>& ranges) {
    // Overlaps count once, where they are listed first.
    range_set listed;
    std::vector<index_range> distinct;
    for (const auto& range : ranges) {
        if (range.first >= flow_object_bytes_max) continue;
        const index_range valid{range.first, std::min(range.length, flow_object_bytes_max - range.first)};
        listed.missing_in(valid, distinct);
        listed.add(valid);
    }
    if (distinct.size() > flow_ranges_max) distinct.resize(flow_ranges_max);
    if (distinct == wanted_) return;
    wanted_ = std::move(distinct);
    wanted_set_.clear();
    for (const auto& range : wanted_) wanted_set_.add(range);
    received_.intersect(wanted_set_.ranges());
    missing_bytes_ = 0;
    for (const auto& range : wanted_set_.ranges()) missing_bytes_ += range.length - received_.covered(range);
    ++want_generation_;
    schedule_.on_urgent();
}

std::optional<index_range> flow_receiver::on_data(time_point now, time_point received_at, const data_header& header,
                                                  std::uint64_t payload_bytes, bool congestion_experienced) {
    const index_range number{header.packet_number, 1};
    if (has_packet(header.packet_number)) {
        duplicate_bytes_ += payload_bytes;
        return std::nullopt;
    }
    const index_range piece{header.offset, payload_bytes};
    if (received_.size() >= limits::flow_received_ranges_max && !received_.intersects({piece.first == 0 ? 0 : piece.first - 1, piece.length + 2}))
        return std::nullopt;  // not acknowledged: it comes again when there is room

    const bool gap = any_packet_ ? header.packet_number > largest_packet_ + 1 : header.packet_number > 0;
    schedule_.on_packet(now, payload_bytes + data_overhead_bytes);
    if (gap) schedule_.on_gap();
    if ((header.flags & data_flag_feedback_now) != 0) schedule_.on_urgent();
    packets_.add(number);
    while (packets_.size() > limits::flow_packet_ranges_max) {
        packets_floor_ = packets_.ranges().front().end();
        packets_.remove_lowest();
    }
    if (congestion_experienced) ++ce_packets_;
    count_packet(received_at, header, payload_bytes);

    const auto part = newest_part(piece);
    duplicate_bytes_ += payload_bytes - (part ? part->length : 0);
    if (!part) return std::nullopt;
    received_.add(*part);
    missing_bytes_ -= part->length;
    if (missing_bytes_ == 0) schedule_.on_urgent();
    return part;
}

void flow_receiver::count_packet(time_point received_at, const data_header& header, std::uint64_t payload_bytes) {
    ++received_packets_;
    received_bytes_ += payload_bytes + data_overhead_bytes;
    lowest_now_ = std::min<std::uint64_t>(lowest_now_, header.packet_number);
    if (!any_packet_ || header.packet_number > largest_packet_) {
        any_packet_ = true;
        largest_packet_ = header.packet_number;
        largest_sent_at_us_ = header.sent_at_us;
        largest_received_at_ = received_at;
    }
    const auto delay = static_cast<std::int32_t>(microseconds_of(received_at) - clock_behind_us_ - header.sent_at_us);
    const auto above = [](std::int32_t left, std::int32_t right) {  // the unknown offset may make them wrap
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(left) - static_cast<std::uint32_t>(right)) > 0;
    };
    if (interval_packets_++ == 0) delay_min_us_ = delay_max_us_ = delay;
    if (above(delay, delay_max_us_)) delay_max_us_ = delay;
    if (above(delay_min_us_, delay)) delay_min_us_ = delay;
}

std::optional<index_range> flow_receiver::newest_part(const index_range& piece) {
    if (wanted_set_.covered(piece) == piece.length && !received_.intersects(piece)) return piece;
    // The largest part that is wanted and new; the rest, if any, stays listed as missing and comes again.
    std::vector<index_range> listed;
    wanted_set_.present_in(piece, listed);
    std::vector<index_range> fresh;
    for (const auto& range : listed) received_.missing_in(range, fresh);
    if (fresh.empty()) return std::nullopt;
    return *std::max_element(fresh.begin(), fresh.end(), [](const auto& left, const auto& right) { return left.length < right.length; });
}

std::vector<index_range> flow_receiver::still_wanted() const {
    std::vector<index_range> parts;
    std::vector<std::size_t> entry_of;  // which wanted range a part belongs to: only parts of the same one may be merged
    for (std::size_t entry = 0; entry < wanted_.size(); ++entry) {
        received_.missing_in(wanted_[entry], parts);
        entry_of.resize(parts.size(), entry);
    }
    if (parts.size() <= flow_ranges_max) return parts;
    // Too many holes to list: close the smallest gaps until the rest fits. The list then covers bytes that are here.
    std::vector<std::uint64_t> gaps;
    for (std::size_t at = 1; at < parts.size(); ++at)
        if (entry_of[at] == entry_of[at - 1]) gaps.push_back(parts[at].first - parts[at - 1].end());
    const auto excess = parts.size() - flow_ranges_max;
    std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(excess - 1), gaps.end());
    const auto limit = gaps[excess - 1];
    std::vector<index_range> merged{parts.front()};
    auto to_merge = excess;
    for (std::size_t at = 1; at < parts.size(); ++at) {
        if (to_merge > 0 && entry_of[at] == entry_of[at - 1] && parts[at].first - merged.back().end() <= limit) {
            merged.back().length = parts[at].end() - merged.back().first;
            --to_merge;
        } else {
            merged.push_back(parts[at]);
        }
    }
    return merged;
}

std::vector<index_range> flow_receiver::acknowledged() {
    std::rotate(lowest_.rbegin(), lowest_.rbegin() + 1, lowest_.rend());
    lowest_[0] = std::exchange(lowest_now_, UINT64_MAX);
    const auto floor = std::min<std::uint64_t>(*std::min_element(lowest_.begin(), lowest_.end()), largest_packet_);
    std::vector<index_range> out;
    const auto& ranges = packets_.ranges();
    for (auto range = ranges.rbegin(); range != ranges.rend() && range->end() > floor && out.size() < flow_ranges_max; ++range) {
        const auto first = std::max(range->first, floor);
        out.push_back({first, range->end() - first});
    }
    return out;
}

flow_feedback flow_receiver::make_feedback(time_point now) {
    flow_feedback feedback;
    feedback.sequence = ++sequence_;
    feedback.want_generation = want_generation_;
    feedback.wanted = still_wanted();
    feedback.received_packets = received_packets_;
    feedback.received_bytes = received_bytes_;
    feedback.ce_packets = ce_packets_;
    if (any_packet_) {
        feedback.largest_packet = largest_packet_;
        feedback.acknowledged = acknowledged();
        feedback.echo_sent_at_us = largest_sent_at_us_;
        feedback.received_at_us = microseconds_of(largest_received_at_);
        const auto held = std::chrono::duration_cast<std::chrono::microseconds>(now - largest_received_at_).count();
        feedback.held_us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(held, 0, UINT32_MAX));
        feedback.delay_min_us = delay_min_us_;
        feedback.delay_max_us = delay_max_us_;
        feedback.interval_packets = std::exchange(interval_packets_, 0);
    }
    return feedback;
}

}  // namespace p2pdist::detail::flow
