#include "background.hpp"

#include <algorithm>
#include <cmath>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

namespace detail::flow {

namespace {

using namespace std::chrono_literals;
using seconds_f = std::chrono::duration<double>;

constexpr double initial_segments = 10;         // a round trip
constexpr duration round_trip_unknown = 100ms;
constexpr duration round_trip_min = 10ms;       // growth is not faster on a LAN, where feedback is less frequent than round trips
constexpr duration queue_low_min = 1500us;
constexpr duration queue_high_min = 3ms;
constexpr double own_share = 0.9;               // of the capacity: above it nobody else is served
constexpr int caution_looks_max = 6;
constexpr int cautions_max = 3;
constexpr duration cautious_span = 700ms;       // from one to the next
constexpr double probe_bytes = 120;
constexpr duration probe_spacing_min = 10ms;
constexpr duration patience_max = 3s;
constexpr duration lateness = 4ms;              // of the driver's timers, made good by a burst
constexpr duration window_slack = 60ms;         // of feedback and timers, before the window stops us
constexpr double loss_share_max = 0.03;         // random loss below it is no congestion
constexpr double loss_packets_min = 8;          // within about a second, before a share means anything
constexpr double rate_max = 4e9;
constexpr double start_doublings = 0.7;         // a round trip: a queue shows a round trip late, and must stay short until then
constexpr double start_overshoot = 4;           // times what arrives: beyond it the sender's machine is what limits

// What is left of a rate. Between 0.9 and 1 lies the margin in which a queue goes while the line stays nearly full; half of it empties a
// queue in as long as it took to build. Found by
// experiment: on emulated links and in test/unit/flow/controller_test.cpp, whose budgets they have to meet.
constexpr double ceiling_share = 0.97;          // of the rate at which a queue showed: from there growth is careful
constexpr double ceiling_share_alone = 0.985;   // the same where the queue was all our own
constexpr double drain_share = 0.5;
constexpr double return_share = 0.9;            // after a queue that was our own
constexpr double return_share_again = 0.8;      // after a second false alarm within a second
constexpr double overload_share = 0.92;
constexpr double capacity_gain = 0.25;          // of a new measurement of the capacity, against the former ones
constexpr double careful_share = 0.92;          // of the ceiling: below it growth doubles each round trip, above it is additive
constexpr double growth_share = 0.01;           // of the capacity each round trip, doubled every growth_doubling_round_trips
constexpr double growth_share_max = 0.16;
constexpr double growth_doubling_round_trips = 8;
constexpr double reclaim_share = 0.25;          // of what is known, after the first quiet time
constexpr double reclaim_share_wary = 0.04;     // of the capacity, after others came back soon
constexpr double burst_bytes_max = 256.0 * 1024;

}  // namespace

background_controller::background_controller(std::uint64_t datagram_bytes_max, time_point now)
    : segment_(static_cast<double>(datagram_bytes_max)),
      now_(now),
      phase_since_(now),
      grown_at_(now),
      rate_(initial_segments * segment_ / seconds_f(round_trip_unknown).count()) {}

// --- what the flow asks

std::string_view background_controller::state() const noexcept {
    switch (phase_) {
    case phase::start: return "start";
    case phase::drain: return "drain";
    case phase::run: return "run";
    case phase::caution: return "caution";
    case phase::floor: return "floor";
    }
    return "";
}

std::uint64_t background_controller::window_bytes() const {
    const auto fastest = std::max(rate_, phase_ == phase::start ? 0.0 : std::min(ceiling_, capacity_));
    const auto span = seconds_f(2 * round_trip() + window_slack).count();
    const auto window = std::max(fastest * span, initial_segments * segment_);
    return static_cast<std::uint64_t>(std::min(window, static_cast<double>(limits::flow_window_bytes_max)));
}

double background_controller::pacing_rate() const {
    if (phase_ != phase::floor) return rate_;
    return probe_bytes / seconds_f(std::max<duration>(probe_spacing_min, rtt_least_ / 4)).count();
}

std::uint64_t background_controller::burst_bytes() const {
    if (phase_ == phase::floor) return static_cast<std::uint64_t>(probe_bytes);
    const auto late = std::max(rate_ * seconds_f(lateness).count(), 2 * segment_);
    return static_cast<std::uint64_t>(std::min(late, burst_bytes_max));
}

std::uint64_t background_controller::datagram_bytes() const {
    return static_cast<std::uint64_t>(phase_ == phase::floor ? probe_bytes : segment_);
}

// --- measures

duration background_controller::round_trip() const noexcept {
    return rtt_known_ ? std::max<duration>(rtt_least_, round_trip_min) : duration(round_trip_unknown);
}

duration background_controller::queue_low() const noexcept {
    const auto two_packets = capacity_ > 0 ? std::chrono::duration_cast<duration>(seconds_f(2 * segment_ / capacity_)) : duration{};
    return std::max<duration>(queue_low_min, two_packets);
}

duration background_controller::queue_high() const noexcept {
    const auto four_packets = capacity_ > 0 ? std::chrono::duration_cast<duration>(seconds_f(4 * segment_ / capacity_)) : duration{};
    return std::max<duration>(queue_high_min, four_packets);
}

double background_controller::round_trips_since(time_point then) const noexcept {
    return seconds_f(now_ - then) / seconds_f(round_trip());
}

duration background_controller::patience_min() const noexcept { return std::max<duration>(100ms, 3 * round_trip()); }

void background_controller::mark_event() noexcept {
    event_at_ = now_;
    quiet_round_trips_ = 0;
}

void background_controller::count_losses(const feedback_sample& sample) {
    const auto keep = std::exp(-seconds_f(now_ - losses_at_).count());
    losses_at_ = now_;
    window_lost_ = window_lost_ * keep + static_cast<double>(sample.lost_packets);
    window_settled_ = window_settled_ * keep + static_cast<double>(sample.lost_packets + sample.acked_packets);
}

bool background_controller::loss_is_congestion(const feedback_sample& sample) const {
    if (sample.ce_packets > 0) return true;
    if (sample.lost_packets == 0) return false;
    if (queue_.filtered() > queue_low()) return true;
    return window_lost_ > loss_packets_min && window_lost_ > loss_share_max * window_settled_;  // a policer shows no queue
}

// --- inputs

void background_controller::on_sent(time_point now, std::uint64_t, std::uint64_t) {
    // After a pause of the application the path may be another's; come back with half.
    if (phase_ == phase::run && last_sent_at_ != time_point{} && now > last_sent_at_ + 1s) {
        rate_ = std::max(rate_ / 2, initial_segments * segment_ / seconds_f(round_trip()).count());
        grown_at_ = now;
    }
    last_sent_at_ = now;
}

void background_controller::on_feedback(const feedback_sample& sample) {
    now_ = sample.now;
    if (sample.has_rtt) {
        if (!rtt_known_) rate_ = std::max(rate_, initial_segments * segment_ / seconds_f(std::max<duration>(sample.rtt, round_trip_min)).count());
        rtt_known_ = true;
        rtt_least_ = sample.rtt_min;
    }
    if (sample.acked_packets > 0) limited_ = sample.application_limited;
    queue_.add(sample, phase_ == phase::floor);
    delivered_.add(sample, std::clamp<duration>(round_trip(), 30ms, 100ms));
    count_losses(sample);
    if (!queue_.known()) return;
    switch (phase_) {
    case phase::start:
        if (queue_.filtered() > queue_high() || loss_is_congestion(sample)) enter_drain();
        else in_start();
        break;
    case phase::drain: in_drain(); break;
    case phase::run: in_run(sample); break;
    case phase::caution: in_caution(); break;
    case phase::floor: in_floor(); break;
    }
}

void background_controller::on_timeout(time_point now, int consecutive) {
    if (consecutive < 2) return;
    now_ = std::max(now_, now);
    if (capacity_ <= 0) capacity_ = rate_;
    if (phase_ != phase::floor) enter_floor();
}

// --- start and drain

void background_controller::in_start() {
    const auto passed = round_trips_since(grown_at_);
    grown_at_ = now_;
    if (limited_ || queue_.filtered() > queue_low()) return;
    rate_ = std::min(rate_ * std::exp2(start_doublings * std::min(passed, 1.0)), rate_max);
    // Faster than the sender's machine can send is no measurement of the path.
    if (delivered_.known()) rate_ = std::min(rate_, std::max(start_overshoot * delivered_.value(), initial_segments * segment_ / seconds_f(round_trip()).count()));
}

void background_controller::enter_drain() {
    const auto out = delivered_.known() ? std::min(delivered_.value(), rate_) : rate_ / 2;
    capacity_ = std::max(out, segment_ * 2);
    ceiling_ = ceiling_share * capacity_;
    rate_ = drain_share * capacity_;
    phase_ = phase::drain;
    phase_since_ = now_;
    queue_before_ = queue_.filtered();
    mark_event();
}

void background_controller::in_drain() {
    queue_before_ = std::max(queue_before_, queue_.filtered());
    if (now_ > phase_since_ + round_trip() && queue_.filtered() <= queue_low()) return enter_run(return_share * capacity_);
    // At half the capacity our own queue takes twice its length to go.
    if (now_ > phase_since_ + std::max<duration>(4 * round_trip() + 2 * queue_before_, 250ms)) enter_floor();
}

// --- run

void background_controller::enter_run(double rate) {
    phase_ = phase::run;
    phase_since_ = run_since_ = grown_at_ = now_;
    hold_until_ = now_;
    rate_ = std::max(rate, 2 * segment_ / seconds_f(round_trip()).count());
    quiet_round_trips_ = 0;
}

void background_controller::in_run(const feedback_sample& sample) {
    if (now_ > std::max(run_since_, event_at_) + 2s) patience_ = {};
    const bool congested = queue_.filtered() > queue_high() || loss_is_congestion(sample);
    if (!congested) return grow(sample);
    grown_at_ = now_;
    if (now_ < hold_until_) return;
    const auto share = delivered_.known() && capacity_ > 0 ? delivered_.value() / capacity_ : 1.0;
    if (share > own_share) overload_of_our_own();
    else enter_caution();
}

void background_controller::overload_of_our_own() {
    // After a pause nothing is known yet of what arrives: our own rate is the nearest to it, and says nothing about the capacity.
    const auto out = delivered_.known() ? delivered_.value() : rate_;
    if (delivered_.known()) capacity_ += capacity_gain * (out - capacity_);
    rate_ = overload_share * std::min(rate_, out);
    ceiling_ = ceiling_share_alone * out;
    hold_until_ = now_ + std::chrono::duration_cast<duration>(round_trip() * 1.3) + 10ms;
    mark_event();
}

void background_controller::grow(const feedback_sample& sample) {
    const auto passed = std::min(round_trips_since(grown_at_), 1.0);
    grown_at_ = now_;
    if (delivered_.known() && !limited_ && delivered_.value() > capacity_) capacity_ = delivered_.value();
    if (limited_ || sample.acked_packets == 0 || now_ < hold_until_ || queue_.filtered() > queue_low()) return;
    quiet_round_trips_ += passed;
    const auto careful_from = careful_share * std::min(ceiling_, capacity_);
    if (rate_ < careful_from) {
        rate_ = std::min(rate_ * std::exp2(passed), careful_from);
    } else {
        const auto gain = std::min(growth_share * std::exp2(std::floor(quiet_round_trips_ / growth_doubling_round_trips)), growth_share_max);
        rate_ += gain * capacity_ * passed;
    }
    if (delivered_.known()) rate_ = std::min({rate_, std::max(2 * delivered_.value(), careful_from), rate_max});
}

// --- caution and floor

bool background_controller::often_cautious() const noexcept {
    // Alone we hardly ever get here; beside a flow that fills a short buffer again and again, every few round trips.
    return cautions_ >= cautions_max;
}

void background_controller::enter_caution() {
    cautions_ = now_ < caution_at_ + std::max<duration>(cautious_span, 20 * round_trip()) ? cautions_ + 1 : 1;
    caution_at_ = now_;
    rate_before_ = rate_;
    delivered_before_ = delivered_.value();
    queue_before_ = queue_.filtered();
    rate_ = drain_share * std::min(rate_, delivered_before_);
    phase_ = phase::caution;
    phase_since_ = now_;
    caution_looks_ = 0;
    mark_event();
}

void background_controller::in_caution() {
    queue_before_ = std::max(queue_before_, queue_.filtered());  // it still grows while our halving is under way
    const auto wait = std::chrono::duration_cast<duration>(round_trip() * 1.25) + 8ms;
    if (now_ < phase_since_ + wait) return;
    if (queue_.filtered() <= queue_low() && !often_cautious()) {
        // Our halving alone emptied the queue: what came out before was all there is for us.
        const bool again = any_false_alarm_ && now_ < false_alarm_at_ + 1s;
        any_false_alarm_ = true;
        false_alarm_at_ = now_;
        const auto before = std::min(rate_before_, delivered_before_);
        capacity_ = std::min(capacity_, std::max(delivered_before_, segment_ * 2));
        ceiling_ = ceiling_share * before;
        const auto since = run_since_;
        enter_run((again ? return_share_again : return_share) * before);
        run_since_ = since;
        return;
    }
    if (caution_looks_ < caution_looks_max && queue_.filtered() < queue_before_ * 3 / 4) {
        // It is going, and a long one takes its time: look once more.
        ++caution_looks_;
        queue_before_ = queue_.filtered();
        phase_since_ = now_;
        return;
    }
    enter_floor();
}

void background_controller::enter_floor() {
    cautions_ = 0;
    if (phase_ == phase::caution) {
        // Whoever it was: this is what there was for us. A link that got slower is thus learnt in a few returns.
        capacity_ = std::clamp(delivered_before_, 0.5 * capacity_, capacity_);
        ceiling_ = std::min(ceiling_, ceiling_share * capacity_);
    }
    const bool short_lived = run_since_ != time_point{} && now_ < run_since_ + std::max<duration>(1500ms, 20 * round_trip());
    if (patience_ == duration{}) patience_ = patience_min();
    else if (short_lived) patience_ = std::min<duration>(2 * patience_, patience_max);
    phase_ = phase::floor;
    phase_since_ = quiet_since_ = now_;
    mark_event();
}

void background_controller::in_floor() {
    if (queue_.filtered() > queue_low()) quiet_since_ = now_;
    if (now_ < quiet_since_ + patience_) return;
    const auto known = std::min(ceiling_, capacity_);
    enter_run(patience_ <= patience_min() ? reclaim_share * known : reclaim_share_wary * capacity_);
}

}  // namespace detail::flow

std::unique_ptr<congestion_controller> make_background_controller(std::uint64_t datagram_bytes_max, time_point now) {
    return std::make_unique<detail::flow::background_controller>(datagram_bytes_max, now);
}

}  // namespace p2pdist
