#pragma once
// What every simulated node does around its core: pump it after each input, keep its deadline, die and come back.

#include <memory>
#include <optional>
#include <utility>

#include "p2pdist/base/pump.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/sim/network.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"

namespace p2pdist::sim {

/// What the nodes of one world share.
struct surroundings {
    event_queue& queue;
    network& net;
    trace& record;
    const crypto_suite& crypto;
    std::uint64_t activity = 0;   ///< grows with every event of a node

    [[nodiscard]] wall_time wall() const noexcept {
        constexpr std::int64_t wall_at_start = 1'750'000'000;
        return {wall_at_start + std::chrono::duration_cast<std::chrono::seconds>(queue.now() - event_queue::start_time).count()};
    }
    void note(std::string_view who, std::string_view what) {
        ++activity;
        record.add(queue.now(), who, what);
    }
};

/// `Self` has perform(now, output) for each output of Core, and on_work(now, kind, argument) for events that it schedules.
template <class Self, class Core>
class node : public event_handler, public host {
public:
    [[nodiscard]] bool is_up() const noexcept final { return core_.has_value(); }
    [[nodiscard]] Core& core() noexcept { return *core_; }
    [[nodiscard]] host_index where() const noexcept { return where_; }
    [[nodiscard]] const ip_address& address() const noexcept { return address_; }

    void on_arrival(time_point now, const endpoint& from, const endpoint& local, byte_span payload, std::uint8_t ecn) final {
        if (!self().take(now, from, payload)) core_->on_datagram(now, {local, from, now, ecn, payload});
        turn(now);
    }
    void on_event(time_point now, std::uint64_t what) final {
        if (what >> boot_shift != boot_ || !core_) return;   // of a former life
        const auto argument = what & argument_mask;
        const auto kind = static_cast<std::uint8_t>(what >> kind_shift & 0xff);
        if (kind != timer) {
            self().on_work(now, kind, argument);
        } else {
            if (argument != timer_number_) return;           // an earlier deadline came up since
            armed_for_ = never;
            if (core_->deadline() <= now) {
                core_->on_timer(now);
                timer_ran_ = now;
            }
        }
        turn(now);
    }
    /// After every input and command.
    void turn(time_point now) {
        pump(*core_, now, self());
        arm();
    }

protected:
    static constexpr std::uint8_t timer = 0;   // kinds of Self start at 1

    node(surroundings& around, const ip_address& address, int prefix_bits, std::uint64_t seed)
        : around_(around), entropy_(seed), address_(address), where_(around.net.attach(*this, address, prefix_bits).value()) {}
    ~node() = default;

    void schedule(time_point when, std::uint8_t kind, std::uint64_t argument = 0) {
        around_.queue.at(when, *this, boot_ << boot_shift | std::uint64_t{kind} << kind_shift | (argument & argument_mask));
    }
    void come_up(Core&& core) {
        core_.emplace(std::move(core));
        armed_for_ = never;
    }
    void go_down() {
        core_.reset();
        ++boot_;
    }

    surroundings& around_;
    seeded_entropy entropy_;   // goes on over a restart: another boot, other tokens

private:
    static constexpr unsigned boot_shift = 48, kind_shift = 40;
    static constexpr std::uint64_t argument_mask = (std::uint64_t{1} << kind_shift) - 1;
    static constexpr duration timer_step = std::chrono::microseconds(1);   // time passes even where a core wants its timer at once, again

    Self& self() noexcept { return static_cast<Self&>(*this); }

    /// One event is under way for the earliest deadline; one that fires too early, since the deadline moved away, arms the next.
    void arm() {
        const auto deadline = core_->deadline();
        if (deadline == never) return;
        const auto when = std::max(deadline, timer_ran_ + timer_step);
        if (when >= armed_for_) return;
        armed_for_ = when;
        schedule(when, timer, ++timer_number_);
    }

    ip_address address_;
    host_index where_;
    std::optional<Core> core_;
    std::uint64_t boot_ = 0;
    std::uint64_t timer_number_ = 0;
    time_point armed_for_ = never;
    time_point timer_ran_{};
};

}  // namespace p2pdist::sim
