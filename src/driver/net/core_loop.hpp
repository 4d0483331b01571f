#pragma once
// What every façade does around its core: pump it after each batch of inputs, keep its deadline, tell it the wall clock.

#include <chrono>
#include <memory>
#include <utility>

#include <asio/steady_timer.hpp>

#include "net/udp_port.hpp"
#include "p2pdist/base/pump.hpp"

namespace p2pdist::net {

/// `Io` performs the core's outputs: io.perform(now, output), then io.after_pump() once, in which it may call the core again. What is thrown
/// in there, by a part of the core that is the program's, leaves the loop as it was: the next input or deadline goes on.
template <class Core, class Io>
class core_loop {
public:
    core_loop(const asio::any_io_executor& executor, Core& core, Io& io) : core_(core), io_(io), timer_(executor) {}

    /// After every input. Called from within itself (an event's handler that gives a command) it only asks for another round.
    void turn() {
        if (stopped_) return;
        again_ = true;
        if (turning_) return;
        turning_ = true;
        try {
            while (std::exchange(again_, false) && !stopped_) {
                pump(core_, monotonic_now(), io_);
                io_.after_pump();
            }
        } catch (...) {
            turning_ = false;
            arm();
            throw;
        }
        turning_ = false;
        arm();
    }
    void stop() {
        stopped_ = true;
        timer_.cancel();
    }

private:
    void arm() {
        const auto deadline = core_.deadline();
        if (stopped_ || deadline == armed_for_) return;
        armed_for_ = deadline;
        if (deadline == never) {
            timer_.cancel();
            return;
        }
        timer_.expires_at(std::chrono::steady_clock::time_point{std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline.time_since_epoch())});
        timer_.async_wait([this, alive = std::weak_ptr(alive_)](std::error_code failure) {
            if (failure || alive.expired() || stopped_) return;
            armed_for_ = never;
            try {
                core_.on_timer(monotonic_now());
            } catch (...) {
                arm();
                throw;
            }
            turn();
        });
    }

    Core& core_;
    Io& io_;
    asio::steady_timer timer_;
    time_point armed_for_ = never;
    bool turning_ = false;
    bool again_ = false;
    bool stopped_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();  // a completion that was queued already may come after the loop's end
};

}  // namespace p2pdist::net
