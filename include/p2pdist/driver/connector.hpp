#pragma once
// The connector in an Asio program: requests to the server over DTLS 1.2 (CON-2), from UDP 34320 to the server's 34323.

#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/driver/async_operation.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// What a connector is made with.
struct connector_options {
    ip_address server;
    ip_address bind;                 ///< unspecified: any
    secret_key security_key{};
    port_plan ports;
    duration timeout = std::chrono::seconds(15);       ///< for the handshake and for each answer
    duration port_wait = std::chrono::seconds(5);      ///< CON-1: a second connector on one address waits so long
    log_sink log;
};

/// A connector in an Asio program. It runs on the strand that it is given, or on one of its own. What begins with async_ may be called from
/// any thread; all else on get_executor(), or on the one thread that runs all of it.
class P2PDIST_API connector {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;
    /// Takes the reply, or why there is none.
    using answer_handler = std::function<void(result<message_body>)>;

    /// Never throws for the network: a port in use, for longer than port_wait, fails the requests and says who holds it.
    connector(const executor_type& executor, connector_options options);
    /// The same, on the executor of an execution context.
    template <detail::execution_context_of Context>
    connector(Context& context, connector_options options) : connector(executor_type(context.get_executor()), std::move(options)) {}
    /// As stop().
    ~connector();
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;

    /// The strand on which it runs.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// The handler is called once, on the executor: with the reply, or with an error whose sentence says what to do (wrong key, no
    /// server at that address, version, ...). An error_reply of the server is given as an error too. The handler may make further requests,
    /// stop the connector, or destroy it; what it throws leaves the executor's run().
    void request(message_body body, answer_handler handler);
    /// The same as an Asio operation: completes with (result<message_body>). Cancellation (any type) completes with errc::cancelled; what
    /// the server was asked already it may do.
    template <class Token>
    auto async_request(message_body body, Token&& token) {
        return detail::initiator<result<message_body>>::start(get_executor(), [self = self_, body = std::move(body)](request_completion done) {
            return prepare_request(self, body, std::move(done));
        }, std::forward<Token>(token));
    }
    /// Ends the channel properly; open requests fail with errc::cancelled.
    void stop();
    /// The same from any thread; completes with (std::error_code), none, when it is done.
    template <class Token>
    auto async_stop(Token&& token) {
        return detail::initiator<std::error_code>::start(get_executor(), [self = self_](stop_completion done) {
            return prepare_stop(self, std::move(done));
        }, std::forward<Token>(token));
    }

private:
    class P2PDIST_LOCAL implementation;
    using request_completion = std::unique_ptr<detail::completion<result<message_body>>>;
    using stop_completion = std::unique_ptr<detail::completion<std::error_code>>;
    static detail::prepared_operation prepare_request(const std::shared_ptr<implementation>& self, message_body body, request_completion done);
    static detail::prepared_operation prepare_stop(const std::shared_ptr<implementation>& self, stop_completion done);

    std::shared_ptr<implementation> self_;
};

}  // namespace p2pdist
