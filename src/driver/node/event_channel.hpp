#pragma once
// What stands behind an event_stream: the events that wait for its program, or its program that waits for an event.

#include <memory>
#include <optional>
#include <utility>

#include "node/operation.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/client/event_queue.hpp"

namespace p2pdist::detail {

class event_channel {
public:
    using next_operation = std::shared_ptr<operation<std::error_code, client_event>>;

    explicit event_channel(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] bool full() const noexcept { return queue_.full(); }
    void push(const client_event& event) {
        queue_.push(event);
        serve();
    }
    [[nodiscard]] std::optional<client_event> take() { return queue_.pop(); }
    /// Nothing more comes: after what waits, `why`.
    void end(errc why) {
        if (end_ == std::error_code()) end_ = make_error_code(why);
        serve();
    }
    void next(next_operation op) {
        if (waiting_ && waiting_->open()) return op->complete(make_error_code(errc::refused), {});
        waiting_ = std::move(op);
        serve();
    }

private:
    void serve() {
        if (!waiting_ || !waiting_->open()) return;
        if (auto event = queue_.pop()) waiting_->complete({}, std::move(*event));
        else if (end_) waiting_->complete(end_, {});
    }

    asio::any_io_executor executor_;
    event_queue queue_;
    next_operation waiting_;
    std::error_code end_;
};

}  // namespace p2pdist::detail
