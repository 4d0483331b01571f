#pragma once
// An asynchronous operation between its beginning and its one completion. Touched on its client's executor only.

#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include <asio/post.hpp>

#include "p2pdist/driver/async_operation.hpp"

namespace p2pdist::detail {

template <class... Results>
struct operation {
    std::unique_ptr<completion<Results...>> done;   // nothing once it has completed

    [[nodiscard]] bool open() const noexcept { return done != nullptr; }
    void complete(Results... results) {
        if (const auto to = std::exchange(done, nullptr)) to->complete(std::move(results)...);
    }
};

/// Calls `begin(op)` on the executor; and `cancel(op)` there, when told so, if the operation is open by then.
template <class... Results, class Begin, class Cancel>
prepared_operation prepare(const asio::any_io_executor& executor, std::unique_ptr<completion<Results...>> done, Begin begin, Cancel cancel) {
    auto op = std::make_shared<operation<Results...>>();
    op->done = std::move(done);
    return {[executor, op, begin = std::move(begin)] { asio::post(executor, [op, begin] { begin(op); }); },
            [executor, weak = std::weak_ptr(op), cancel = std::move(cancel)] {
                asio::post(executor, [weak, cancel] {
                    if (const auto found = weak.lock(); found && found->open()) cancel(found);
                });
            }};
}

/// node->stop() on the executor, then the completion.
template <class Node>
prepared_operation prepare_stop(const asio::any_io_executor& executor, const std::shared_ptr<Node>& node, std::unique_ptr<completion<std::error_code>> done) {
    return prepare(
        executor, std::move(done),
        [node](const auto& op) {
            node->stop();
            op->complete({});
        },
        [](const auto&) {});
}

}  // namespace p2pdist::detail
