// A law like BBR version 3 (draft-ietf-ccwg-bbr): its probe cycle of down, cruise, refill and up, its bounds of what may be under way, and its
// answers to loss and marks. It leaves out the draft's estimate of excess acknowledgements and its undoing of spurious losses.

#include <algorithm>
#include <cmath>
#include <limits>

#include "bbr_filter.hpp"
#include "laws.hpp"
#include "p2pdist/base/random.hpp"

namespace p2pdist::sim {
namespace {

using std::chrono::milliseconds;

constexpr double unbounded = std::numeric_limits<double>::infinity();
constexpr double loss_max = 0.02, beta3 = 0.7, headroom = 0.15;
constexpr double mark_gain = 1.0 / 16, mark_cut = 1.0 / 3, mark_max = 0.5;
constexpr std::uint64_t coexistence_rounds_max = 63;
constexpr duration probe_rtt_every = std::chrono::seconds(5), probe_rtt_lasts = milliseconds(200);
constexpr duration cruise_min = std::chrono::seconds(2), cruise_spread = std::chrono::seconds(1);

class bbr3_law final : public congestion_law {
public:
    bbr3_law(std::uint64_t segment_bytes, std::uint64_t seed) : segment_bytes_(static_cast<double>(segment_bytes)), random_(seed) {}

    void on_first_rtt(time_point now, duration rtt) override {
        least_ = rtt;
        least_at_ = probed_rtt_at_ = now;
        pacing_ = 2.77 * initial_window / std::max(to_seconds(rtt), 1e-3);
    }
    void on_ack(const ack_event& what) override {
        count(what);
        update_bandwidth(what);
        if (round_start_) end_round(what);
        step(what);
        update_least(what);
        pacing_ = bandwidth() > 0 && (full_ || bandwidth() * gain() > pacing_) ? bandwidth() * gain() * pacing_margin : pacing_;
        set_window(what);
    }
    void on_congestion(time_point, std::uint64_t) override { recovering_ = true; }
    void on_recovered(time_point) override { recovering_ = false; }
    void on_timeout(time_point) override {
        if (lower_window_ == unbounded) lower_window_ = window_;
        window_ = 1;
    }
    void on_idle(int) override {}
    [[nodiscard]] double window() const override { return window_; }
    [[nodiscard]] std::optional<double> threshold() const override { return std::nullopt; }
    [[nodiscard]] double pacing_per_second() const override { return pacing_; }

private:
    enum class mode : std::uint8_t { startup, drain, down, cruise, refill, up, probe_rtt };

    [[nodiscard]] double gain() const {
        constexpr double gains[] = {2.77, 0.35, 0.9, 1, 1, 1.25, 1};
        return gains[static_cast<std::size_t>(mode_)];
    }
    [[nodiscard]] double window_gain() const { return mode_ == mode::up ? 2.25 : mode_ == mode::probe_rtt ? 0.5 : 2; }
    [[nodiscard]] double bandwidth() const { return std::min(bandwidth_.get(), lower_bandwidth_); }
    [[nodiscard]] double product(double gain) const {
        return least_ == duration::max() ? initial_window : std::ceil(bandwidth() * to_seconds(least_) * gain);
    }
    [[nodiscard]] bool probing() const { return mode_ == mode::startup || mode_ == mode::refill || mode_ == mode::up; }
    void enter(mode next, time_point now) {
        mode_ = next;
        mode_began_ = now;
        mode_rounds_ = 0;
    }

    void count(const ack_event& what) {
        round_delivered_ += static_cast<double>(what.acked);
        round_lost_ += static_cast<double>(what.lost);
        round_marked_ += static_cast<double>(what.marked);
        if (what.rate) round_bandwidth_ = std::max(round_bandwidth_, what.rate->per_second);
    }
    void update_bandwidth(const ack_event& what) {
        round_start_ = false;
        if (!what.rate) return;
        if (what.rate->prior_delivered >= round_end_) {
            round_end_ = what.delivered;
            round_start_ = true;
            ++mode_rounds_;
        }
        // What was sent while the round trip was probed says nothing of the bandwidth.
        if (mode_ == mode::probe_rtt) limited_until_ = what.delivered + what.pipe;
        const bool limited = what.rate->app_limited || what.rate->prior_delivered < limited_until_;
        if (!limited || what.rate->per_second >= bandwidth_.get()) bandwidth_.add(cycles_, what.rate->per_second, 2);
    }

    /// Too much was under way.
    [[nodiscard]] bool too_much() const {
        const auto all = round_delivered_ + round_lost_;
        return round_lost_ > loss_max * all + 1 || (round_marked_ > 0 && round_marked_ > mark_max * round_delivered_);
    }
    void end_round(const ack_event& what) {
        const auto share = round_delivered_ > 0 ? round_marked_ / round_delivered_ : 0;
        marked_share_ += mark_gain * (share - marked_share_);
        if (!probing()) {
            if (round_lost_ > 0) {
                lower_bandwidth_ = std::max(round_bandwidth_, beta3 * bandwidth());
                lower_window_ = std::max(round_delivered_, beta3 * std::min(lower_window_, window_));
            }
            if (round_marked_ > 0) lower_window_ = std::max(window_min, std::min(lower_window_, window_) * (1 - mark_cut * marked_share_));
        }
        if (mode_ == mode::startup) look_whether_full(what);
        if (mode_ == mode::up) upper_window_ += up_step_ = std::min(up_step_ * 2, 1024.0);
        if (mode_ == mode::startup && too_much()) {
            full_ = true;
            upper_window_ = std::max(product(1), round_delivered_);
        }
        round_delivered_ = round_lost_ = round_marked_ = round_bandwidth_ = 0;
    }
    void look_whether_full(const ack_event& what) {
        if (what.rate && what.rate->app_limited) return;
        if (bandwidth_.get() >= full_bandwidth_ * full_growth) {
            full_bandwidth_ = bandwidth_.get();
            full_count_ = 0;
        } else if (++full_count_ >= full_rounds) {
            full_ = true;
        }
    }

