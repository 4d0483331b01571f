#include "codel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {
namespace {

/// Marks it where its transport understands that.
bool marked(queued_datagram& which) {
    if (which.what.ecn == not_ect) return false;
    which.marked = which.what.ecn != congestion_experienced;
    which.what.ecn = congestion_experienced;
    return true;
}

}  // namespace

void codel_queue::push(const queued_datagram& what) {
    bytes_ += what.what.ip_bytes;
    max_packet_ = std::max(max_packet_, what.what.ip_bytes);
    waiting_.push_back(what);
}

queued_datagram codel_queue::pop_front() {
    P2PDIST_ASSERT(!waiting_.empty());
    const auto out = waiting_.front();
    waiting_.pop_front();
    bytes_ -= out.what.ip_bytes;
    return out;
}

time_point codel_queue::control_law(time_point from, duration interval, std::uint32_t count) {
    return from + duration(static_cast<duration::rep>(static_cast<double>(interval.count()) / std::sqrt(static_cast<double>(count))));
}

codel_queue::head codel_queue::take(time_point now, const queue_settings& settings) {
    if (waiting_.empty()) {
        first_above_time_ = {};
        return {};
    }
    head out{pop_front()};
    if (now - out.datagram->since < settings.target || bytes_ <= max_packet_) {
        first_above_time_ = {};
    } else if (first_above_time_ == time_point{}) {
        first_above_time_ = now + settings.interval;
    } else {
        out.ok_to_drop = now >= first_above_time_;
    }
    return out;
}

codel_queue::head codel_queue::pop_while_dropping(head next, time_point now, const queue_settings& settings, std::vector<link_departure>& gone) {
    dropping_ = next.ok_to_drop;
    while (dropping_ && now >= drop_next_) {
        ++count_;
        if (marked(*next.datagram)) {
            drop_next_ = control_law(drop_next_, settings.interval, count_);
            return next;
        }
        gone.push_back({next.datagram->what.id, next.datagram->what.ecn, {link_passage::fate::early_drop}});
        next = take(now, settings);
        dropping_ = next.ok_to_drop;
        if (dropping_) drop_next_ = control_law(drop_next_, settings.interval, count_);
    }
    return next;
}

codel_queue::head codel_queue::begin_to_drop(head next, time_point now, const queue_settings& settings, std::vector<link_departure>& gone) {
    if (!marked(*next.datagram)) {
        gone.push_back({next.datagram->what.id, next.datagram->what.ecn, {link_passage::fate::early_drop}});
        next = take(now, settings);
    }
    dropping_ = true;
    // It stopped only a little while ago: the rate of drops that did it then is about right.
    const auto delta = count_ - last_count_;
    count_ = delta > 1 && now - drop_next_ < 16 * settings.interval ? delta : 1;
    drop_next_ = control_law(now, settings.interval, count_);
    last_count_ = count_;
    return next;
}

std::optional<queued_datagram> codel_queue::pop(time_point now, const queue_settings& settings, std::vector<link_departure>& gone) {
    auto next = take(now, settings);
    if (dropping_) next = pop_while_dropping(std::move(next), now, settings, gone);
    else if (next.ok_to_drop) next = begin_to_drop(std::move(next), now, settings, gone);
    return next.datagram;
}

void codel_discipline::configure(const link_settings& settings) {
    settings_ = settings.queue;
    limit_bytes_ = settings.queue_bytes;
}

void codel_discipline::push(const queued_datagram& what, std::vector<link_departure>& gone) {
    if (queue_.bytes() + what.what.ip_bytes > limit_bytes_) gone.push_back({what.what.id, what.what.ecn, {link_passage::fate::queue_full}});
    else queue_.push(what);
}

std::optional<queued_datagram> codel_discipline::pop(time_point now, std::vector<link_departure>& gone) { return queue_.pop(now, settings_, gone); }

std::vector<queued_datagram> codel_discipline::drain() {
    std::vector<queued_datagram> out;
    while (queue_.size() > 0) out.push_back(queue_.pop_front());
    return out;
}

}  // namespace p2pdist::sim
