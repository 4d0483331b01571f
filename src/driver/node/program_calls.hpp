#pragma once
// Where a façade meets code that is the program's: on which executor it may run, and what becomes of an exception. A core and what drives
// it are in the middle of something when they call: an exception must not cross them.

#include <exception>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>

#include "node/or_fail.hpp"
#include "p2pdist/content/store.hpp"

namespace p2pdist {

/// The executor where it is known to run one handler at a time, as Asio's strands do, or else a strand around it: nobody can tell how many
/// threads run an io_context. errc::invalid_argument for an empty one.
[[nodiscard]] inline asio::any_io_executor one_at_a_time(const asio::any_io_executor& executor) {
    if (!executor) fail({errc::invalid_argument, "no executor is given"});
    const auto& type = executor.target_type();
    for (const auto* strand : {&typeid(asio::strand<asio::any_io_executor>), &typeid(asio::strand<asio::io_context::executor_type>),
                               &typeid(asio::strand<asio::thread_pool::executor_type>), &typeid(asio::strand<asio::system_executor>)}) {
        if (type == *strand) return executor;
    }
    return asio::make_strand(executor);
}

/// Calls a handler of the program. What it throws comes out of the executor's run() as if the program had posted the handler itself.
template <class Call>
void call_program(const asio::any_io_executor& executor, Call call) {
    try {
        call();
    } catch (...) {
        asio::post(executor, [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
    }
}

/// Within a catch block: what was thrown, for people.
[[nodiscard]] inline std::string thrown_text() {
    try {
        throw;
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "an exception of another type";
    }
}

/// An output_sink whose exceptions are errc::io_failed: a thread of a store calls it, where nobody could catch them.
class guarded_sink final : public output_sink {
public:
    explicit guarded_sink(std::shared_ptr<output_sink> to) : to_(std::move(to)) {}
    [[nodiscard]] result<void> resize(std::uint64_t size_bytes) override {
        return guarded([&] { return to_->resize(size_bytes); });
    }
    [[nodiscard]] result<void> write_at(std::uint64_t offset, byte_span data) override {
        return guarded([&] { return to_->write_at(offset, data); });
    }
    [[nodiscard]] result<void> sync() override {
        return guarded([&] { return to_->sync(); });
    }

private:
    template <class Call>
    static result<void> guarded(Call call) {
        try {
            return call();
        } catch (...) {
            return {errc::io_failed, "the output_sink threw: " + thrown_text()};
        }
    }

    std::shared_ptr<output_sink> to_;
};

}  // namespace p2pdist
