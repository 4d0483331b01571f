#include "tcp_sender.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace p2pdist::sim {
namespace {

using std::chrono::milliseconds;

constexpr duration timeout_min = milliseconds(200);
constexpr duration timeout_max = std::chrono::seconds(120);
constexpr duration late_ack = milliseconds(200);       // what a lone segment's acknowledgement may be delayed by
constexpr std::uint64_t reordered_by = 3;
constexpr std::uint64_t paced_together_min = 2;

}  // namespace

struct tcp_sender::harvest {
    std::uint64_t acked = 0, lost = 0, marked = 0;
    std::optional<duration> rtt;
    std::optional<segment> newest;   // by transmission
    bool advanced = false;
};

void tcp_sender::on_first_rtt(time_point now, duration rtt) {
    note_rtt(rtt);
    law_->on_first_rtt(now, rtt);
    window_ = law_->window();
}

std::optional<std::uint64_t> tcp_sender::next(time_point now) {
    if (const auto probe = std::exchange(probe_, std::nullopt); probe && *probe >= first_ && !at(*probe).selected) {
        transmit(now, *probe);
        return probe;
    }
    if (law_->pacing_per_second() > 0 && now < paced_until_) return std::nullopt;
    if (pipe_ == 0 && next_ < end_ && backoff_ == 0 && last_sent_ != time_point{} && now - last_sent_ > timeout_ && lost_waiting_ == 0) {
        law_->on_idle(static_cast<int>((now - last_sent_) / timeout_));
        window_ = law_->window();
        last_sent_ = now;
    }
    window_limited_ = static_cast<double>(pipe_) >= std::floor(window_);
    if (window_limited_) return std::nullopt;
    if (lost_waiting_ > 0) {
        resend_from_ = std::max(resend_from_, first_);
        while (!at(resend_from_).lost) ++resend_from_;
        const auto number = resend_from_++;
        transmit(now, number);
        return number;
    }
    if (next_ == end_) {
        app_limited_until_ = std::max<std::uint64_t>(delivered_ + pipe_, 1);
        return std::nullopt;
    }
    const auto number = next_++;
    window_of_segments_.emplace_back();
    transmit(now, number);
    return number;
}

void tcp_sender::transmit(time_point now, std::uint64_t number) {
    auto& which = at(number);
    if (pipe_ == 0) first_sent_ = delivered_at_ = now;
    if (which.lost) {
        which.lost = false;
        --lost_waiting_;
    }
    if (which.order > 0) {
        which.resent = true;
        ++report_.resent_packets;
    }
    if (!which.in_flight) ++pipe_;
    which.in_flight = true;
    which.sent = last_sent_ = now;
    which.first_sent = first_sent_;
    which.delivered_at = delivered_at_;
    which.delivered = delivered_;
    which.order = ++order_;
    which.app_limited = app_limited_until_ > 0;
    ++report_.sent_packets;
    if (recovering_) reduction_out_ += 1;
    pace(now);
    if (timer_ == never || number == first_) arm(now);
}

/// Segments go in bursts of a millisecond's worth, two at least, as the kernel has them.
void tcp_sender::pace(time_point now) {
    const auto rate = law_->pacing_per_second();
    if (rate <= 0) return;
    if (burst_left_ == 0) burst_left_ = std::max(paced_together_min, static_cast<std::uint64_t>(rate / 1024));
    paced_until_ = std::max(paced_until_, now);
    if (--burst_left_ > 0) {
        unpaid_ += 1;
        return;
    }
    paced_until_ += duration(static_cast<duration::rep>((unpaid_ + 1) / rate * 1e9));
    unpaid_ = 0;
}