    void begin_down(time_point now) {
        enter(mode::down, now);
        ++cycles_;
        cruise_ = cruise_min + duration(static_cast<duration::rep>(random_.unit() * static_cast<double>(cruise_spread.count())));
        cycle_began_ = now;
        cycle_rounds_ = 0;
    }
    void step(const ack_event& what) {
        const auto pipe = static_cast<double>(what.pipe);
        if (round_start_) ++cycle_rounds_;
        switch (mode_) {
            case mode::startup:
                if (full_) enter(mode::drain, what.now);
                break;
            case mode::drain:
                if (pipe <= product(1)) begin_down(what.now);
                break;
            case mode::down:
                if (time_to_probe(what.now)) refill(what);
                else if (pipe <= std::min(product(1), upper_window_ * (1 - headroom))) enter(mode::cruise, what.now);
                break;
            case mode::cruise:
                if (time_to_probe(what.now)) refill(what);
                break;
            case mode::refill:
                if (mode_rounds_ < 1 || !round_start_) break;
                up_step_ = 1;
                enter(mode::up, what.now);
                break;
            case mode::up:
                if (too_much()) {
                    upper_window_ = std::max(static_cast<double>(what.prior_pipe), beta3 * product(1));
                    begin_down(what.now);
                } else if (what.now - mode_began_ > least_ && pipe >= product(1.25)) {
                    begin_down(what.now);
                }
                break;
            case mode::probe_rtt: break;
        }
    }
    [[nodiscard]] bool time_to_probe(time_point now) const {
        // As often as a Reno of the same window would lose something.
        const auto rounds = std::min(coexistence_rounds_max, static_cast<std::uint64_t>(product(1)));
        return now - cycle_began_ > cruise_ || cycle_rounds_ >= rounds;
    }
    void refill(const ack_event& what) {
        lower_bandwidth_ = lower_window_ = unbounded;
        round_end_ = what.delivered;
        enter(mode::refill, what.now);
    }

    void update_least(const ack_event& what) {
        if (what.rtt && (*what.rtt <= least_ || what.now > least_at_ + least_lives)) {
            least_ = *what.rtt;
            least_at_ = probed_rtt_at_ = what.now;
        }
        if (mode_ != mode::probe_rtt && what.now > probed_rtt_at_ + probe_rtt_every) {
            enter(mode::probe_rtt, what.now);
            probe_until_.reset();
        }
        if (mode_ != mode::probe_rtt) return;
        if (!probe_until_ && static_cast<double>(what.pipe) <= std::max(window_min, product(0.5))) probe_until_ = what.now + probe_rtt_lasts;
        if (!probe_until_ || what.now < *probe_until_) return;
        probed_rtt_at_ = what.now;
        if (full_) {
            begin_down(what.now);
            enter(mode::cruise, what.now);
        } else {
            enter(mode::startup, what.now);
        }
    }

    void set_window(const ack_event& what) {
        const auto acked = static_cast<double>(what.acked);
        const auto burst = std::max(std::floor(pacing_ / 1024), pacing_ * segment_bytes_ < 150'000 ? 1.0 : 2.0);
        const auto target = product(window_gain()) + 3 * burst;
        if (what.lost > 0 && recovering_) window_ = std::max(window_ - static_cast<double>(what.lost), window_min);
        if (full_) window_ = std::min(window_ + acked, target);
        else if (window_ < target || static_cast<double>(what.delivered) < initial_window) window_ += acked;
        auto bound = lower_window_;
        if (mode_ == mode::cruise || mode_ == mode::probe_rtt) bound = std::min(bound, upper_window_ * (1 - headroom));
        else if (mode_ != mode::startup) bound = std::min(bound, upper_window_);
        if (mode_ == mode::probe_rtt) bound = std::min(bound, product(0.5));
        window_ = std::max(std::min(window_, bound), window_min);
    }

    double segment_bytes_;
    random_source random_;
    mode mode_ = mode::startup;
    time_point mode_began_{}, cycle_began_{};
    std::uint64_t mode_rounds_ = 0, cycle_rounds_ = 0, cycles_ = 0;
    duration cruise_{};
    max_filter bandwidth_;
    duration least_ = duration::max();
    time_point least_at_{}, probed_rtt_at_{};
    std::optional<time_point> probe_until_;
    double window_ = initial_window, pacing_ = 0;
    double upper_window_ = unbounded, lower_window_ = unbounded, lower_bandwidth_ = unbounded, up_step_ = 1;
    std::uint64_t round_end_ = 0;
    std::uint64_t limited_until_ = 0;
    bool round_start_ = false, full_ = false, recovering_ = false;
    double round_delivered_ = 0, round_lost_ = 0, round_marked_ = 0, round_bandwidth_ = 0, marked_share_ = 0;
    double full_bandwidth_ = 0;
    int full_count_ = 0;
};

}  // namespace

std::unique_ptr<congestion_law> make_bbr3(std::uint64_t segment_bytes, std::uint64_t seed) { return std::make_unique<bbr3_law>(segment_bytes, seed); }

}  // namespace p2pdist::sim
