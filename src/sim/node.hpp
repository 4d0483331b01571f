#pragma once
// What every simulated node does around its core: pump it after each input, keep its deadline, die and come back, sleep and wake, by a
// clock of its own.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "node_clock.hpp"
#include "p2pdist/base/pump.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/sim/network.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"
#include "p2pdist/sim/world.hpp"

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

/// `Self` has perform(here, output) for each output of Core, and on_work(here, kind, argument) for events that it schedules; `here` is the
/// time by the node's own clock. What is scheduled and done to disks goes by the world's.
template <class Self, class Core>
class node : public event_handler, public host, public device_controls {
public:
    /// Whether datagrams reach it.
    [[nodiscard]] bool is_up() const noexcept final { return core_.has_value() && state_ != state::asleep; }
    [[nodiscard]] bool lives() const noexcept { return core_.has_value(); }
    [[nodiscard]] Core& core() noexcept { return *core_; }
    [[nodiscard]] host_index where() const noexcept { return where_; }
    [[nodiscard]] const ip_address& address() const noexcept { return address_; }

    void on_arrival(time_point, const endpoint& from, const endpoint& local, byte_span payload, std::uint8_t ecn) final {
        if (state_ == state::stalled) {
            if (kept_.size() < socket_datagrams_max) kept_.push_back({from, local, bytes(payload.begin(), payload.end()), ecn});
            return;
        }
        receive(from, local, payload, ecn);
        turn();
    }
    void on_event(time_point, std::uint64_t what) final {
        if (what >> boot_shift != boot_ || !core_) return;   // of a former life
        if (state_ != state::running) {
            late_.push_back(what);
            return;
        }
        handle(what);
        turn();
    }
    /// After every input and command.
    void turn() {
        if (state_ != state::running) return;   // on waking
        pump(*core_, here(), self());
        arm();
    }

    void sleep() final { pause(state::asleep); }
    void stall() final { pause(state::stalled); }
    void wake() final {
        if (state_ == state::running) return;
        if (state_ == state::asleep) clock_.go_on(around_.queue.now());
        state_ = state::running;
        around_.note(name(), "wakes");
        for (const auto what : std::exchange(late_, {})) {
            handle(what);
            turn();
        }
        rearm();
        for (const auto& each : std::exchange(kept_, {})) {
            receive(each.from, each.local, each.payload, each.ecn);
            turn();
        }
        turn();
    }
    void drift(std::int64_t ppm) final {
        clock_.drift(around_.queue.now(), ppm);
        rearm();
    }
    void jump(duration ahead) final {
        clock_.jump(around_.queue.now(), ahead);
        rearm();
    }
    void stop_clock() final {
        if (state_ != state::asleep) clock_.stop(around_.queue.now());
    }
    void start_clock() final {
        if (state_ == state::asleep) return;
        clock_.go_on(around_.queue.now());
        rearm();
    }
    void set_wall(std::chrono::seconds ahead) final { clock_.set_wall(ahead); }
    [[nodiscard]] bool paused() const noexcept final { return state_ != state::running; }

protected:
    static constexpr std::uint8_t timer = 0;   // kinds of Self start at 1

    node(surroundings& around, const ip_address& address, int prefix_bits, std::uint64_t seed)
        : around_(around), entropy_(seed), address_(address), where_(around.net.attach(*this, address, prefix_bits).value()) {}
    ~node() = default;

    /// What the node's clocks show.
    [[nodiscard]] time_point here() const noexcept { return clock_.local(around_.queue.now()); }
    [[nodiscard]] wall_time wall() const noexcept { return {around_.wall().seconds + clock_.wall_ahead().count()}; }
    [[nodiscard]] time_point world_now() const noexcept { return around_.queue.now(); }

    /// `when` is the world's.
    void schedule(time_point when, std::uint8_t kind, std::uint64_t argument = 0) {
        around_.queue.at(when, *this, boot_ << boot_shift | std::uint64_t{kind} << kind_shift | (argument & argument_mask));
    }
    void send(send_datagram&& datagram) { around_.net.send(where(), std::move(datagram)); }
    void move_to(const ip_address& address, int prefix_bits) {
        around_.net.move(where_, address, prefix_bits).value();
        address_ = address;
    }
    void come_up(Core&& core) {
        core_.emplace(std::move(core));
        armed_for_ = never;
    }
    void go_down() {
        core_.reset();
        ++boot_;
        late_.clear();
        kept_.clear();
        if (state_ == state::asleep) clock_.go_on(around_.queue.now());
        state_ = state::running;
    }

    surroundings& around_;
    seeded_entropy entropy_;   // goes on over a restart: another boot, other tokens

private:
    enum class state : std::uint8_t { running, asleep, stalled };
    struct kept_datagram {
        endpoint from, local;
        bytes payload;
        std::uint8_t ecn = 0;
    };
    static constexpr unsigned boot_shift = 48, kind_shift = 40;
    static constexpr std::uint64_t argument_mask = (std::uint64_t{1} << kind_shift) - 1;
    static constexpr duration timer_step = std::chrono::microseconds(1);   // time passes even where a core wants its timer at once, again
    static constexpr std::size_t socket_datagrams_max = 96;                // of full length, in a socket's usual buffer

    Self& self() noexcept { return static_cast<Self&>(*this); }
    [[nodiscard]] std::string name() const { return address_.to_string(); }

    void receive(const endpoint& from, const endpoint& local, byte_span payload, std::uint8_t ecn) {
        if (!self().take(here(), from, payload)) core_->on_datagram(here(), {local, from, here(), ecn, payload});
    }
    void handle(std::uint64_t what) {
        const auto argument = what & argument_mask;
        const auto kind = static_cast<std::uint8_t>(what >> kind_shift & 0xff);
        if (kind != timer) return self().on_work(here(), kind, argument);
        if (argument != timer_number_) return;           // an earlier deadline came up since
        armed_for_ = never;
        if (core_->deadline() > here()) return;
        core_->on_timer(here());
        timer_ran_ = around_.queue.now();
    }
    void pause(state how) {
        if (!core_ || state_ != state::running) return;
        around_.note(name(), how == state::asleep ? "sleeps" : "stalls");
        state_ = how;
        if (how == state::asleep) clock_.stop(around_.queue.now());
    }
    /// The clock goes otherwise than it did when the timer was set.
    void rearm() {
        armed_for_ = never;
        ++timer_number_;
        if (core_ && state_ == state::running) arm();
    }

    /// One event is under way for the earliest deadline; one that fires too early, since the deadline moved away, arms the next.
    void arm() {
        const auto deadline = clock_.world(core_->deadline());
        if (deadline == never) return;
        const auto when = std::max(deadline, timer_ran_ + timer_step);
        if (when >= armed_for_) return;
        armed_for_ = when;
        schedule(when, timer, ++timer_number_);
    }

    ip_address address_;
    host_index where_;
    std::optional<Core> core_;
    node_clock clock_;
    state state_ = state::running;
    std::vector<std::uint64_t> late_;     // events that came meanwhile
    std::vector<kept_datagram> kept_;     // datagrams
    std::uint64_t boot_ = 0;
    std::uint64_t timer_number_ = 0;
    time_point armed_for_ = never;
    time_point timer_ran_{};
};

}  // namespace p2pdist::sim