void tcp_sender::note_rtt(duration rtt) {
    least_ = std::min(least_, rtt);
    if (smoothed_ == duration::zero()) {
        smoothed_ = rtt;
        variation_ = rtt / 2;
    } else {
        const auto off = rtt > smoothed_ ? rtt - smoothed_ : smoothed_ - rtt;
        variation_ = (3 * variation_ + off) / 4;
        smoothed_ = (7 * smoothed_ + rtt) / 8;
    }
    timeout_ = std::min(timeout_max, smoothed_ + std::max(timeout_min, 4 * variation_));
    ++report_.delays;
    report_.delay_sum += rtt;
    report_.delay_min = std::min(report_.delay_min, rtt);
    report_.delay_max = std::max(report_.delay_max, rtt);
}

void tcp_sender::deliver(time_point now, segment& which, harvest& into) {
    ++into.acked;
    ++delivered_;
    if (which.in_flight) --pipe_;
    if (which.lost) --lost_waiting_;
    which.in_flight = which.lost = false;
    newest_order_ = std::max(newest_order_, which.order);
    if (!into.newest || which.order > into.newest->order) {
        into.newest = which;
        if (!which.resent) into.rtt = now - which.sent;
    }
}

void tcp_sender::take_ranges(time_point now, const tcp_ack& ack, harvest& into) {
    for (; first_ < std::min(ack.next, next_); ++first_) {
        auto& which = window_of_segments_.front();
        if (which.selected) --selected_;
        else deliver(now, which, into);
        window_of_segments_.pop_front();
        into.advanced = true;
    }
    for (std::size_t i = 0; i < ack.selective_count; ++i) {
        const auto end = std::min(ack.selective[i].end, next_);
        for (auto number = std::max(ack.selective[i].first, first_); number < end; ++number) {
            auto& which = at(number);
            if (which.selected) continue;
            deliver(now, which, into);
            which.selected = true;
            ++selected_;
        }
    }
}

void tcp_sender::mark_lost(segment& which) {
    if (which.in_flight) --pipe_;
    which.in_flight = false;
    which.lost = true;
    ++lost_waiting_;
    ++report_.lost_packets;
}

/// What was sent before something that has come is lost, once enough have come that it can't be a small change of order.
void tcp_sender::find_losses(harvest& into) {
    if (!recovering_ && selected_ < reordered_by) return;
    const auto from = first_;
    for (std::uint64_t i = 0; i < window_of_segments_.size(); ++i) {
        auto& which = window_of_segments_[static_cast<std::size_t>(i)];
        if (which.order > newest_order_ && !which.resent) break;   // new ones are in order
        if (which.selected || !which.in_flight || which.order >= newest_order_) continue;
        mark_lost(which);
        ++into.lost;
        resend_from_ = std::min(resend_from_, from + i);
    }
}

ack_event tcp_sender::event_of(time_point now, const harvest& brought, std::uint64_t prior_pipe) const {
    ack_event out;
    out.now = now;
    out.acked = brought.acked;
    out.lost = brought.lost;
    out.marked = brought.marked;
    out.delivered = delivered_;
    out.pipe = pipe_;
    out.prior_pipe = prior_pipe;
    out.first_unacked = first_;
    out.next = next_;
    out.rtt = brought.rtt;
    out.smoothed_rtt = smoothed_;
    out.recovering = recovering_ && !timed_out_;
    out.window_limited = window_limited_;
    out.paced_until = paced_until_;
    if (!brought.newest) return out;
    const auto& newest = *brought.newest;
    const auto interval = std::max(newest.sent - newest.first_sent, now - newest.delivered_at);
    if (interval <= duration::zero() || interval < least_) return out;
    out.rate = rate_sample{static_cast<double>(delivered_ - newest.delivered) / to_seconds(interval), newest.delivered,
                           newest.app_limited};
    return out;
}

void tcp_sender::begin_recovery(time_point now) {
    ++report_.congestion_events;
    reduction_from_ = window_;
    reduction_delivered_ = reduction_out_ = 0;
    recovering_ = true;
    recover_ = next_;
    law_->on_congestion(now, pipe_);
}

