// NewReno's window (RFC 5681, RFC 6582), and the choice of a law.

#include <algorithm>

#include "laws.hpp"
#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {
namespace {

class reno_law final : public congestion_law {
public:
    void on_ack(const ack_event& what) override {
        if (what.recovering || !what.window_limited) return;
        window_ += grow_to(threshold_, window_, static_cast<double>(what.acked)) / window_;
    }
    void on_congestion(time_point, std::uint64_t) override { threshold_ = std::max(window_ / 2, 2.0); }
    void on_recovered(time_point) override { window_ = std::min(window_, threshold_); }
    void on_timeout(time_point) override {
        threshold_ = std::max(window_ / 2, 2.0);
        window_ = 1;
    }
    void on_idle(int timeouts) override {
        for (; timeouts > 0 && window_ > initial_window; --timeouts) window_ /= 2;
        window_ = std::max(window_, initial_window);
    }
    [[nodiscard]] double window() const override { return window_; }
    [[nodiscard]] std::optional<double> threshold() const override { return threshold_; }

private:
    double window_ = initial_window;
    double threshold_ = endless;
};

}  // namespace

std::unique_ptr<congestion_law> make_reno() { return std::make_unique<reno_law>(); }

std::unique_ptr<congestion_law> make_law(rival_kind kind, std::uint64_t segment_bytes, std::uint64_t seed) {
    switch (kind) {
        case rival_kind::reno: return make_reno();
        case rival_kind::bbr: return make_bbr(segment_bytes, seed);
        case rival_kind::bbr3: return make_bbr3(segment_bytes, seed);
        case rival_kind::cubic:
        case rival_kind::web: return make_cubic();
        case rival_kind::constant:
        case rival_kind::on_off: break;
    }
    P2PDIST_ASSERT(false);
    return nullptr;
}

}  // namespace p2pdist::sim
