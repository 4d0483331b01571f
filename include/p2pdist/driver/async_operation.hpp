#pragma once
// How the façades take completion tokens: a completion handler of any type behind one interface, and an operation that begins and is
// cancelled. What a program uses of this are the tokens; the names in here may change. One object is one operation, of one thread at a
// time: it is begun, cancelled and completed on the executors of whoever has it.

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/execution_context.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#if !defined(_WIN32) && !defined(ASIO_HAS_STD_ALIGNED_ALLOC)
// Asio frees what it took from one place to another where the library and a program differ in this.
#error "libp2pdist needs ASIO_HAS_STD_ALIGNED_ALLOC=1 where Asio's headers come first; its CMake targets and pkg-config files say so"
#endif

namespace p2pdist::detail {

/// A completion handler of any type, called once, on its own executor, and never from within complete().
template <class... Results>
class completion {
public:
    virtual ~completion() = default;
    virtual void complete(Results... results) = 0;
};

template <class Handler, class... Results>
class completion_of final : public completion<Results...> {
public:
    completion_of(Handler handler, const asio::any_io_executor& fallback)
        : handler_(std::move(handler)), work_(asio::get_associated_executor(handler_, fallback)) {}

    void complete(Results... results) override {
        asio::post(work_.get_executor(), [handler = std::move(handler_), ... results = std::move(results)]() mutable {
            // Here and not before: a slot belongs to the handler's executor, and may be in the middle of its emit() until then.
            if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
            std::move(handler)(std::move(results)...);
        });
    }

private:
    Handler handler_;
    asio::executor_work_guard<asio::associated_executor_t<Handler, asio::any_io_executor>> work_;
};

/// An operation that has its completion: what begins it, and what cancels it at any time from then on.
struct prepared_operation {
    std::function<void()> begin, cancel;
};
template <class... Results>
using preparer = std::function<prepared_operation(std::unique_ptr<completion<Results...>>)>;

template <class... Results>
struct initiator {
    template <class Token>
    static auto start(const asio::any_io_executor& executor, preparer<Results...> prepare, Token&& token) {
        return asio::async_initiate<Token, void(Results...)>(
            [executor](auto handler, const preparer<Results...>& with) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                using handler_type = std::decay_t<decltype(handler)>;
                auto operation = with(std::make_unique<completion_of<handler_type, Results...>>(std::move(handler), executor));
                if (slot.is_connected()) slot.assign([cancel = std::move(operation.cancel)](asio::cancellation_type) { cancel(); });
                operation.begin();   // on another thread it may be over before this returns
            },
            token, std::move(prepare));
    }
};

/// An execution context, as `node{io, options}` takes one.
template <class Context>
concept execution_context_of = std::is_convertible_v<Context&, asio::execution_context&>;

}  // namespace p2pdist::detail