/// RFC 6937, with the slow start reduction bound.
void tcp_sender::reduce(const harvest& brought) {
    const auto threshold = law_->threshold();
    if (!threshold) return;
    const auto pipe = static_cast<double>(pipe_);
    reduction_delivered_ += static_cast<double>(brought.acked);
    double send = 0;
    if (pipe > *threshold) {
        send = std::ceil(reduction_delivered_ * *threshold / reduction_from_) - reduction_out_;
    } else {
        auto limit = std::max(reduction_delivered_ - reduction_out_, static_cast<double>(brought.acked));
        if (brought.advanced && brought.lost == 0) limit += 1;
        send = std::min(*threshold - pipe, limit);
    }
    window_ = pipe + std::max(send, reduction_out_ > 0 ? 0.0 : 1.0);   // the first one goes at once
}

void tcp_sender::on_ack(time_point now, const tcp_ack& ack) {
    harvest brought;
    const auto prior_pipe = pipe_;
    take_ranges(now, ack, brought);
    if (brought.acked > 0) delivered_at_ = now;
    if (brought.newest) first_sent_ = brought.newest->sent;
    if (app_limited_until_ > 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
    if (brought.rtt) note_rtt(*brought.rtt);
    find_losses(brought);
    brought.marked = ack.marked - std::min(marked_, ack.marked);
    marked_ = std::max(marked_, ack.marked);
    const bool was_recovering = recovering_;
    if (recovering_ && first_ >= recover_) {
        recovering_ = timed_out_ = false;
        law_->on_recovered(now);
        window_ = law_->window();
    }
    if (!recovering_ && !was_recovering && (brought.lost > 0 || brought.marked > 0)) begin_recovery(now);
    law_->on_ack(event_of(now, brought, prior_pipe));
    if (recovering_ && law_->threshold() && !timed_out_) reduce(brought);
    else window_ = law_->window();
    if (brought.advanced) {
        backoff_ = 0;
        probed_ = false;
    }
    if (brought.acked > 0) arm(now);
}

void tcp_sender::arm(time_point now) {
    if (pipe_ == 0 && lost_waiting_ == 0) {
        timer_ = never;
        return;
    }
    auto wait = std::min(timeout_max, timeout_ * (1 << std::min(backoff_, 10)));
    if (!recovering_ && !probed_ && backoff_ == 0 && selected_ == 0 && smoothed_ > duration::zero()) {
        wait = std::min(wait, 2 * smoothed_ + (pipe_ == 1 ? late_ack : milliseconds(2)));
    }
    timer_ = now + wait;
}

void tcp_sender::on_timer(time_point now) {
    if (timer_ > now) return;
    if (!recovering_ && !probed_ && backoff_ == 0 && selected_ == 0 && smoothed_ > duration::zero() && pipe_ > 0) {
        probed_ = true;
        if (next_ < end_) {
            ++next_;
            window_of_segments_.emplace_back();
        }
        probe_ = next_ - 1;
        timer_ = now + timeout_;
        return;
    }
    on_timeout(now);
}

void tcp_sender::on_timeout(time_point now) {
    ++report_.timeouts;
    if (!timed_out_) {
        ++report_.congestion_events;
        law_->on_timeout(now);
    }
    for (auto& each : window_of_segments_) {
        if (!each.selected && each.in_flight) mark_lost(each);
    }
    resend_from_ = first_;
    recovering_ = timed_out_ = true;
    recover_ = next_;
    window_ = law_->window();
    ++backoff_;
    arm(now);
}

time_point tcp_sender::deadline() const noexcept {
    const bool waits_for_pacer = law_->pacing_per_second() > 0 && static_cast<double>(pipe_) < std::floor(window_) && (next_ < end_ || lost_waiting_ > 0);
    return waits_for_pacer ? std::min(timer_, paced_until_) : timer_;
}

}  // namespace p2pdist::sim
