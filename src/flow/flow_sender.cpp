#include "flow_sender.hpp"

#include <algorithm>

#include "p2pdist/base/canary.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"
#include "wire_time.hpp"

namespace p2pdist::detail::flow {

namespace {

using namespace std::chrono_literals;

constexpr duration receiver_hold_max = 30ms;   // how long a receiver may sit on news (feedback_schedule.hpp), and a late timer
constexpr duration probe_timeout_max = 2s;
constexpr duration probe_variation_min = 5ms;
constexpr std::uint64_t need_bytes_max = 512 * 1024;      // one question
constexpr std::uint64_t need_charge_min = 16 * 1024;      // what it counts at least: for a byte, too, the upper layer reads a chunk
constexpr std::uint64_t datagram_charge_min = limits::datagram_bytes_max / 4;  // what a small one takes of the window
constexpr std::uint64_t ask_again_after_bytes = 64 * 1024;

std::uint64_t charge_of(const index_range& need) { return std::max(need.length, need_charge_min); }

}  // namespace

flow_sender::flow_sender(std::unique_ptr<congestion_controller> controller, std::uint32_t datagram_bytes_max, entropy& secrets)
    : controller_(std::move(controller)),
      payload_bytes_max_(std::min<std::uint64_t>(datagram_bytes_max, limits::datagram_bytes_max) - data_overhead_bytes +
                         (sings(canary::long_frame) ? 60u : 0u)),
      secrets_(&secrets) {
    choose_skip();
}

// --- what the receiver says

bool flow_sender::on_feedback(time_point now, const flow_feedback& feedback, duration background_queue) {
    if (any_feedback_ && static_cast<std::int32_t>(feedback.sequence - last_.sequence) <= 0) return false;
    if (!plausible(feedback)) {
        receiver_lies_ = true;
        return false;
    }
    forgive(now);
    change_.clear();
    std::optional<duration> rtt_sample;
    if (feedback.received_packets > 0) {
        const auto* newest = ledger_.find(feedback.largest_packet);
        if (newest && newest->state != sent_packet::fate::acknowledged) {
            const auto sample = now - newest->sent_at - std::chrono::microseconds(feedback.held_us);
            if (sample > duration::zero()) rtt_sample = sample;
        }
        ledger_.acknowledge(feedback.acknowledged, change_);
        if (rtt_sample) rtt_.add(*rtt_sample);
    }
    ledger_.detect_losses(now, rtt_, change_);
    if (change_.acknowledged_packets > 0) probe_timeouts_ = probes_due_ = 0;
    apply_change(change_);
    apply_wants(feedback);
    plan();
    tell_controller(now, feedback, rtt_sample, background_queue);
    last_ = feedback;
    last_.status.clear();
    any_feedback_ = true;
    pacer_.refill(now, controller_->pacing_rate(), controller_->burst_bytes());
    release_supply();
    ask_ahead();
    return true;
}

/// Nobody received what was not sent: a receiver that says so wants to be flooded, or others to be. One that guesses what was sent comes
/// to a number that was left out.
bool flow_sender::plausible(const flow_feedback& feedback) const noexcept {
    if (feedback.received_packets == 0) return true;
    const auto all_sent = [this](const index_range& numbers) { return ledger_.all_sent(numbers); };
    return feedback.received_packets <= ledger_.next_number() && feedback.received_bytes <= sent_bytes_ &&
           all_sent({feedback.largest_packet, 1}) && std::ranges::all_of(feedback.acknowledged, all_sent);
}

void flow_sender::apply_change(const ledger_change& change) {
    for (const auto& range : change.acknowledged) {
        in_flight_.subtract(range);
        lost_.subtract(range);
        done_.add(range);
    }
    for (const auto& range : change.lost) {
        in_flight_.subtract(range);
        lost_.add(range);
    }
    while (done_.size() > limits::flow_done_ranges_max) done_.remove_lowest();
    while (lost_.size() > limits::flow_done_ranges_max) lost_.remove_lowest();
}

void flow_sender::apply_wants(const flow_feedback& feedback) {
    wanted_.clear();
    for (const auto& range : feedback.wanted) {
        if (range.first >= object_bytes_ || range.length == 0) continue;
        wanted_.push_back({range.first, std::min(range.length, object_bytes_ - range.first)});
    }
    // A short list is exact: what is in it although it was acknowledged is wanted once more.
    exact_ = feedback.wanted.size() < flow_ranges_max;
    if (exact_) done_.subtract(wanted_);
}

void flow_sender::plan() {
    pending_.clear();
    range_set excluded = in_flight_;
    std::vector<index_range> parts;
    std::vector<index_range> undone;
    for (const auto& range : wanted_) {
        parts.clear();
        excluded.missing_in(range, parts);
        if (!exact_) {
            undone.clear();
            for (const auto& part : parts) done_.missing_in(part, undone);
            parts.swap(undone);
        }
        for (const auto& part : parts) {
            pending_.push_back(part);
            excluded.add(part);
        }
    }
}

void flow_sender::tell_controller(time_point now, const flow_feedback& feedback, std::optional<duration> rtt_sample, duration background_queue) {
    feedback_sample sample;
    sample.now = now;
    sample.acked_bytes = change_.acknowledged_bytes;
    sample.acked_packets = change_.acknowledged_packets;
    sample.lost_bytes = change_.lost_bytes;
    sample.lost_packets = change_.lost_packets;
    sample.newest_lost_sent_at = change_.newest_lost_sent_at;
    sample.newest_acked_sent_at = change_.newest_acknowledged_sent_at;
    sample.in_flight_bytes = ledger_.bytes_in_flight();
    if (any_feedback_ && feedback.ce_packets > last_.ce_packets) sample.ce_packets = feedback.ce_packets - last_.ce_packets;
    sample.has_rtt = rtt_sample.has_value();
    if (rtt_sample) sample.rtt = *rtt_sample;
    sample.rtt_min = rtt_.least();
    sample.rtt_smoothed = rtt_.smoothed();
    if (feedback.interval_packets > 0) {
        sample.has_delay = true;
        sample.delay_min = delays_.unwrap(feedback.delay_min_us);
        const auto spread = static_cast<std::uint32_t>(feedback.delay_max_us) - static_cast<std::uint32_t>(feedback.delay_min_us);
        sample.delay_max = sample.delay_min + std::chrono::microseconds(spread);
    }
    if (any_feedback_ && last_.received_packets > 0 && feedback.received_bytes > last_.received_bytes) {
        sample.delivered_bytes = feedback.received_bytes - last_.received_bytes;
        sample.delivered_over = std::chrono::microseconds(feedback.received_at_us - last_.received_at_us);
    }
    sample.application_limited = feedback.received_packets > 0 && feedback.largest_packet < limited_until_packet_;
    sample.background_queue = background_queue;
    controller_->on_feedback(sample);
}

// --- what the upper layer gives

void flow_sender::provide(std::uint64_t offset, const shared_bytes& data) {
    supply_.provide(offset, data);
    release_supply();
    ask_ahead();
}

void flow_sender::release_supply() {
    range_set needed = in_flight_;
    for (const auto& range : pending_) needed.add(range);
    supply_.retain(needed);
}

void flow_sender::ask_ahead() {
    sent_since_ask_ = 0;
    needs_.clear();
    const auto ahead = supply_window();
    // Pieces are kept for any byte of theirs that is under way: only who changes his mind again and again comes to so much.
    if (supply_.provided_bytes() > 4 * (controller_->window_bytes() + ahead)) return;
    std::uint64_t walked = 0;
    std::vector<index_range> parts;
    for (const auto& range : pending_) {
        if (walked >= ahead) break;
        // Whole questions, so that the upper layer reads in large pieces, also where the last one reaches beyond the window.
        const auto length = std::min(range.length, std::max(ahead - walked, need_bytes_max));
        parts.clear();
        supply_.unasked_in({range.first, length}, parts);
        for (const auto& part : parts) {
            for (auto from = part.first; from < part.end(); from += need_bytes_max)
                needs_.push_back({from, std::min(need_bytes_max, part.end() - from)});
        }
        walked += length;
    }
    std::reverse(needs_.begin(), needs_.end());
}

std::uint64_t flow_sender::supply_window() const {
    return std::clamp(2 * controller_->window_bytes(), limits::flow_supply_ahead_bytes_min, limits::flow_supply_ahead_bytes_max);
}

/// One window in each flow_supply_forget_time.
void flow_sender::forgive(time_point now) {
    const double part = std::chrono::duration<double>(now - owed_at_) / std::chrono::duration<double>(limits::flow_supply_forget_time);
    const auto forgiven = static_cast<std::uint64_t>(std::clamp(part, 0.0, 16.0) * static_cast<double>(supply_window()));
    if (owed_bytes_ > 0 && forgiven == 0) return;   // too little time to count
    owed_bytes_ -= std::min(owed_bytes_, forgiven);
    owed_at_ = now;
}

/// When the next range may be asked for: with the debt, it must not exceed twice the window.
time_point flow_sender::need_time(time_point now) const {
    if (needs_.empty()) return never;
    const auto debt = owed_bytes_ + charge_of(needs_.back());
    const auto most = 2 * supply_window();
    if (debt <= most) return now;
    const double seconds = static_cast<double>(debt - most) / static_cast<double>(supply_window());
    const auto wait = seconds * std::chrono::duration<double>(limits::flow_supply_forget_time);
    return std::max(now, owed_at_ + std::chrono::duration_cast<duration>(wait) + 1ms);
}

std::optional<index_range> flow_sender::next_need() {
    if (needs_.empty() || owed_bytes_ + charge_of(needs_.back()) > 2 * supply_window()) return std::nullopt;
    const auto need = needs_.back();
    needs_.pop_back();
    supply_.on_asked(need);
    owed_bytes_ += charge_of(need);
    return need;
}

// --- sending

bool flow_sender::window_allows(std::uint64_t datagram) const {
    const auto in_flight = std::max(ledger_.bytes_in_flight(), ledger_.packets_in_flight() * datagram_charge_min);
    return in_flight + datagram <= controller_->window_bytes();
}

bool flow_sender::find_sendable(std::size_t& index, std::uint64_t& offset) const {
    for (index = 0; index < pending_.size(); ++index) {
        const auto found = supply_.first_provided(pending_[index].first, pending_[index].end());
        if (!found) continue;
        offset = *found;
        return true;
    }
    return false;
}

bool flow_sender::has_sendable() const {
    std::size_t index = 0;
    std::uint64_t offset = 0;
    return find_sendable(index, offset);
}

void flow_sender::take_from_pending(std::size_t index, std::uint64_t offset, std::uint64_t length) {
    auto& range = pending_[index];
    const auto end = range.end();
    const auto at = pending_.begin() + static_cast<std::ptrdiff_t>(index);
    const bool head = offset > range.first;
    const bool tail = offset + length < end;
    const index_range rest{offset + length, end - offset - length};
    if (head) {
        range.length = offset - range.first;
        if (tail) pending_.insert(at + 1, rest);
    } else if (tail) {
        range = rest;
    } else {
        pending_.erase(at);
    }
}

std::optional<outgoing_piece> flow_sender::next_piece(time_point now) {
    if (exhausted()) return std::nullopt;
    if (probes_due_ > 0) return probe_piece(now);
    std::size_t index = 0;
    std::uint64_t offset = 0;
    if (!find_sendable(index, offset)) {
        if (ledger_.bytes_in_flight() < controller_->window_bytes()) limited_until_packet_ = ledger_.next_number();
        return std::nullopt;
    }
    const auto datagram = std::clamp<std::uint64_t>(controller_->datagram_bytes(), data_overhead_bytes + 1,
                                                    payload_bytes_max_ + data_overhead_bytes);
    if (!window_allows(datagram)) return std::nullopt;
    pacer_.refill(now, controller_->pacing_rate(), std::max(controller_->burst_bytes(), datagram));
    if (!pacer_.allows(datagram)) return std::nullopt;

    const auto room = std::min(datagram - data_overhead_bytes, pending_[index].end() - offset);
    auto payload = supply_.view(offset, room);
    take_from_pending(index, offset, payload.view.size());
    in_flight_.add({offset, payload.view.size()});
    auto piece = emit(now, offset, payload);
    piece.feedback_now = last_before_pause(datagram);
    if (sent_since_ask_ >= ask_again_after_bytes) ask_ahead();
    return piece;
}

bool flow_sender::last_before_pause(std::uint64_t next_datagram) const {
    // The receiver would wait for more before it answers, and we for its answer.
    return !window_allows(next_datagram) || !has_sendable();
}

outgoing_piece flow_sender::emit(time_point now, std::uint64_t offset, const shared_bytes& payload) {
    const index_range range{offset, payload.view.size()};
    const auto datagram = static_cast<std::uint32_t>(range.length + data_overhead_bytes);
    if (ledger_.next_number() >= skip_at_) {
        ledger_.skip(now);
        choose_skip();
    }
    owed_bytes_ -= std::min(owed_bytes_, range.length);
    outgoing_piece piece;
    piece.packet_number = ledger_.on_sent({now, range, datagram});
    piece.sent_at_us = microseconds_of(now);
    piece.offset = offset;
    piece.payload = payload;
    retransmitted_bytes_ += lost_.covered(range);
    lost_.subtract(range);
    sent_bytes_ += datagram;
    sent_since_ask_ += range.length;
    newest_sent_at_ = now;
    pacer_.on_sent(datagram);
    controller_->on_sent(now, datagram, ledger_.bytes_in_flight());
    return piece;
}

void flow_sender::choose_skip() {
    const auto spread = limits::flow_skip_gap_max - limits::flow_skip_gap_min + 1;
    skip_at_ = ledger_.next_number() + limits::flow_skip_gap_min + secrets_->u64() % spread;
}

// --- timers

time_point flow_sender::probe_time() const {
    if (!ledger_.any_in_flight()) return never;
    // A paused controller spaces its probes; silence shorter than that spacing means nothing.
    const auto base = rtt_.smoothed() + std::max(4 * rtt_.variation(), probe_variation_min) + receiver_hold_max;
    const auto timeout = std::min(base * (1 << std::min(probe_timeouts_, 6)), std::max(probe_timeout_max, base));
    return newest_sent_at_ + timeout;
}

void flow_sender::on_probe_timeout(time_point now) {
    ++probe_timeouts_;
    probes_due_ = probe_timeouts_ == 1 ? 1 : 2;
    controller_->on_timeout(now, probe_timeouts_);
}

std::optional<outgoing_piece> flow_sender::probe_piece(time_point now) {
    --probes_due_;
    std::size_t index = 0;
    std::uint64_t offset = 0;
    shared_bytes payload;
    if (find_sendable(index, offset)) {
        payload = supply_.view(offset, std::min(payload_bytes_max_, pending_[index].end() - offset));
        take_from_pending(index, offset, payload.view.size());
        in_flight_.add({offset, payload.view.size()});
    } else if (const auto range = ledger_.supersede_oldest(); range && supply_.first_provided(range->first, range->end()) == range->first) {
        offset = range->first;
        payload = supply_.view(offset, range->length);
        lost_.add({offset, payload.view.size()});
    } else {
        probes_due_ = 0;
        newest_sent_at_ = now;  // nothing left to ask with; the receiver's own repetition goes on
        return std::nullopt;
    }
    auto piece = emit(now, offset, payload);
    piece.feedback_now = true;
    return piece;
}

void flow_sender::on_timer(time_point now) {
    forgive(now);
    if (controller_->deadline() <= now) controller_->on_clock(now);
    if (ledger_.loss_time() <= now) {
        change_.clear();
        ledger_.detect_losses(now, rtt_, change_);
        if (change_.lost_packets > 0) {
            apply_change(change_);
            plan();
            feedback_sample sample;
            sample.now = now;
            sample.lost_bytes = change_.lost_bytes;
            sample.lost_packets = change_.lost_packets;
            sample.newest_lost_sent_at = change_.newest_lost_sent_at;
            sample.in_flight_bytes = ledger_.bytes_in_flight();
            sample.rtt_min = rtt_.least();
            sample.rtt_smoothed = rtt_.smoothed();
            controller_->on_feedback(sample);
            ask_ahead();
        }
    }
    if (probes_due_ == 0 && probe_time() <= now) on_probe_timeout(now);
}

time_point flow_sender::deadline(time_point now) const {
    if (probes_due_ > 0) return now;
    auto when = std::min({need_time(now), controller_->deadline(), ledger_.loss_time(), probe_time()});
    const auto datagram = std::min(controller_->datagram_bytes(), payload_bytes_max_ + data_overhead_bytes);
    if (has_sendable() && window_allows(datagram)) when = std::min(when, std::max(now, pacer_.next(datagram)));
    return when;
}

}  // namespace p2pdist::detail::flow
